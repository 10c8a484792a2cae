/**
 * Whether anybody is there, by whatever page a server has. Not every server of one model lists models, and not every one
 * has a health page.
 *
 * - An answer below 500 shows that the server lives, also "not found" and "no key", and so does 501: it does not know GET.
 * - 502, 503 and 504 are believed: the server loads its model, or a proxy has nobody behind it.
 * - Any other error, and a connection that is closed without an answer, may be that page's own: the next page is asked.
 *
 * The page that was answered is asked first the next time.
 */
import { Effect } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { OpenAiClient, RequestOptions } from "./OpenAiClient.ts"
import * as ServerError from "./ServerError.ts"

interface Page {
  readonly path: string
  readonly from: NonNullable<RequestOptions["from"]>
}

/** What OpenAI and nearly all others have; vLLM, llama.cpp, Kokoro and speaches; gateways; and what every server has. */
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

/** Whether another page may be answered otherwise. */
const isOfPage = (error: EngineFailed): boolean => {
  const status = ServerError.statusOf(error)
  return status === undefined ? error.reason === "broken" : status < 502 || status > 504
}

/** A probe of this server. It fails as the first page that was asked has failed. */
export const make = (endpoint: Pick<OpenAiClient, "get">): Effect.Effect<void, EngineFailed> => {
  let known = 0

  const ask = (index: number): Effect.Effect<void, EngineFailed> => {
    const { from, path } = pages[index]
    return Effect.scoped(endpoint.get(path, { from })).pipe(
      Effect.asVoid,
      Effect.catchIf(isAlive, () => Effect.void),
      Effect.tap(() => Effect.sync(() => void (known = index)))
    )
  }

  return Effect.suspend(() => {
    const order = [known, ...pages.flatMap((_, index) => index === known ? [] : [index])]
    const askFrom = (place: number): Effect.Effect<void, EngineFailed> =>
      Effect.catch(ask(order[place]), (error) =>
        place + 1 < order.length && isOfPage(error) ? Effect.mapError(askFrom(place + 1), () => error) : Effect.fail(error))
    return askFrom(0)
  })
}
