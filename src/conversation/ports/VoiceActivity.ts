/**
 * The port of voice activity detection: estimates whether somebody speaks in a window of sound.
 */
import { Context, type Effect, type Exit, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "./Engine.ts"

/** Samples of a window at 8 kHz: 32 ms, the length that Silero VAD requires at this rate. */
export const windowLength = 256

/** A window's length in ms. */
export const windowMillis = 32

/** The detector of one call. It keeps a state from window to window. */
export interface Detector {
  /**
   * Calls `answer` once, now or later, with the probability (0 to 1) that the window contains speech. Windows have `windowLength` samples and
   * come in order, each after the answer to the previous one. A window must not be changed before its answer.
   *
   * `ask` takes a callback instead of returning an effect, since a fiber for each of thirty windows a second would double the cost.
   */
  readonly ask: (window: Pcm<8000>, answer: (probability: Exit.Exit<number, EngineFailed>) => void) => void
}

export class VoiceActivity extends Context.Service<VoiceActivity, {
  readonly open: Effect.Effect<Detector, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/ports/VoiceActivity") {}
