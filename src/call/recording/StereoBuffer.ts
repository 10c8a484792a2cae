/**
 * A buffer for the newest sound of two channels, μ-law at 8 kHz. Sound is written at its position in time. It is taken in order, with the
 * channels interleaved as in a WAV file.
 *
 * Positions count samples from the recording's beginning. Unwritten positions are silent. The buffer grows while sound is not taken, up to a
 * limit. At the limit the oldest sound is lost and becomes silence, so that later sound keeps its position.
 */
import * as Mulaw from "../../audio/Mulaw.ts"

type Channel = 0 | 1

export interface Taken {
  /** Bytes of silence that come before the sound, in place of sound that was lost. */
  readonly silentBytes: number
  readonly sound: Uint8Array
}

const silentSound = (samples: number): Uint8Array => new Uint8Array(samples).fill(Mulaw.silence)

export class StereoBuffer {
  readonly #maxSamples: number
  /** The sound of each channel. A position is at the index `position & (samples - 1)`. */
  #channels: readonly [Uint8Array, Uint8Array]
  /** The size of each channel, in samples; a power of two. */
  #samples: number
  /** The first position that was not taken. */
  #from = 0
  /** The number of positions directly before `#from` that the next `take` returns as silence. */
  #skipped = 0
  #lost = 0

  /** `samples` and `maxSamples` of each channel: powers of two. */
  constructor(samples: number, maxSamples: number) {
    this.#samples = samples
    this.#maxSamples = maxSamples
    this.#channels = [silentSound(samples), silentSound(samples)]
  }

  /** Samples that were lost because they were not taken in time, or were written too late. */
  get lost(): number {
    return this.#lost
  }

  /** Writes sound of one channel at a position. */
  write(channel: Channel, position: number, mulaw: Uint8Array): void {
    const end = position + mulaw.length
    if (end > this.#from + this.#samples) this.#makeRoom(end)
    const begin = Math.max(position, this.#from)
    if (begin > position) this.#lost += Math.min(begin, end) - position
    if (begin >= end) return
    const sound = this.#channels[channel]
    const first = begin & (this.#samples - 1)
    const untilWrap = Math.min(end - begin, this.#samples - first)
    const late = begin - position
    sound.set(late === 0 && untilWrap === mulaw.length ? mulaw : mulaw.subarray(late, late + untilWrap), first)
    if (begin + untilWrap < end) sound.set(mulaw.subarray(late + untilWrap), 0)
  }

  /** Makes one channel silent between two positions. Sound that was taken does not change. */
  silence(channel: Channel, position: number, end: number): void {
    this.#fill(channel, Math.max(position, this.#from), Math.min(end, this.#from + this.#samples))
  }

  /** Takes the sound before the position `end`. The sound is copied to `target` if it fits there, or to a new array. */
  take(end: number, target?: Uint8Array): Taken {
    const silentBytes = 2 * this.#skipped
    this.#skipped = 0
    const inBuffer = Math.min(Math.max(end, this.#from), this.#from + this.#samples)
    const length = 2 * (inBuffer - this.#from)
    const sound = target !== undefined && length <= target.length ? target.subarray(0, length) : new Uint8Array(length)
    const [left, right] = this.#channels
    const mask = this.#samples - 1
    for (let at = this.#from, index = 0; at < inBuffer; at++, index += 2) {
      sound[index] = left[at & mask]
      sound[index + 1] = right[at & mask]
    }
    this.#clear(inBuffer - this.#from)
    // Positions after the end of the buffer were never written. The next `take` returns them as silence.
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
    const copyOf = (before: Uint8Array) => {
      const sound = silentSound(samples)
      for (let at = this.#from; at < this.#from + this.#samples; at++) sound[at & (samples - 1)] = before[at & (this.#samples - 1)]
      return sound
    }
    const [left, right] = this.#channels
    this.#channels = [copyOf(left), copyOf(right)]
    this.#samples = samples
  }

  /** Makes the oldest samples of both channels silent. */
  #clear(samples: number): void {
    this.#fill(0, this.#from, this.#from + samples)
    this.#fill(1, this.#from, this.#from + samples)
  }

  /** Makes one channel silent between two positions in the buffer. */
  #fill(channel: Channel, begin: number, end: number): void {
    if (begin >= end) return
    const sound = this.#channels[channel]
    const first = begin & (this.#samples - 1)
    sound.fill(Mulaw.silence, first, first + end - begin)
    sound.fill(Mulaw.silence, 0, Math.max(0, first + end - begin - this.#samples))
  }
}
