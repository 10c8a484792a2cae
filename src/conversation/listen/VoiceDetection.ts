/**
 * Finds where the caller's voice starts and stops, window by window.
 *
 * A window waits for the voice detector's answer only if the answer matters. A window without sound has no voice, so a pause is noticed
 * without waiting. Shortly after sound, the detector also gets windows without sound, to update its state.
 */
import { type Cause, type Duration, Effect, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import type { VoiceActivity } from "../ports/VoiceActivity.ts"
import * as DetectorQueue from "./DetectorQueue.ts"
import * as SpeechBoundaryDetector from "./SpeechBoundaryDetector.ts"

interface MakeOptions {
  readonly openDetector: VoiceActivity["Service"]["open"]
  /** The longest wait for the detector to open. */
  readonly openTimeout: Duration.Input
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
  readonly onBoundary: (boundary: SpeechBoundaryDetector.SpeechBoundary) => Effect.Effect<void>
  /** The detector may still read the last window, so the array of that window must not be changed any more. */
  readonly onWindowKept: () => void
}

interface VoiceDetection {
  /**
   * Takes each window in order. `end`: the position after the window's last sample, ms of media time. The next window may be pushed when the
   * returned effect has ended, or at once if no effect is returned.
   */
  readonly push: (window: Pcm<8000>, end: number, isEcho: boolean) => Effect.Effect<void> | undefined
}

/** The voice detector is closed with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<VoiceDetection, never, Scope.Scope> {
  const { onTrouble, onWindowKept, openDetector, openTimeout } = options
  const boundaries = SpeechBoundaryDetector.make()
  const detector = yield* DetectorQueue.make({ open: openDetector, openTimeout, onTrouble })

  const onBoundary = (boundary: SpeechBoundaryDetector.SpeechBoundary | undefined): Effect.Effect<void> | undefined =>
    boundary === undefined ? undefined : options.onBoundary(boundary)

  return {
    push: (window, end, isEcho) => {
      if (isEcho) return onBoundary(boundaries.push(window, 0, end))
      const use = detector.isReady() ? boundaries.measure(window) : "none"
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
