/**
 * The sound from before a voice was noticed: it belongs to the utterance.
 *
 * Over our own echo a voice is noticed late, so more of it is handed out then, and the echo is taken out by
 * what is known of it in that moment, which is more than when it came. What was surely echo is silence.
 */
import type { Pcm } from "../audio/Pcm.ts"
import type { EchoGuard } from "./EchoGuard.ts"
import { windowLength } from "./VoiceActivity.ts"

export interface PreRoll {
  /** The caller's sound in its order; `at`: its first sample, in ms of the caller's time. */
  readonly push: (pcm: Pcm<8000>, at: number) => void
  /** The window that begins at `at` was surely our own echo. */
  readonly echoed: (at: number) => void
  /** A copy, oldest first. */
  readonly read: () => Pcm<8000>
}

/** Samples at 8 kHz: 480 ms. */
const usual = 3840

/** The same over an echo: 960 ms. */
const most = 7680

export const make = (echo: EchoGuard): PreRoll => {
  const samples = new Int16Array(most)
  let next = 0
  let count = 0
  /** The caller's time at its end, ms. */
  let end = 0
  let echoes: ReadonlyArray<number> = []

  return {
    push: (pcm, at) => {
      const piece = pcm.length > most ? pcm.subarray(pcm.length - most) : pcm
      const head = Math.min(piece.length, most - next)
      samples.set(piece.subarray(0, head), next)
      samples.set(piece.subarray(head), 0)
      next = (next + piece.length) % most
      count = Math.min(most, count + piece.length)
      end = at + pcm.length / 8
      if (echoes.length > 0) echoes = echoes.filter((from) => from > end - most / 8)
    },
    echoed: (at) => {
      echoes = [...echoes, at]
    },
    read: () => {
      const length = Math.min(count, echoes.length > 0 ? most : usual)
      const sound = new Int16Array(length)
      const from = (next - length + most) % most
      const head = Math.min(length, most - from)
      sound.set(samples.subarray(from, from + head))
      sound.set(samples.subarray(0, length - head), head)
      const start = end - length / 8
      const clean = echo.clean(sound, start)
      for (const at of echoes) {
        const first = Math.round((at - start) * 8)
        if (first + windowLength > 0) clean.fill(0, Math.max(0, first), first + windowLength)
      }
      return clean
    }
  }
}
