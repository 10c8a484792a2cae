/**
 * Finds where the caller's voice starts and stops, window by window.
 *
 * The voice detector is awaited only where its answer can change something. A window without sound is no voice: the detector is
 * fed with it for the sake of later windows, and the pause is noticed without it.
 */
import { type Cause, type Duration, Effect, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import type { VoiceActivity } from "../ports/VoiceActivity.ts"
import * as DetectorQueue from "./DetectorQueue.ts"
import * as SpeechBoundaryDetector from "./SpeechBoundaryDetector.ts"

export interface MakeOptions {
  readonly openDetector: VoiceActivity["Service"]["open"]
  /** The longest wait for a detector that is being opened. */
  readonly openTimeout: Duration.Input
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
  readonly onBoundary: (boundary: SpeechBoundaryDetector.SpeechBoundary) => Effect.Effect<void>
  /** The detector may go on reading the window that was pushed last: it must not be written to any more. */
  readonly onWindowKept: () => void
}

export interface VoiceDetection {
  /**
   * Takes each window in order. `end`: the position behind its last sample, ms of media time. The next window comes after the
   * effect has ended; without an effect, at once.
   */
  readonly push: (window: Pcm<8000>, end: number, isEcho: boolean) => Effect.Effect<void> | undefined
}

/** The voice detector belongs to the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<VoiceDetection, never, Scope.Scope> {
  const { onTrouble, onWindowKept, openDetector, openTimeout } = options
  const boundaries = SpeechBoundaryDetector.make()
  const detector = yield* DetectorQueue.make({ open: openDetector, openTimeout, onTrouble })

  const onBoundary = (boundary: SpeechBoundaryDetector.SpeechBoundary | undefined): Effect.Effect<void> | undefined =>
    boundary === undefined ? undefined : options.onBoundary(boundary)

  return {
    push: (window, end, isEcho) => {
      if (isEcho) return onBoundary(boundaries.push(window, 0, end))
      const use = detector.isReady() ? boundaries.look(window) : "none"
      if (use === "ask") {
        return Effect.flatMap(detector.ask(window), (probability) => {
          const boundary = boundaries.push(window, probability, end)
          if (probability === undefined) onWindowKept()
          return onBoundary(boundary) ?? Effect.void
        })
      }
      const boundary = boundaries.push(window, detector.isReady() ? 0 : undefined, end)
      if (use === "feed") detector.feed(window)
      return onBoundary(boundary)
    }
  }
})
