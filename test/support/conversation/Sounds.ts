/** Sounds at 8 kHz for tests of the caller's side. They are the same in every run. */
import { readFileSync } from "node:fs"
import * as Mulaw from "../../../src/audio/Mulaw.ts"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import * as Wav from "../../../src/audio/Wav.ts"

/** A pseudo-random generator, -1 to 1 (Numerical Recipes' constants). */
const random = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** The mean square of 16-bit samples that has this level in dB of full scale. */
export const power = (dBFS: number): number => (32768 * 10 ** (dBFS / 20)) ** 2

export const level = (pcm: Pcm<8000>): number => {
  let sum = 0
  for (const sample of pcm) sum += sample * sample
  return 10 * Math.log10(sum / Math.max(1, pcm.length) / 32768 ** 2 + 1e-12)
}

export const silence = (millis: number): Pcm<8000> => new Int16Array(millis * 8)

export const noise = (millis: number, dBFS: number, seed = 1): Pcm<8000> => {
  const next = random(seed)
  // The power of numbers that are spread evenly over -1 to 1 is a third.
  const peak = Math.sqrt(3 * power(dBFS))
  return Int16Array.from({ length: millis * 8 }, () => Math.round(next() * peak))
}

/**
 * Noise with the colour and the rhythm of speech. It falls by 6 dB an octave above 500 Hz. Syllables of 100 to 250 ms differ in loudness,
 * and have short gaps between them.
 */
export const speechLike = (millis: number, dBFS: number, seed = 1): Pcm<8000> => {
  const next = random(seed)
  const samples = new Float64Array(millis * 8)
  let low = 0
  let at = 0
  while (at < samples.length) {
    const loud = 0.4 + 0.6 * Math.abs(next())
    const length = Math.round(800 + 1200 * Math.abs(next()))
    const gap = Math.round(200 + 400 * Math.abs(next()))
    for (let index = 0; index < length + gap && at < samples.length; index++, at++) {
      low += 0.32 * (next() - low)
      samples[at] = index < length ? low * loud * Math.sin((Math.PI * index) / length) : 0
    }
  }
  const sum = samples.reduce((total, sample) => total + sample * sample, 0)
  const scale = Math.sqrt(power(dBFS) / (sum / samples.length))
  return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * scale))))
}

/** A recorded sentence of 3.5 s, with silence before and after. */
export const recorded: Pcm<8000> = (() => {
  const wav = Wav.decode(readFileSync(new URL("../../fixtures/speech-8k.wav", import.meta.url)))
  if (wav._tag === "WavError") throw new TypeError(wav.reason)
  return wav.channels[0]
})()

export const gain = (pcm: Pcm<8000>, dB: number): Pcm<8000> => pcm.map((sample) => Math.round(sample * 10 ** (dB / 20)))

export const join = (...pieces: ReadonlyArray<Pcm<8000>>): Pcm<8000> => Int16Array.from(pieces.flatMap((piece) => [...piece]))

/** The sum of sounds. Shorter sounds are filled up with silence. */
export const mix = (...sounds: ReadonlyArray<Pcm<8000>>): Pcm<8000> => {
  const out = new Int16Array(Math.max(...sounds.map(({ length }) => length)))
  for (const sound of sounds) {
    for (let index = 0; index < sound.length; index++) out[index] = Math.max(-32768, Math.min(32767, out[index] + sound[index]))
  }
  return out
}

export const later = (pcm: Pcm<8000>, millis: number): Pcm<8000> => join(silence(millis), pcm)

/** The sound after it was coded as μ-law and decoded. */
export const overTheLine = (pcm: Pcm<8000>): Pcm<8000> => Mulaw.decode(Mulaw.encode(pcm))

/** The sound from one moment to another, ms. */
export const between = (pcm: Pcm<8000>, from: number, to: number): Pcm<8000> => pcm.subarray(from * 8, to * 8)

/** Windows of 32 ms. A shorter one at the end is left out. */
export const windows = (pcm: Pcm<8000>): ReadonlyArray<Pcm<8000>> =>
  Array.from({ length: Math.floor(pcm.length / 256) }, (_, index) => pcm.slice(index * 256, (index + 1) * 256))
