/**
 * Asks whether a server is alive, by any page that it has. Some servers list no models, and some have no health page.
 *
 * - A status below 500 shows that the server is alive, "not found" and "no key" included. So does 501: the server does not know GET.
 * - 502, 503 and 504 show that the server can't work: it loads its model, or a proxy has no server behind it.
 * - Any other error, or a connection that is closed without an answer, may concern that page alone: the next page is asked.
 *
 * The page that answered is asked first the next time.
 */
import { Effect } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { OpenAiClient, RequestOptions } from "./OpenAiClient.ts"
import * as ServerError from "./ServerError.ts"

interface Page {
  readonly path: string
  readonly from: NonNullable<RequestOptions["from"]>
}

/**
 * The pages in order. OpenAI and nearly all others have the first; vLLM, llama.cpp, Kokoro and speaches the second; gateways the third;
 * every server the last.
 */
const pages: ReadonlyArray<Page> = [
  { path: "/models", from: "base" },
  { path: "/health", from: "origin" },
  { path: "/health", from: "base" },
  { path: "/", from: "origin" }
]

const isAlive = (error: EngineFailed): boolean => {
  const status = ServerError.statusOf(error)
  return status !== undefined && (status < 500 || status === 501)
}

/** Whether the error may concern this page alone. */
const isAboutPage = (error: EngineFailed): boolean => {
  const status = ServerError.statusOf(error)
  return status === undefined ? error.reason === "broken" : status < 502 || status > 504
}

/** A probe of this server. If no page answers, it fails with the error of the first page. */
export const make = (endpoint: Pick<OpenAiClient, "get">): Effect.Effect<void, EngineFailed> => {
  /** The index of the page that answered last. */
  let preferred = 0

  const ask = (index: number): Effect.Effect<void, EngineFailed> => {
    const { from, path } = pages[index]
    return Effect.scoped(endpoint.get(path, { from })).pipe(
      Effect.asVoid,
      Effect.catchIf(isAlive, () => Effect.void),
      Effect.tap(() => Effect.sync(() => void (preferred = index)))
    )
  }

  return Effect.suspend(() => {
    const order = [preferred, ...pages.flatMap((_, index) => index === preferred ? [] : [index])]
    const askFrom = (place: number): Effect.Effect<void, EngineFailed> =>
      Effect.catch(ask(order[place]), (error) =>
        place + 1 < order.length && isAboutPage(error) ? Effect.mapError(askFrom(place + 1), () => error) : Effect.fail(error))
    return askFrom(0)
  })
}
