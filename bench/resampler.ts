/**
 * `node bench/resampler.ts`: the cost of a 20 ms frame in the resampler and in the codec, compared with libsamplerate (as wasm) in the same
 * run, and the quality of the output.
 *
 * The rounds of all contestants alternate, so that a busy machine slows them alike. The figures are medians. The peer reads and returns
 * floats; our figures include the conversion from and to 16 bits. "time / ours" is how many times longer the peer takes.
 *
 * "ripple" is the largest deviation from 0 dB, for frequencies up to 0.425 of the lower rate. "stray" is the strongest alias or image. The
 * peer's filters reject more than ours. The fastest of them cuts at 0.4 of the lower rate, which shows as ripple.
 */
import LibSampleRate from "@alexanderolsen/libsamplerate-js"
import * as Mulaw from "../src/audio/Mulaw.ts"
import type { SampleRate } from "../src/audio/Pcm.ts"
import * as Resampler from "../src/audio/resample/Resampler.ts"

const pairs: ReadonlyArray<readonly [from: SampleRate, to: SampleRate]> = [
  [8000, 16_000],
  [16_000, 8000],
  [24_000, 8000],
  [8000, 24_000]
]
const rounds = 31
const framesPerRound = 1000
const frameNanos = 20e6

interface Contestant {
  readonly name: string
  /** Processes one frame of 20 ms. */
  readonly run: () => unknown
}

interface Converter extends Contestant {
  /** Resamples the next piece of a stream. Samples are in -32768…32767. */
  readonly convert: (input: Int16Array) => Int16Array | Float32Array
}

const sine = (frequency: number, rate: number, length: number): Int16Array =>
  Int16Array.from({ length }, (_, i) => Math.round(30_000 * Math.sin((2 * Math.PI * frequency * i) / rate)))

/** Amplitude, relative to `sine`, of the best-fitting sine of `frequency` in the steady 40 ms from 60 ms on. */
const gainAt = (samples: ArrayLike<number>, frequency: number, rate: number): number => {
  let re = 0
  let im = 0
  for (let i = (rate * 3) / 50; i < rate / 10; i++) {
    const phase = (2 * Math.PI * frequency * i) / rate
    re += samples[i] * Math.cos(phase)
    im += samples[i] * Math.sin(phase)
  }
  return (2 * Math.hypot(re, im)) / (rate / 25) / 30_000
}

const decibel = (ratio: number): number => 20 * Math.log10(ratio)

/** The ripple and the strongest alias or image (see above), in dB. The passband ends at 0.425 of the lower rate, 3.4 kHz. */
const measureQuality = (convert: Converter["convert"], from: number, to: number) => {
  const low = Math.min(from, to)
  let ripple = 0
  let stray = 0
  for (let frequency = 100; frequency <= from / 2 - 50; frequency += 50) {
    const passes = frequency <= 0.425 * low
    if (!passes && frequency < 0.575 * low) continue
    const output = convert(sine(frequency, from, from / 5)).slice(-to / 10)
    if (passes) ripple = Math.max(ripple, Math.abs(decibel(gainAt(output, frequency, to))))
    if (to < from && passes) continue
    for (let centre = to > from ? from : 0; centre - frequency < to / 2; centre += low) {
      for (const image of to > from ? [centre - frequency, centre + frequency] : [Math.abs(centre - frequency)]) {
        if (image > 0 && image < to / 2) stray = Math.max(stray, gainAt(output, image, to))
      }
    }
  }
  return { ripple, stray: decibel(stray) }
}

const ourConverter = (from: SampleRate, to: SampleRate): Converter => {
  const resampler = Resampler.make(from, to)
  const frame = sine(1000, from, from / 50)
  return { name: "ours", run: () => resampler.process(frame), convert: (input) => resampler.process(input) }
}

const toFloats = (input: Int16Array): Float32Array => Float32Array.from(input, (sample) => sample / 32_768)

const peerConverter = async (name: string, converterType: 1 | 2, from: number, to: number): Promise<Converter> => {
  const converter = await LibSampleRate.create(1, from, to, { converterType })
  const out = new Float32Array(to / 10)
  const frame = toFloats(sine(1000, from, from / 50))
  return {
    name,
    run: () => converter.full(frame, out),
    convert: (input) => converter.full(toFloats(input)).map((sample) => sample * 32_768)
  }
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]

/** The median time of a frame for each contestant, ns. */
const race = (contestants: ReadonlyArray<Contestant>): ReadonlyArray<number> => {
  const times = contestants.map((): Array<number> => [])
  for (let round = 0; round < rounds + 3; round++) {
    for (const [index, { run }] of contestants.entries()) {
      const began = performance.now()
      for (let i = 0; i < framesPerRound; i++) run()
      // The first three rounds are slow because of compilation, so they do not count.
      if (round >= 3) times[index].push((performance.now() - began) * 1e6 / framesPerRound)
    }
  }
  return times.map(median)
}

const print = (...cells: ReadonlyArray<string>): void => {
  console.log(cells.map((cell, i) => i < 2 ? cell.padEnd(18) : cell.padStart(14)).join(""))
}

const wholeNumber = (value: number): string => Math.round(value).toLocaleString("en")

print("kHz", "", "ns per 20 ms", "x real time", "time / ours", "ripple dB", "stray dB")
for (const [from, to] of pairs) {
  const converters = [
    ourConverter(from, to),
    await peerConverter("sinc fastest", 2, from, to),
    await peerConverter("sinc medium", 1, from, to)
  ]
  const times = race(converters)
  for (const [i, { convert, name }] of converters.entries()) {
    const { ripple, stray } = measureQuality(convert, from, to)
    print(
      i === 0 ? `${from / 1000} to ${to / 1000}` : "",
      name,
      wholeNumber(times[i]),
      wholeNumber(frameNanos / times[i]),
      (times[i] / times[0]).toFixed(1),
      ripple.toFixed(4),
      stray.toFixed(1)
    )
  }
}

const pcm = sine(1000, 8000, 160)
const codes = Mulaw.encode(pcm)
const codec = [
  { name: "encode", run: () => Mulaw.encode(pcm) },
  { name: "decode", run: () => Mulaw.decode(codes) },
  { name: "encodeInto", run: () => Mulaw.encodeInto(pcm, codes) },
  { name: "decodeInto", run: () => Mulaw.decodeInto(codes, pcm) }
]
for (const [i, time] of race(codec).entries()) {
  print(i === 0 ? "mu-law" : "", codec[i].name, wholeNumber(time), wholeNumber(frameNanos / time))
}
