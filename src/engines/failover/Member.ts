/** One engine of a stage that has several, and a request to it. */
import type { Effect, Scope } from "effect"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"

export interface Member<S> {
  /** For the operator: the server's address, or `embedded`. Engines of one name share a circuit. */
  readonly name: string
  readonly engine: S
  /** Asks whether the server is there. Unset: the engine runs in this process and has no circuit. */
  readonly probe?: Effect.Effect<void, EngineFailed>
}

/**
 * A request to one engine. It may be made several times, so it must change nothing in the world. `index` is the engine's place in the
 * list; `tries` counts this engine's tries from 1.
 */
export type Attempt<S, A> = (engine: S, index: number, tries: number) => Effect.Effect<A, EngineFailed, Scope.Scope>
