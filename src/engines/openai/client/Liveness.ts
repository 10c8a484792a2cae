/**
 * Checks whether a server is alive, with any page that the server has. Some servers list no models, and some have no health page.
 *
 * - A status below 500 shows that the server is alive, even if the page is not found or the key is missing. A 501 shows it, too: the
 *   server does not support GET.
 * - 502, 503 and 504 show that the server can't work. It is loading its model, or a proxy can't reach the server behind it.
 * - Any other error, or a connection that is closed without an answer, may concern only this page. So the next page is asked.
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
 * The pages in order. OpenAI and nearly all other servers have the first page. vLLM, llama.cpp, Kokoro and speaches have the second,
 * gateways have the third, and every server has the last.
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

/** Whether the error may concern only this page. */
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
