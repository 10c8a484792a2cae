/**
 * Keeps the sound from before a voice is detected. This sound becomes the beginning of the utterance.
 *
 * Over an echo a voice is detected late, so 960 ms are read instead of 480. The echo is subtracted when the sound is read, with the newest
 * estimate of its delay. Windows that were certainly echo become silence.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { windowLength } from "../ports/VoiceActivity.ts"
import type { EchoCanceller } from "./echo/EchoCanceller.ts"
import * as PcmRingBuffer from "./PcmRingBuffer.ts"

/** All times are ms of the conversation's clock. */
interface PreSpeechBuffer {
  /** Takes the caller's sound in order. `at`: when the first sample arrived. */
  readonly push: (pcm: Pcm<8000>, at: number) => void
  /** The window that begins at `at` was certainly echo. */
  readonly markEcho: (at: number) => void
  /** A copy of the sound without echo, oldest first. Sound from before `since` is left out. */
  readonly read: (since?: number) => Pcm<8000>
}

const samplesPerMilli = 8

/** Samples that are read if no window in the buffer is echo: 480 ms. */
const lengthWithoutEcho = 3840

/** Samples that are read if a window in the buffer is echo: 960 ms. */
const lengthWithEcho = 7680

export const make = (canceller: Pick<EchoCanceller, "clean">): PreSpeechBuffer => {
  const ring = PcmRingBuffer.make(lengthWithEcho)
  /** When the next sample arrives. */
  let end = 0
  /** When each window that is echo began, oldest first. */
  const echoes: Array<number> = []

  return {
    push: (pcm, at) => {
      ring.push(pcm)
      end = at + pcm.length / samplesPerMilli
      while (echoes.length > 0 && echoes[0] <= end - lengthWithEcho / samplesPerMilli) echoes.shift()
    },
    markEcho: (at) => void echoes.push(at),
    read: (since = -Infinity) => {
      const longest = echoes.length > 0 ? lengthWithEcho : lengthWithoutEcho
      const sound = ring.read(Math.max(0, Math.min(longest, Math.round((end - since) * samplesPerMilli))))
      const start = end - sound.length / samplesPerMilli
      const clean = canceller.clean(sound, start)
      for (const at of echoes) {
        const first = Math.round((at - start) * samplesPerMilli)
        if (first + windowLength > 0) clean.fill(0, Math.max(0, first), first + windowLength)
      }
      return clean
    }
  }
}
