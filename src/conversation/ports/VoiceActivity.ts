/**
 * The port of voice activity detection: is somebody speaking in this window of sound?
 */
import { Context, type Effect, type Exit, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "./Engine.ts"

/** Samples of a window at 8 kHz: 32 ms, what Silero VAD takes at this rate. */
export const windowLength = 256

/** A window's length in ms. */
export const windowMillis = 32

/** One call's detector; it remembers what it has heard, and belongs to one call alone. */
export interface Detector {
  /**
   * Answers once, at once or later, with the probability (0 to 1) that the window holds speech. Windows of `windowLength`
   * samples, in the order of the sound, the next one only after the answer. The window is the caller's again then.
   *
   * A callback and no effect: thirty times a second on each call that speaks, a fiber costs as much as all else that is done
   * with the answer.
   */
  readonly ask: (window: Pcm<8000>, answer: (probability: Exit.Exit<number, EngineFailed>) => void) => void
}

export class VoiceActivity extends Context.Service<VoiceActivity, {
  readonly open: Effect.Effect<Detector, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/ports/VoiceActivity") {}
