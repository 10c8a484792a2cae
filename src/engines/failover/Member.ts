/** One engine of a stage, and a request to it. */
import type { Effect, Scope } from "effect"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"

export interface Member<S> {
  /** The name for the operator: the server's address, or `embedded`. Engines with the same name share a circuit. */
  readonly name: string
  readonly engine: S
  /** Checks whether the server answers. Unset: the engine runs in this process and has no circuit. */
  readonly probe?: Effect.Effect<void, EngineFailed>
}

/**
 * A request to one engine. It may be made several times, so it must have no lasting effect. `index` is the engine's place in the list.
 * `tries` counts this engine's tries from 1.
 */
export type Attempt<S, A> = (engine: S, index: number, tries: number) => Effect.Effect<A, EngineFailed, Scope.Scope>
