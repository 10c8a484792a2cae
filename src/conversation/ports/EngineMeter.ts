/**
 * Counts what engines do for a call, in the units that are paid for.
 *
 * It is a context reference, set around everything that a call runs. So an engine counts all its requests for the call, even if an answer
 * is thrown away. That happens to a dropped preemptive reply, and to the slower of two engines. The sound of fixed lines is made before
 * the calls, and belongs to none. Unset: nobody counts.
 */
import { Context, Effect } from "effect"

export interface EngineUse {
  readonly stage: "transcript" | "reply" | "speech"
  /** The engine's name as in `/ready`. */
  readonly engine: string
  /** 0: the work belongs to a request that was counted before. */
  readonly requests: number
  /** Seconds of sound that were heard or made. */
  readonly soundSeconds?: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Characters that were to be spoken. */
  readonly characters?: number
}

export const EngineMeter = Context.Reference<((use: EngineUse) => void) | undefined>("client-caller/conversation/ports/EngineMeter", {
  defaultValue: () => undefined
})

/** Counts for the call in whose fiber this runs. */
export const count = (use: EngineUse): Effect.Effect<void> => Effect.map(EngineMeter, (meter) => meter?.(use))
