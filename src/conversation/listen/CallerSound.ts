/**
 * The caller's sound: takes what the line delivers and what the agent plays, and reports sound without echo and where a voice
 * starts and stops.
 *
 * ```text
 * pieces ─▶ pre-speech buffer
 *    ├────▶ echo subtracted ─▶ onSound
 *    └────▶ windows of 32 ms ─▶ echo? ─▶ energy ─▶ voice detector ─▶ boundaries ─▶ onVoice
 * ```
 *
 * All times follow media time. Sound that was held up is processed in order, as fast as possible. The effects that a window leads
 * to are awaited before the next window, as they would have ended before it in real time.
 *
 * The voice detector is awaited only where its answer can change something. A window without sound is no voice: the detector is
 * fed with it for the sake of later windows, and the pause is noticed without it.
 */
import { type Cause, type Duration, Effect, type Scope } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import { eventLoopTurn } from "../../runtime/EventLoopTurn.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import { type VoiceActivity, windowLength, windowMillis } from "../ports/VoiceActivity.ts"
import * as DetectorQueue from "./DetectorQueue.ts"
import * as EchoCanceller from "./echo/EchoCanceller.ts"
import type { MediaClock } from "./MediaClock.ts"
import * as PreSpeechBuffer from "./PreSpeechBuffer.ts"
import * as SpeechBoundaryDetector from "./SpeechBoundaryDetector.ts"

/**
 * Windows (half a second) that are processed before other calls get a turn of the event loop. During playback a window costs up
 * to a millisecond, and a stalled network or a long message delivers hundreds of them at once.
 */
const windowsPerLoopTurn = 16

const samplesPerMilli = 8

/** A voice started or stopped. */
export interface VoiceChange extends SpeechBoundaryDetector.SpeechBoundary {
  /** The first or the last voiced sample, in ms of the conversation's clock. */
  readonly at: number
  /** ms from that sample to the end of the sound so far. */
  readonly ago: number
}

/** What the caller's sound reports, in the order of the sound. */
export interface Listener {
  /** Whether `onSound` has a use for the next piece; without it, no echo is subtracted. */
  readonly wantsSound: () => boolean
  /** The next piece without echo. It is only read, and written to again after the return. */
  readonly onSound: (pcm: Pcm.Pcm<8000>) => void
  /** The sound has come to this position, ms of media time. An effect is awaited before the next window. */
  readonly onPosition: (position: number) => Effect.Effect<void> | undefined
  /** The effect is awaited before the next window. */
  readonly onVoice: (change: VoiceChange) => Effect.Effect<void>
  /** The voice detector failed; the energy decides instead. */
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
}

export interface MakeOptions {
  readonly openDetector: VoiceActivity["Service"]["open"]
  /** The longest wait for a detector that is being opened. */
  readonly openTimeout: Duration.Input
  readonly clock: MediaClock
  readonly listener: Listener
}

export interface CallerSound {
  /** Takes the next pieces, of any length, without gaps. They are only read until the effect has ended. */
  readonly hear: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => Effect.Effect<void>
  /** Takes the agent's sound; `at`: when its first sample is expected to be played, ms of the conversation's clock. */
  readonly played: (pcm: Pcm.Pcm<8000>, at: number) => void
  /** The line threw away what was to be played after `at`, ms of the conversation's clock. */
  readonly cleared: (at: number) => void
  /** A copy of the newest sound without echo: up to 480 ms, after an echo 960; none from before `since`, ms of the conversation's clock. */
  readonly preSpeech: (since?: number) => Pcm.Pcm<8000>
}

const cutIntoWindows = (pcm: Pcm.Pcm<8000>): ReadonlyArray<Pcm.Pcm<8000>> =>
  Array.from({ length: Math.ceil(pcm.length / windowLength) }, (_, index) => pcm.subarray(index * windowLength, (index + 1) * windowLength))

/** The voice detector belongs to the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<CallerSound, never, Scope.Scope> {
  const { clock, listener, openDetector, openTimeout } = options
  const echo = EchoCanceller.make()
  const preSpeech = PreSpeechBuffer.make(echo)
  const boundaries = SpeechBoundaryDetector.make()
  const detector = yield* DetectorQueue.make({ open: openDetector, openTimeout, onTrouble: listener.onTrouble })

  let window: Pcm.Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  /** Windows since other calls had a turn of the event loop. */
  let windowsInTurn = 0
  /** For sound without echo: as long as the last piece, since all of a line's pieces have one length. */
  let clean: Pcm.Pcm<8000> = new Int16Array(0)

  const onPiece = (pcm: Pcm.Pcm<8000>, at: number): void => {
    preSpeech.push(pcm, at)
    if (!listener.wantsSound()) return
    if (clean.length !== pcm.length) clean = new Int16Array(pcm.length)
    listener.onSound(echo.clean(pcm, at, clean))
  }

  const onBoundary = (boundary: SpeechBoundaryDetector.SpeechBoundary | undefined): Effect.Effect<void> | undefined =>
    boundary === undefined
      ? undefined
      : listener.onVoice({ _tag: boundary._tag, at: clock.toReal(boundary.at), ago: clock.position() - boundary.at })

  /** Processes the full window. Unset: done. */
  const onWindow = (): Effect.Effect<void> | undefined => {
    const end = clock.position()
    const at = clock.toReal(end - windowMillis)
    if (echo.isEcho(window, at)) {
      if (echo.isCertain()) preSpeech.markEcho(at)
      return onBoundary(boundaries.push(window, 0, end))
    }
    const use = detector.isReady() ? boundaries.look(window) : "none"
    if (use === "ask") {
      return Effect.flatMap(detector.ask(window), (probability) => {
        const boundary = boundaries.push(window, probability, end)
        if (probability === undefined) window = new Int16Array(windowLength)
        return onBoundary(boundary) ?? Effect.void
      })
    }
    const boundary = boundaries.push(window, detector.isReady() ? 0 : undefined, end)
    if (use === "feed") detector.feed(window)
    return onBoundary(boundary)
  }

  const onPosition = (): Effect.Effect<void> | undefined => {
    const passed = listener.onPosition(clock.position())
    return passed === undefined ? onWindow() : Effect.flatMap(passed, () => onWindow() ?? Effect.void)
  }

  /** Goes on with sample `from` of piece `first`; the windows before it are processed. */
  const hear = (pieces: ReadonlyArray<Pcm.Pcm<8000>>, first: number, from: number): Effect.Effect<void> => {
    for (let index = first; index < pieces.length; index++) {
      const pcm = pieces[index]
      let at = index === first ? from : 0
      if (at === 0) onPiece(pcm, clock.toReal(clock.position()))
      while (at < pcm.length) {
        const length = Math.min(pcm.length - at, windowLength - filled)
        Pcm.copy(pcm, at, length, window, filled)
        filled += length
        at += length
        clock.advance(length / samplesPerMilli)
        if (filled < windowLength) break
        filled = 0
        const processing = onPosition()
        if (++windowsInTurn >= windowsPerLoopTurn) {
          windowsInTurn = 0
          return Effect.flatMap(Effect.andThen(processing ?? Effect.void, eventLoopTurn), () => hear(pieces, index, at))
        }
        if (processing !== undefined) return Effect.flatMap(processing, () => hear(pieces, index, at))
      }
    }
    return Effect.void
  }

  return {
    hear: (pieces) =>
      Effect.suspend(() => {
        windowsInTurn = 0
        let length = 0
        let longest = 0
        for (let index = 0; index < pieces.length; index++) {
          length += pieces[index].length
          longest = Math.max(longest, pieces[index].length)
        }
        clock.arrived(length / samplesPerMilli)
        // When a voice starts, the pre-speech buffer must end at its window: a longer piece would be in it already.
        return hear(longest <= windowLength ? pieces : pieces.flatMap(cutIntoWindows), 0, 0)
      }),
    played: echo.played,
    cleared: echo.cleared,
    preSpeech: preSpeech.read
  }
})
