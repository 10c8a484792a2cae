/**
 * Takes the caller's sound and the agent's sound. Reports the caller's sound without echo, and when the caller's voice starts and stops.
 *
 * ```text
 * pieces ─▶ pre-speech buffer
 *    ├────▶ echo subtracted ─▶ onSound
 *    └────▶ windows of 32 ms ─▶ echo? ─▶ VoiceDetection ─▶ onVoice
 * ```
 *
 * All times follow media time. Sound that the network delayed is processed in order, as fast as possible. Even then the effects of one
 * window end before the next window is read, as in real time.
 */
import { type Cause, type Duration, Effect, type Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import { type VoiceActivity, windowMillis } from "../ports/VoiceActivity.ts"
import * as EchoCanceller from "./echo/EchoCanceller.ts"
import type { MediaClock } from "./MediaClock.ts"
import * as PreSpeechBuffer from "./PreSpeechBuffer.ts"
import type { SpeechBoundary } from "./SpeechBoundaryDetector.ts"
import * as VoiceDetection from "./VoiceDetection.ts"
import * as WindowReader from "./WindowReader.ts"

const samplesPerMilli = 8

/** A voice started or stopped. */
export interface VoiceChange extends SpeechBoundary {
  /** When the first voiced sample (`VoiceStarted`) or the last one (`VoiceStopped`) was spoken, in ms of the conversation's clock. */
  readonly at: number
  /** ms from that sample to the newest sample. */
  readonly ago: number
}

/** The functions that get the reports, in the order of the sound. */
export interface Listener {
  /** Whether `onSound` is called with the next piece. If not, the piece's echo is not subtracted. */
  readonly wantsSound: () => boolean
  /** Takes the next piece, without echo. The array is overwritten after the function returns. */
  readonly onSound: (pcm: Pcm<8000>) => void
  /** The sound has been read up to this position, ms of media time. The next window waits for the effect. */
  readonly onPosition: (position: number) => Effect.Effect<void> | undefined
  /** A voice started or stopped. The next window waits for the effect. */
  readonly onVoice: (change: VoiceChange) => Effect.Effect<void>
  /** The voice detector failed. Without it, the sound's energy decides whether there is a voice. */
  readonly onTrouble: (cause: Cause.Cause<EngineFailed>) => void
}

interface MakeOptions {
  readonly openDetector: VoiceActivity["Service"]["open"]
  /** The longest wait for the detector to open. */
  readonly openTimeout: Duration.Input
  readonly clock: MediaClock
  readonly listener: Listener
}

export interface CallerSound {
  /** Takes the next pieces, of any length, without gaps. The arrays must not be changed before the effect has ended. */
  readonly hear: (pieces: ReadonlyArray<Pcm<8000>>) => Effect.Effect<void>
  /** Takes the agent's sound. `at`: when its first sample is expected to be played, ms of the conversation's clock. */
  readonly onPlayback: (pcm: Pcm<8000>, at: number) => void
  /** The line discarded the sound that it would have played after `at`, ms of the conversation's clock. */
  readonly onClear: (at: number) => void
  /**
   * A copy of the newest sound without echo: up to 480 ms, or up to 960 ms if it had an echo. Sound from before `since` (ms of the
   * conversation's clock) is left out.
   */
  readonly preSpeech: (since?: number) => Pcm<8000>
}

/** The voice detector is closed with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<CallerSound, never, Scope.Scope> {
  const { clock, listener, openDetector, openTimeout } = options
  const echo = EchoCanceller.make()
  const preSpeech = PreSpeechBuffer.make(echo)

  /** The array for the next piece without echo. It is reused, since all pieces of a call usually have the same length. */
  let cleanPiece: Pcm<8000> = new Int16Array(0)

  const voice = yield* VoiceDetection.make({
    openDetector,
    openTimeout,
    onTrouble: listener.onTrouble,
    onBoundary: ({ _tag, at }) => listener.onVoice({ _tag, at: clock.toReal(at), ago: clock.position() - at }),
    onWindowKept: () => windows.replaceWindow()
  })

  const detectVoice = (window: Pcm<8000>): Effect.Effect<void> | undefined => {
    const end = clock.position()
    const at = clock.toReal(end - windowMillis)
    const isEcho = echo.isEcho(window, at)
    if (isEcho && echo.isCertain()) preSpeech.markEcho(at)
    return voice.push(window, end, isEcho)
  }

  const windows = WindowReader.make({
    onPiece: (pcm) => {
      const at = clock.toReal(clock.position())
      preSpeech.push(pcm, at)
      if (!listener.wantsSound()) return
      if (cleanPiece.length !== pcm.length) cleanPiece = new Int16Array(pcm.length)
      listener.onSound(echo.clean(pcm, at, cleanPiece))
    },
    onSamples: (count) => clock.advance(count / samplesPerMilli),
    onWindow: (window) => {
      const positionHandled = listener.onPosition(clock.position())
      return positionHandled === undefined
        ? detectVoice(window)
        : Effect.flatMap(positionHandled, () => detectVoice(window) ?? Effect.void)
    }
  })

  return {
    hear: (pieces) =>
      Effect.suspend(() => {
        let length = 0
        for (let index = 0; index < pieces.length; index++) length += pieces[index].length
        clock.onArrival(length / samplesPerMilli)
        return windows.read(pieces)
      }),
    onPlayback: echo.onPlayback,
    onClear: echo.onClear,
    preSpeech: preSpeech.read
  }
})
