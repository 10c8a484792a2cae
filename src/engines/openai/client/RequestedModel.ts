/**
 * The model's name in the requests to a server: the configured model, else the first that the server lists, else none.
 *
 * Many servers have one model and need no name. So the list is read once, and again only after a request without a name was refused.
 */
import { Effect, Option } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"

export class RequestedModel {
  /** Undefined: not known yet. None: the server lists no model. */
  #known: Option.Option<string> | undefined
  readonly #readFirst: Effect.Effect<Option.Option<string>, EngineFailed>

  /** `readFirst` asks the server for the first model of its list. */
  constructor(configured: Option.Option<string>, readFirst: Effect.Effect<Option.Option<string>, EngineFailed>) {
    this.#known = Option.isSome(configured) ? configured : undefined
    this.#readFirst = readFirst
  }

  /** Never fails: a server that can't be reached is asked again the next time. */
  readonly name: Effect.Effect<Option.Option<string>> = Effect.suspend(() => {
    if (this.#known !== undefined) return Effect.succeed(this.#known)
    return this.#readFirst.pipe(
      // A server of one model may have no such list, or may never send it.
      Effect.catchIf(({ reason }) => reason !== "unavailable", () => Effect.succeedNone),
      Effect.tap((first) => Effect.sync(() => this.noteFirst(first))),
      Effect.orElseSucceed(() => Option.none<string>())
    )
  })

  /** The first model of the server's list. A model that is known already stays: the configured one need not be the first. */
  noteFirst(first: Option.Option<string>): void {
    this.#known = this.#known === undefined || Option.isNone(this.#known) ? first : this.#known
  }

  /** A request failed. If it named no model, that may be the reason. */
  noteFailure({ reason }: EngineFailed): void {
    if (reason === "refused" && this.#known !== undefined && Option.isNone(this.#known)) this.#known = undefined
  }
}
