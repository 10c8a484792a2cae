/** The sound of one utterance so far. Only the caller's speech is sent to a server, without the silence after it. Pure. */
import type { Pcm } from "../../../audio/Pcm.ts"
import * as SpeechEnergy from "./SpeechEnergy.ts"

/** The most samples at 8 kHz that are kept: a minute. The conversation ends an utterance after half a minute. */
const maxSamples = 480_000

const samplesPerMilli = 8

/** Sound with less voice than this (ms) holds no words. */
const minVoicedMillis = 60

/** ms that are sent after the last voiced step. They hold the soft end of a word, but no long silence, in which Whisper invents words. */
const tailMillis = 250

/** The sound that is sent to a server. */
export interface Speech {
  readonly pieces: ReadonlyArray<Pcm<8000>>
  /** The number of samples of all pieces. */
  readonly length: number
  readonly energy: SpeechEnergy.Sound
}

/** The first `length` samples. */
const firstOf = (pieces: ReadonlyArray<Pcm<8000>>, length: number): ReadonlyArray<Pcm<8000>> => {
  const first: Array<Pcm<8000>> = []
  let left = length
  for (const piece of pieces) {
    if (left <= 0) break
    first.push(piece.length <= left ? piece : piece.subarray(0, left))
    left -= piece.length
  }
  return first
}

export class UtteranceSound {
  readonly #pieces: Array<Pcm<8000>> = []
  readonly #energy = SpeechEnergy.make()
  #length = 0

  /** Keeps the piece, which must not be changed afterwards. Sound after the first minute is dropped. */
  push(pcm: Pcm<8000>): void {
    if (this.#length + pcm.length > maxSamples) return
    this.#energy.push(pcm)
    this.#pieces.push(pcm)
    this.#length += pcm.length
  }

  get millis(): number {
    return this.#length / samplesPerMilli
  }

  /** ms that are not silent. Fast to compute, unlike `voicedUntil` and `speech`. */
  get loudMillis(): number {
    return this.#energy.loudMillis()
  }

  /** ms from the beginning to the end of the voice; 0 if there is none. */
  get voicedUntil(): number {
    return this.#energy.measure().voicedUntil
  }

  /** The caller's speech; undefined if the sound holds no words. */
  speech(): Speech | undefined {
    const { voicedUntil, ...energy } = this.#energy.measure()
    if (energy.voicedMillis < minVoicedMillis) return undefined
    const length = Math.min(this.#length, samplesPerMilli * (voicedUntil + tailMillis))
    return { pieces: firstOf(this.#pieces, length), length, energy: { ...energy, millis: length / samplesPerMilli } }
  }
}
