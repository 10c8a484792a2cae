/**
 * From the caller's sound to a voice that starts and stops: window by window, by the echo guard, the detector and the gate.
 *
 * All goes by media time. Sound that was held up on the way is heard in its order, as fast as it can be; after each window what
 * follows from it is waited for, so that it counts before the next window does, as it would have in time.
 *
 * The detector is waited for only where its answer can change something. A silent window holds no voice, whatever the detector
 * makes of it; it is shown to it for the sake of those behind, and the pause is noticed without it.
 */
import { Cause, type Duration, Effect, Exit, type Scope } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import type { EchoCanceller } from "./EchoCanceller.ts"
import { EngineFailed } from "../ports/Engine.ts"
import type { MediaClock } from "./MediaClock.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import { eventLoopTurn } from "../../runtime/EventLoopTurn.ts"
import { type Detector, type VoiceActivity, windowLength, windowMillis } from "../ports/VoiceActivity.ts"
import * as SpeechBoundaryDetector from "./SpeechBoundaryDetector.ts"

/** A detector that takes longer than this (ms) has failed; until it answers again, the energy decides. */
const detectorTimeout = 500

/**
 * Windows (half a second of sound) that are dealt with in one go. While the agent speaks each costs up to a millisecond, and what a stalled
 * network or a long message brings at once is hundreds of them.
 */
const windowsInOneGo = 16

const detectorLate = new EngineFailed({
  stage: "voiceActivity",
  reason: "timeout",
  advice: "The detector did not answer; the energy decides instead."
})

export interface Options {
  readonly open: VoiceActivity["Service"]["open"]
  /** The longest wait for a detector that is being opened. */
  readonly openTimeout: Duration.Input
  readonly echo: EchoCanceller
  readonly clock: MediaClock
  /** Each piece before its windows are looked at; `at`: its first sample in the conversation's time, ms. */
  readonly onPiece: (pcm: Pcm.Pcm<8000>, at: number) => void
  /** The window that begins at `at` is surely our own echo. */
  readonly onEcho: (at: number) => void
  /** The sound has come to this position. What is given is waited for before the next window. */
  readonly onPassed: (position: number) => Effect.Effect<void> | undefined
  /** `at`: in the conversation's time, ms. It is waited for before the next window. */
  readonly onVoice: (event: SpeechBoundaryDetector.VoiceEvent) => Effect.Effect<void>
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
}

const cut = (pcm: Pcm.Pcm<8000>): ReadonlyArray<Pcm.Pcm<8000>> =>
  Array.from({ length: Math.ceil(pcm.length / windowLength) }, (_, index) => pcm.subarray(index * windowLength, (index + 1) * windowLength))

export interface VoiceListener {
  /** Takes the next pieces in; they are only read until it is done. */
  readonly hear: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => Effect.Effect<void>
}

/** All that it does beside what is asked of it belongs to the scope. */
export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<VoiceListener, never, Scope.Scope> {
  const { clock, echo } = options
  const scope = yield* Effect.scope
  const gate = SpeechBoundaryDetector.make()

  /** Unset: not opened yet, or not well; then the energy decides. */
  let detector: Detector | undefined
  /** Set while it has a window, for it takes one at a time: does without its answer. */
  let giveUp: (() => void) | undefined
  /** Windows that are to be shown to it behind that one, in their order. */
  const behind: Array<() => void> = []

  const failed = (cause: Cause.Cause<EngineFailed>) => {
    detector = undefined
    options.onTrouble(cause)
  }

  // Not waited for: nobody is to listen to silence because a detector hangs.
  yield* Effect.suspend(() => options.open).pipe(
    Effect.timeoutOrElse({ duration: options.openTimeout, orElse: () => Effect.fail(detectorLate) }),
    Effect.matchCause({
      onSuccess: (opened) => {
        detector = opened
      },
      onFailure: failed
    }),
    Effect.forkIn(scope, { startImmediately: true })
  )

  const { late, rest, wait } = yield* StreamTimeout.make(detectorTimeout)
  yield* Effect.forkIn(
    Effect.forever(Effect.andThen(late, Effect.sync(() => {
      rest()
      giveUp?.()
    }))),
    scope
  )

  /** When the detector is done with what it was shown before. Undefined: the energy decides. */
  const ask = (about: Pcm.Pcm<8000>, answer: (probability: number | undefined) => void): void => {
    if (giveUp !== undefined) return void behind.push(() => ask(about, answer))
    const asked = detector
    const answered = (probability: number | undefined) => {
      giveUp = undefined
      rest()
      behind.shift()?.()
      answer(probability)
    }
    if (asked === undefined) return answered(undefined)
    let isLate = false
    const onAnswer = (exit: Exit.Exit<number, EngineFailed>) => {
      if (isLate) {
        if (Exit.isSuccess(exit)) detector = asked
        return
      }
      if (Exit.isSuccess(exit)) return answered(exit.value)
      failed(exit.cause)
      answered(undefined)
    }
    // It is in the middle of the window still, and is not asked again before that is done.
    giveUp = () => {
      isLate = true
      failed(Cause.fail(detectorLate))
      answered(undefined)
    }
    wait()
    try {
      asked.ask(about, onAnswer)
    } catch (defect) {
      onAnswer(Exit.die(defect))
    }
  }

  const heard = (event: SpeechBoundaryDetector.VoiceEvent | undefined): Effect.Effect<void> | undefined =>
    event === undefined ? undefined : options.onVoice({ ...event, at: clock.toReal(event.at) })

  const probability = (about: Pcm.Pcm<8000>): Effect.Effect<number | undefined> =>
    Effect.callback((resume) => ask(about, (probability) => resume(Effect.succeed(probability))))

  let window: Pcm.Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  /** Windows since other calls had their turn. */
  let inOneGo = 0

  /** The window is full. Unset: it is dealt with. */
  const look = (): Effect.Effect<void> | undefined => {
    const end = clock.position()
    const at = clock.toReal(end - windowMillis)
    if (echo.judge(window, at)) {
      if (echo.isAlike()) options.onEcho(at)
      return heard(gate.push(window, 0, end))
    }
    const need = detector === undefined ? "none" : gate.look(window)
    if (need === "tell") {
      return Effect.flatMap(probability(window), (answer) => {
        const event = gate.push(window, answer, end)
        // One that is late has this one still.
        if (answer === undefined) window = new Int16Array(windowLength)
        return heard(event) ?? Effect.void
      })
    }
    const event = gate.push(window, detector === undefined ? undefined : 0, end)
    if (need === "hear") ask(window.slice(), () => undefined)
    return heard(event)
  }

  const onWindow = (): Effect.Effect<void> | undefined => {
    const passed = options.onPassed(clock.position())
    return passed === undefined ? look() : Effect.flatMap(passed, () => look() ?? Effect.void)
  }

  /** From this sample of this piece on; the windows before it are dealt with. */
  const hear = (pieces: ReadonlyArray<Pcm.Pcm<8000>>, first: number, from: number): Effect.Effect<void> => {
    for (let index = first; index < pieces.length; index++) {
      const pcm = pieces[index]
      let at = index === first ? from : 0
      if (at === 0) options.onPiece(pcm, clock.toReal(clock.position()))
      while (at < pcm.length) {
        const length = Math.min(pcm.length - at, windowLength - filled)
        Pcm.copy(pcm, at, length, window, filled)
        filled += length
        at += length
        clock.advance(length / 8)
        if (filled < windowLength) break
        filled = 0
        const asking = onWindow()
        if (++inOneGo >= windowsInOneGo) {
          inOneGo = 0
          return Effect.flatMap(Effect.andThen(asking ?? Effect.void, eventLoopTurn), () => hear(pieces, index, at))
        }
        if (asking !== undefined) return Effect.flatMap(asking, () => hear(pieces, index, at))
      }
    }
    return Effect.void
  }

  return {
    hear: (pieces) =>
      Effect.suspend(() => {
        inOneGo = 0
        let length = 0
        let longest = 0
        for (let index = 0; index < pieces.length; index++) {
          length += pieces[index].length
          longest = Math.max(longest, pieces[index].length)
        }
        clock.arrived(length / 8)
        // What is handed on with a voice is the sound up to its window: a long piece would bring what lies behind that.
        return hear(longest <= windowLength ? pieces : pieces.flatMap(cut), 0, 0)
      })
  }
})
