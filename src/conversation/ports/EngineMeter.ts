/**
 * Counts what engines do for a call, in the units that they are paid by.
 *
 * It is a context reference, set around everything that a call runs. So an engine counts each request that it makes for the call, also one
 * whose answer is thrown away: a reply made too early, or one of two engines that were asked at once. What is made before calls, such as
 * the sound of fixed lines, is no call's. Unset: nobody counts.
 */
import { Context, Effect } from "effect"

export interface EngineUse {
  readonly stage: "transcript" | "reply" | "speech"
  /** The engine's name as in `/ready`. */
  readonly engine: string
  /** 0: more of a request that was counted. */
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

/** The name of the engines that run in this process. */
export const embedded = "embedded"

/** Counts for the call whose fiber this is. */
export const count = (use: EngineUse): Effect.Effect<void> => Effect.map(EngineMeter, (meter) => meter?.(use))
