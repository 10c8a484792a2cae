/**
 * A call's voice detector, and the queue of windows for it. The detector processes one window at a time, in order.
 *
 * A detector that fails or throws is not used again. A detector that does not answer in time is not used until it answers. While no detector
 * is used, the sound's energy decides whether a window is speech.
 */
import { Cause, type Duration, Effect, Exit, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import { EngineFailed } from "../ports/Engine.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import type { Detector, VoiceActivity } from "../ports/VoiceActivity.ts"

/** The longest wait for the detector's answer to one window, ms. */
const answerTimeoutMillis = 500

const detectorTimeout = new EngineFailed({
  stage: "voiceActivity",
  reason: "timeout",
  advice: "The voice detector did not answer in time, so the energy of the sound decides instead. Look at the load of the machine."
})

interface MakeOptions {
  readonly open: VoiceActivity["Service"]["open"]
  /** The longest wait for the detector to open. */
  readonly openTimeout: Duration.Input
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
}

interface DetectorQueue {
  /** Whether the detector is open and works. */
  readonly isReady: () => boolean
  /**
   * Waits for the probability (0 to 1) that the window contains speech. `undefined`: the energy has to decide, and the detector may still
   * read the window later.
   */
  readonly ask: (window: Pcm<8000>) => Effect.Effect<number | undefined>
  /** Feeds a copy of the window to the detector and ignores the result. */
  readonly feed: (window: Pcm<8000>) => void
}

/** Opens the detector in the background. Until it is open, the energy decides. The detector is closed with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<DetectorQueue, never, Scope.Scope> {
  const scope = yield* Effect.scope
  /** Unset: the detector is not open yet, has failed, or has not answered in time. */
  let detector: Detector | undefined
  /** Set while a request waits for the detector's answer. Calling the function ends the request without an answer. */
  let abandon: (() => void) | undefined
  const waitingRequests: Array<() => void> = []

  const onFailure = (cause: Cause.Cause<EngineFailed>) => {
    detector = undefined
    options.onTrouble(cause)
  }

  yield* Effect.suspend(() => options.open).pipe(
    Effect.timeoutOrElse({ duration: options.openTimeout, orElse: () => Effect.fail(detectorTimeout) }),
    Effect.matchCause({
      onSuccess: (opened) => {
        detector = opened
      },
      onFailure
    }),
    Effect.forkIn(scope, { startImmediately: true })
  )

  const { endWait, startWait, timedOut } = yield* StreamTimeout.make(answerTimeoutMillis)
  yield* Effect.forkIn(
    Effect.forever(Effect.andThen(timedOut, Effect.sync(() => {
      endWait()
      abandon?.()
    }))),
    scope
  )

  const request = (window: Pcm<8000>, answer: (probability: number | undefined) => void): void => {
    if (abandon !== undefined) return void waitingRequests.push(() => request(window, answer))
    const askedDetector = detector
    const finish = (probability: number | undefined) => {
      abandon = undefined
      endWait()
      waitingRequests.shift()?.()
      answer(probability)
    }
    if (askedDetector === undefined) return finish(undefined)
    let isAbandoned = false
    const onAnswer = (exit: Exit.Exit<number, EngineFailed>) => {
      if (isAbandoned) {
        if (Exit.isSuccess(exit)) detector = askedDetector
        return
      }
      if (Exit.isSuccess(exit)) return finish(exit.value)
      onFailure(exit.cause)
      finish(undefined)
    }
    // The detector may still read this window, so it gets no other window until it has answered.
    abandon = () => {
      isAbandoned = true
      onFailure(Cause.fail(detectorTimeout))
      finish(undefined)
    }
    startWait()
    try {
      askedDetector.ask(window, onAnswer)
    } catch (defect) {
      onAnswer(Exit.die(defect))
    }
  }

  return {
    isReady: () => detector !== undefined,
    ask: (window) => Effect.callback((resume) => request(window, (probability) => resume(Effect.succeed(probability)))),
    feed: (window) => request(window.slice(), () => undefined)
  }
})
