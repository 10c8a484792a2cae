/**
 * The port of voice activity detection: is somebody speaking in this window of sound?
 */
import { Context, type Effect, type Scope } from "effect"
import type { Pcm } from "../audio/Pcm.ts"
import type { EngineFailed } from "./Engine.ts"

/** Samples of a window at 8 kHz: 32 ms, what Silero VAD takes at this rate. */
export const windowLength = 256

/** A window's length in ms. */
export const windowMillis = 32

/** One call's detector; it remembers what it has heard, and belongs to one call alone. */
export interface Detector {
  /**
   * The probability (0 to 1) that the window holds speech. Windows of `windowLength` samples, in the order
   * of the sound, one at a time. The window is the caller's again when the effect is done.
   */
  readonly probability: (window: Pcm<8000>) => Effect.Effect<number, EngineFailed>
}

export class VoiceActivity extends Context.Service<VoiceActivity, {
  readonly open: Effect.Effect<Detector, EngineFailed, Scope.Scope>
}>()("client-caller/conversation/VoiceActivity") {}
