/**
 * Sound on a time axis: the sound that the caller of a simulated call said or heard.
 *
 * Times are in samples (1/8 ms) since the call was answered. Between the pieces of sound there is silence.
 */
import * as Mulaw from "../../audio/Mulaw.ts"
import * as Pcm from "../../audio/Pcm.ts"

interface Piece {
  readonly at: number
  readonly sound: Uint8Array
}

/** A stretch of sound without a break. Times are in samples. */
interface Stretch {
  readonly from: number
  readonly to: number
}

/** Samples in one millisecond of telephone sound. */
export const samplesPerMilli = 8

/** How long one sample of telephone sound lasts, ns. */
export const nanosPerSample = 125_000

/** A time in nanoseconds as the nearest number of samples. */
export const toSamples = (nanos: bigint): number => Math.round(Number(nanos) / nanosPerSample)

/** Pieces of μ-law sound in chronological order. They never overlap. */
export class Timeline {
  #pieces: Array<Piece> = []
  #stretches: Array<Stretch> = []

  /** Adds μ-law sound. `at` must not be before the end of the sound so far. */
  put(at: number, sound: Uint8Array): void {
    if (sound.length === 0) return
    this.#pieces.push({ at, sound })
    const last = this.#stretches.at(-1)
    if (last?.to === at) this.#stretches[this.#stretches.length - 1] = { from: last.from, to: at + sound.length }
    else this.#stretches.push({ from: at, to: at + sound.length })
  }

  /** Removes all sound from `at` on. A piece that plays at that moment is cut. */
  cut(at: number): void {
    this.#stretches = this.#stretches.flatMap(({ from, to }) => from >= at ? [] : [{ from, to: Math.min(to, at) }])
    while (this.#pieces.length > 0) {
      const last = this.#pieces[this.#pieces.length - 1]!
      if (last.at + last.sound.length <= at) return
      this.#pieces.pop()
      if (last.at < at) this.#pieces.push({ at: last.at, sound: last.sound.subarray(0, at - last.at) })
    }
  }

  /** The first sample after all sound; 0 when there is none. */
  get end(): number {
    const last = this.#pieces[this.#pieces.length - 1]
    return last === undefined ? 0 : last.at + last.sound.length
  }

  /** The stretches of sound without a break, in order. */
  get stretches(): ReadonlyArray<Stretch> {
    return this.#stretches
  }

  /** The sound from `from` (inclusive) to `to` (exclusive), as linear samples. */
  pcm(from = 0, to = this.end): Pcm.Pcm<8000> {
    const out = new Int16Array(Math.max(0, to - from))
    // The loop begins at the end, since the callers of this method usually need the newest sound, every 20 ms.
    for (let index = this.#pieces.length - 1; index >= 0; index--) {
      const { at, sound } = this.#pieces[index]!
      if (at + sound.length <= from) break
      if (at >= to) continue
      const start = Math.max(at, from)
      out.set(Mulaw.decode(sound.subarray(start - at, Math.min(sound.length, to - at))), start - from)
    }
    return Pcm.of(8000, out)
  }
}
