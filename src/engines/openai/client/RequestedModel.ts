/**
 * The model's name in the requests to a server. It is the configured model. If no model is configured, it is the first model that the
 * server lists. If the server lists no model, requests have no name.
 *
 * Many servers have one model and need no name. So the list is read once, and again only after a request without a name was refused.
 */
import { Effect, Option } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"

export class RequestedModel {
  /** `undefined`: the name is not known yet. `None`: the server lists no model. */
  #known: Option.Option<string> | undefined
  readonly #readFirst: Effect.Effect<Option.Option<string>, EngineFailed>

  /** `readFirst` asks the server for the first model of its list. */
  constructor(configured: Option.Option<string>, readFirst: Effect.Effect<Option.Option<string>, EngineFailed>) {
    this.#known = Option.isSome(configured) ? configured : undefined
    this.#readFirst = readFirst
  }

  /** The model's name. Never fails: a server that can't be reached is asked again the next time. */
  readonly name: Effect.Effect<Option.Option<string>> = Effect.suspend(() => {
    if (this.#known !== undefined) return Effect.succeed(this.#known)
    return this.#readFirst.pipe(
      // A server with one model may have no list of models, or may not answer.
      Effect.catchIf(({ reason }) => reason !== "unavailable", () => Effect.succeedNone),
      Effect.tap((first) => Effect.sync(() => this.noteFirst(first))),
      Effect.orElseSucceed(() => Option.none<string>())
    )
  })

  /** Notes the first model of the server's list. A known model stays, because the configured model need not be the first. */
  noteFirst(first: Option.Option<string>): void {
    this.#known = this.#known === undefined || Option.isNone(this.#known) ? first : this.#known
  }

  /** Notes that a request failed. If the request named no model, that may be the reason, so the list will be read again. */
  noteFailure({ reason }: EngineFailed): void {
    if (reason === "refused" && this.#known !== undefined && Option.isNone(this.#known)) this.#known = undefined
  }
}
