/**
 * Counts the work that engines do for a call, in the units of the price list.
 *
 * The meter is a context reference that is set for all fibers of a call. So an engine counts all its requests for the call, even if an
 * answer is not used. The answer of a dropped preemptive reply is not used, nor the answer of the slower of two engines. The sound of fixed
 * lines is made before any call, so it is not counted. Unset: nothing is counted.
 */
import { Context, Effect } from "effect"

export interface EngineUse {
  readonly stage: "transcript" | "reply" | "speech"
  /** The engine's name as in `/ready`. */
  readonly engine: string
  /** 0: the work belongs to a request that was counted before. */
  readonly requests: number
  /** Seconds of sound that were transcribed or synthesized. */
  readonly soundSeconds?: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Characters of the text that was sent to speech synthesis. */
  readonly characters?: number
}

export const EngineMeter = Context.Reference<((use: EngineUse) => void) | undefined>("client-caller/conversation/ports/EngineMeter", {
  defaultValue: () => undefined
})

/** Counts the use for the call whose fiber runs this effect. */
export const count = (use: EngineUse): Effect.Effect<void> => Effect.map(EngineMeter, (meter) => meter?.(use))
