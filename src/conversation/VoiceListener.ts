/**
 * From the caller's sound to a voice that starts and stops: window by window, by the echo guard, the detector and the gate.
 *
 * The detector is waited for only where its answer can change something. A silent window holds no voice, whatever the detector
 * makes of it; it is shown to it for the sake of those behind, and the pause is noticed without it.
 */
import { Cause, type Duration, Effect, Exit, type Scope } from "effect"
import * as Pcm from "../audio/Pcm.ts"
import type { EchoGuard } from "./EchoGuard.ts"
import { EngineFailed } from "./Engine.ts"
import * as Patience from "./Patience.ts"
import { type Detector, type VoiceActivity, windowLength, windowMillis } from "./VoiceActivity.ts"
import * as VoiceGate from "./VoiceGate.ts"

/** A detector that takes longer than this (ms) has failed; until it answers again, the energy decides. */
const detectorTimeout = 500

/** Without sound for this long (ms), a voice that was on has stopped. */
const stalledAfter = 240

/** How far (ms) frames may arrive beside the caller's own time before that is set anew. */
const clockSlack = 100

const detectorLate = new EngineFailed({
  stage: "voiceActivity",
  reason: "timeout",
  advice: "The detector did not answer; the energy decides instead."
})

export interface Options {
  readonly open: VoiceActivity["Service"]["open"]
  /** The longest wait for a detector that is being opened. */
  readonly openTimeout: Duration.Input
  readonly echo: EchoGuard
  /** ms of the conversation. */
  readonly now: () => number
  /** Each piece before its windows are looked at; `at`: its first sample in the caller's time, ms. */
  readonly onPiece: (pcm: Pcm.Pcm<8000>, at: number) => void
  /** The window that begins at `at` is surely our own echo. */
  readonly onEcho: (at: number) => void
  readonly onVoice: (event: VoiceGate.VoiceEvent) => void
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
}

export interface VoiceListener {
  /** Takes the next pieces in; they are only read until it is done. */
  readonly hear: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => Effect.Effect<void>
}

/** All that it does beside what is asked of it belongs to the scope. */
export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<VoiceListener, never, Scope.Scope> {
  const { echo, now } = options
  const scope = yield* Effect.scope
  const gate = VoiceGate.make()

  /** Unset: not opened yet, or not well; then the energy decides. */
  let detector: Detector | undefined
  /** The detector is waited for. */
  let isWaiting = false
  /** Set while it has a window, for it takes one at a time: does without its answer. */
  let giveUp: (() => void) | undefined
  /** Windows that are to be shown to it behind that one, in their order. */
  const behind: Array<() => void> = []
  let lastSoundAt = 0

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

  const { late, rest, wait } = yield* Patience.make(detectorTimeout)
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

  const heard = (event: VoiceGate.VoiceEvent | undefined) => {
    if (event !== undefined) options.onVoice(event)
  }

  const probability = (about: Pcm.Pcm<8000>): Effect.Effect<number | undefined> =>
    Effect.callback((resume) => ask(about, (probability) => resume(Effect.succeed(probability))))

  let window: Pcm.Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  /** The caller's time, by their samples: frames arrive unevenly, sound does not. */
  let soundClock = 0

  /** The window is full. Unset: it is dealt with. */
  const onWindow = (): Effect.Effect<void> | undefined => {
    const arrivedAt = now()
    const at = soundClock - windowMillis
    if (echo.judge(window, at)) {
      if (echo.isAlike()) options.onEcho(at)
      heard(gate.push(window, 0, arrivedAt))
      return undefined
    }
    const need = detector === undefined ? "none" : gate.look(window)
    if (need === "tell") {
      isWaiting = true
      return Effect.map(probability(window), (answer) => {
        isWaiting = false
        heard(gate.push(window, answer, arrivedAt))
        // One that is late has this one still.
        if (answer === undefined) window = new Int16Array(windowLength)
      })
    }
    heard(gate.push(window, detector === undefined ? undefined : 0, arrivedAt))
    if (need === "hear") ask(window.slice(), () => undefined)
    return undefined
  }

  const onPiece = (pcm: Pcm.Pcm<8000>) => {
    lastSoundAt = now()
    const length = pcm.length / 8
    if (Math.abs(lastSoundAt - length - soundClock) > clockSlack) soundClock = lastSoundAt - length
    options.onPiece(pcm, soundClock)
  }

  /** From this sample of this piece on; the windows before it are dealt with. */
  const hear = (pieces: ReadonlyArray<Pcm.Pcm<8000>>, first = 0, from = 0): Effect.Effect<void> => {
    for (let index = first; index < pieces.length; index++) {
      const pcm = pieces[index]
      let at = index === first ? from : 0
      if (at === 0) onPiece(pcm)
      while (at < pcm.length) {
        const length = Math.min(pcm.length - at, windowLength - filled)
        Pcm.copy(pcm, at, length, window, filled)
        filled += length
        at += length
        soundClock += length / 8
        if (filled < windowLength) break
        filled = 0
        const asking = onWindow()
        if (asking !== undefined) return Effect.flatMap(asking, () => hear(pieces, index, at))
      }
    }
    return Effect.void
  }

  /** A voice does not go on while no sound comes. */
  const watchStalls = Effect.forever(
    Effect.andThen(
      Effect.sleep(stalledAfter),
      Effect.sync(() => {
        // While the detector is waited for, sound may come that nobody has looked at.
        if (!isWaiting && now() - lastSoundAt > stalledAfter) heard(gate.stalled(now()))
      })
    )
  )
  yield* Effect.forkIn(watchStalls, scope)

  return { hear: (pieces) => hear(pieces) }
})
