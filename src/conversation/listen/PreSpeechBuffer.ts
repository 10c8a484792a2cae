/**
 * The sound from before a voice was noticed: it belongs to the utterance.
 *
 * Over our own echo a voice is noticed late, so more of it is handed out then, and the echo is taken out by
 * what is known of it in that moment, which is more than when it came. What was surely echo is silence.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import type { EchoCanceller } from "./EchoCanceller.ts"
import * as PcmRingBuffer from "./PcmRingBuffer.ts"
import { windowLength } from "../ports/VoiceActivity.ts"

export interface PreSpeechBuffer {
  /** The caller's sound in its order; `at`: its first sample, in ms of the caller's time. */
  readonly push: (pcm: Pcm<8000>, at: number) => void
  /** The window that begins at `at` was surely our own echo. */
  readonly echoed: (at: number) => void
  /** A copy, oldest first; none of it from before `since`, in ms of the caller's time. */
  readonly read: (since?: number) => Pcm<8000>
}

/** Samples at 8 kHz: 480 ms. */
const usual = 3840

/** The same over an echo: 960 ms. */
const most = 7680

export const make = (echo: EchoCanceller): PreSpeechBuffer => {
  const ring = PcmRingBuffer.make(most)
  /** The caller's time at its end, ms. */
  let end = 0
  let echoes: ReadonlyArray<number> = []

  return {
    push: (pcm, at) => {
      ring.push(pcm)
      end = at + pcm.length / 8
      if (echoes.length > 0) echoes = echoes.filter((from) => from > end - most / 8)
    },
    echoed: (at) => {
      echoes = [...echoes, at]
    },
    read: (since = -Infinity) => {
      const sound = ring.read(Math.max(0, Math.min(echoes.length > 0 ? most : usual, Math.round((end - since) * 8))))
      const start = end - sound.length / 8
      const clean = echo.clean(sound, start)
      for (const at of echoes) {
        const first = Math.round((at - start) * 8)
        if (first + windowLength > 0) clean.fill(0, Math.max(0, first), first + windowLength)
      }
      return clean
    }
  }
}
