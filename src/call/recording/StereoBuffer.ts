/**
 * The newest sound of two channels, mu-law at 8 kHz, interleaved as a file has it. Sound is put at its place in time and taken in order.
 *
 * Positions count samples from the recording's beginning. Unwritten positions are silent. The buffer grows while sound is not taken, up to a
 * limit. Then its oldest sound is lost and becomes silence, so that later sound keeps its place.
 */
import * as Mulaw from "../../audio/Mulaw.ts"

type Channel = 0 | 1

export interface Taken {
  /** Bytes of silence that come before the sound, in place of sound that was lost. */
  readonly silentBytes: number
  readonly sound: Uint8Array
}

export class StereoBuffer {
  readonly #maxSamples: number
  #bytes: Uint8Array
  /** The buffer's size, in samples of each channel; a power of two. */
  #samples: number
  /** The first position that was not taken. */
  #from = 0
  /** Positions before `#from` that were lost since the last `take`. */
  #skipped = 0
  #lost = 0

  /** `samples` and `maxSamples` of each channel: powers of two. */
  constructor(samples: number, maxSamples: number) {
    this.#samples = samples
    this.#maxSamples = maxSamples
    this.#bytes = new Uint8Array(2 * samples).fill(Mulaw.silence)
  }

  /** Samples that were lost because nobody took them, or because they came too late. */
  get lost(): number {
    return this.#lost
  }

  /** Puts sound of one channel at a position. */
  write(channel: Channel, position: number, mulaw: Uint8Array): void {
    const end = position + mulaw.length
    if (end > this.#from + this.#samples) this.#makeRoom(end)
    const begin = Math.max(position, this.#from)
    if (begin > position) this.#lost += Math.min(begin, end) - position
    const bytes = this.#bytes
    let index = 2 * (begin & (this.#samples - 1)) + channel
    for (let at = begin; at < end; at++, index += 2) {
      if (index >= bytes.length) index = channel
      bytes[index] = mulaw[at - position]
    }
  }

  /** Makes one channel silent between two positions, except for sound that was taken. */
  silence(channel: Channel, position: number, end: number): void {
    const bytes = this.#bytes
    const mask = this.#samples - 1
    const last = Math.min(end, this.#from + this.#samples)
    for (let at = Math.max(position, this.#from); at < last; at++) bytes[2 * (at & mask) + channel] = Mulaw.silence
  }

  /** Takes a copy of the sound before a position, in `memory` if the sound fits there. */
  take(end: number, memory?: Uint8Array): Taken {
    const silentBytes = 2 * this.#skipped
    this.#skipped = 0
    const inBuffer = Math.min(Math.max(end, this.#from), this.#from + this.#samples)
    const length = 2 * (inBuffer - this.#from)
    const sound = memory !== undefined && length <= memory.length ? memory.subarray(0, length) : new Uint8Array(length)
    const first = 2 * (this.#from & (this.#samples - 1))
    const untilWrap = Math.min(sound.length, this.#bytes.length - first)
    sound.set(this.#bytes.subarray(first, first + untilWrap))
    sound.set(this.#bytes.subarray(0, sound.length - untilWrap), untilWrap)
    this.#clear(inBuffer - this.#from)
    // Nothing was written further on: that becomes silence in the next `take`.
    this.#skipped = Math.max(0, end - inBuffer)
    this.#from = Math.max(end, this.#from)
    return { silentBytes, sound }
  }

  #makeRoom(end: number): void {
    let samples = this.#samples
    while (samples < this.#maxSamples && end > this.#from + samples) samples *= 2
    if (samples > this.#samples) this.#grow(samples)
    const missing = end - (this.#from + this.#samples)
    if (missing <= 0) return
    this.#clear(Math.min(missing, this.#samples))
    this.#from += missing
    this.#skipped += missing
    this.#lost += missing
  }

  #grow(samples: number): void {
    const bytes = new Uint8Array(2 * samples).fill(Mulaw.silence)
    for (let at = this.#from; at < this.#from + this.#samples; at++) {
      const before = 2 * (at & (this.#samples - 1))
      const after = 2 * (at & (samples - 1))
      bytes[after] = this.#bytes[before]
      bytes[after + 1] = this.#bytes[before + 1]
    }
    this.#bytes = bytes
    this.#samples = samples
  }

  /** Makes the first samples of both channels silent. */
  #clear(samples: number): void {
    const first = 2 * (this.#from & (this.#samples - 1))
    const length = 2 * samples
    const untilWrap = Math.min(length, this.#bytes.length - first)
    this.#bytes.fill(Mulaw.silence, first, first + untilWrap)
    this.#bytes.fill(Mulaw.silence, 0, length - untilWrap)
  }
}
