import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { SampleRate } from "../../../../src/audio/Pcm.ts"
import * as Resampler from "../../../../src/audio/resample/Resampler.ts"

const rates: ReadonlyArray<SampleRate> = [8000, 16_000, 24_000, 48_000]
/** Rates of voices and sound cards. */
const otherRates: ReadonlyArray<SampleRate> = [11_025, 12_000, 22_050, 32_000, 44_100, 96_000, 192_000]
const pairs = [
  ...rates.flatMap((from) => rates.filter((to) => to !== from).map((to) => ({ from, to }))),
  ...otherRates.flatMap((from) => [{ from, to: 8000 }, { from, to: 24_000 }]),
  { from: 8000, to: 22_050 },
  { from: 48_000, to: 44_100 },
  // Ratios without small numbers: a speech server may choose any rate.
  { from: 22_250, to: 8000 },
  { from: 37_150, to: 24_000 }
]

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Sample = between(-32_768, 32_767)

const sine = (frequency: number, rate: number, length: number, amplitude: number) =>
  Int16Array.from({ length }, (_, i) => Math.round(amplitude * Math.sin((2 * Math.PI * frequency * i) / rate)))

/**
 * Amplitude of the sine of `frequency` that fits best by least squares. `samples` holds whole periods of every multiple
 * of 50 Hz, so that sine and cosine are orthogonal and each fit is a correlation.
 */
const amplitude = (samples: Int16Array, frequency: number, rate: number): number => {
  let re = 0
  let im = 0
  for (let i = 0; i < samples.length; i++) {
    const phase = (2 * Math.PI * frequency * i) / rate
    re += samples[i] * Math.cos(phase)
    im += samples[i] * Math.sin(phase)
  }
  return (2 * Math.hypot(re, im)) / samples.length
}

const decibel = (ratio: number) => 20 * Math.log10(ratio)

const level = 32_000

/** 40 ms of the steady answer to a sine near full scale. */
const answer = (from: SampleRate, to: SampleRate, frequency: number) =>
  Resampler.make(from, to).process(sine(frequency, from, from / 5, level)).slice(-to / 25)

/** From `first` to `last` in steps of about `step`; all of them multiples of 50 Hz, see `amplitude`. */
const multiples = (first: number, last: number, step: number) => {
  const rounded = Math.max(50, Math.round(step / 50) * 50)
  const from = Math.ceil(first / 50) * 50
  return Array.from({ length: Math.floor((last - from) / rounded) + 1 }, (_, i) => from + i * rounded)
}

/** Where a component of `frequency` appears at `rate`. */
const folded = (frequency: number, rate: number) => Math.abs(frequency - rate * Math.round(frequency / rate))

const whole = (from: SampleRate, to: SampleRate, input: Int16Array) => {
  const resampler = Resampler.make(from, to)
  return [...resampler.process(input), ...resampler.flush()]
}

describe("Resampler", () => {
  describe.each(pairs)("$from to $to", ({ from, to }) => {
    const low = Math.min(from, to)
    const passBand = Math.floor(0.425 * low / 50) * 50
    const stopBand = 0.575 * low

    it("keeps the pass band flat within 0.002 dB", () => {
      for (const frequency of [...multiples(100, passBand, low / 80), passBand]) {
        const gain = decibel(amplitude(answer(from, to, frequency), frequency, to) / level)
        assert.isBelow(Math.abs(gain), 0.002, `${frequency} Hz`)
      }
    })

    it("keeps images and aliases 80 dB down", { timeout: 120_000 }, () => {
      if (to > from) {
        for (const frequency of [...multiples(100, passBand - 50, low / 40), passBand]) {
          const output = answer(from, to, frequency)
          for (let centre = from; centre - frequency < to / 2; centre += from) {
            for (const image of [centre - frequency, centre + frequency]) {
              if (image >= to / 2) continue
              assert.isBelow(decibel(amplitude(output, image, to) / level), -80, `${frequency} Hz at ${image} Hz`)
            }
          }
        }
      } else {
        for (const frequency of multiples(stopBand, from / 2 - 50, low / 160)) {
          const output = answer(from, to, frequency)
          const alias = folded(frequency, to)
          // A constant and the Nyquist frequency have no sine, so the correlation there counts double.
          const fitted = amplitude(output, alias, to) / (alias === 0 || alias === to / 2 ? 2 : 1)
          assert.isBelow(decibel(fitted / level), -80, `${frequency} Hz at ${alias} Hz`)
        }
      }
    })

    it("adds only rounding noise to a sine, and distortion 80 dB below it", () => {
      const frequency = Math.round(low / 400) * 50
      const output = answer(from, to, frequency)
      const power = output.reduce((sum, sample) => sum + sample ** 2, 0) / output.length
      const noise = power - amplitude(output, frequency, to) ** 2 / 2
      // Rounding in and out leaves 1/12 each; the rest is what the filter adds, 80 dB below.
      assert.isBelow(noise, 2 / 12 + (level * 1e-4) ** 2 / 2)
    })

    it("has the delay that it states", () => {
      const resampler = Resampler.make(from, to)
      const frequency = Math.round(low / 800) * 50
      const output = resampler.process(sine(frequency, from, from / 5, level)).slice(-to / 25)
      const began = 1 / 5 - 1 / 25
      let re = 0
      let im = 0
      for (let i = 0; i < output.length; i++) {
        const phase = 2 * Math.PI * frequency * (began + i / to - resampler.delay)
        re += output[i] * Math.sin(phase)
        im += output[i] * Math.cos(phase)
      }
      // The answer is the sine, shifted: any other delay would leave a cosine.
      assert.isBelow(Math.abs(Math.atan2(im, re) / (2 * Math.PI * frequency)), 1e-7)
      assert.isBelow(resampler.delay, 0.0022)
    })

    it("turns an impulse into a symmetric response around the delay, which ends with the flush", () => {
      const resampler = Resampler.make(from, to)
      const impulse = new Int16Array(from / 1000)
      impulse[0] = 20_000
      const output = [...resampler.process(impulse), ...resampler.flush()]
      const centre = resampler.delay * to
      for (let i = 0; i < output.length; i++) {
        const mirrored = 2 * centre - i
        if (Math.abs(mirrored - Math.round(mirrored)) > 1e-6) continue
        assert.strictEqual(output[i], output[Math.round(mirrored)] ?? 0, `${i}`)
      }
      assert.isAtLeast(output.length, 2 * centre)
      const silence = resampler.process(new Int16Array(from / 100))
      assert.closeTo(silence.length, to / 100, 1)
      assert.deepStrictEqual(silence, new Int16Array(silence.length))
    })

    it("saturates instead of wrapping around", () => {
      const square = Int16Array.from({ length: from / 10 }, (_, i) => Math.floor((i * 500) / from) % 2 ? -32_768 : 32_767)
      const output = Resampler.make(from, to).process(square)
      const { delay } = Resampler.make(from, to)
      assert.isTrue(output.includes(32_767) && output.includes(-32_768))
      for (let i = Math.ceil(2 * delay * to); i < output.length; i++) {
        const place = (((i / to - delay) * 500) % 2 + 2) % 2
        const fromEdge = Math.min(place % 1, 1 - place % 1) / 500 * low
        if (fromEdge < 1) continue
        assert.isAbove(output[i] * (place < 1 ? 1 : -1), 20_000, `sample ${i}`)
      }
    })

    it("passes a constant unchanged, up to both ends of the range", () => {
      for (const value of [-32_768, -1, 0, 1, 32_767]) {
        const output = Resampler.make(from, to).process(new Int16Array(from / 50).fill(value)).slice(-to / 100)
        // Either of the half-band's phases may be off by twice its ripple.
        const tolerance = Math.abs(value) * 2e-4 + 0.5
        assert.strictEqual(output.length, Math.floor(to / 100))
        assert.isTrue(output.every((sample) => Math.abs(sample - value) <= tolerance), `${value}`)
      }
    })

    it.prop("gives the same samples for any pieces of input", [
      Schema.Array(Sample).check(Schema.isMaxLength(400)),
      Schema.Array(between(0, 40)),
      between(0, 3000)
    ], ([noise, cuts, silence]) => {
      const input = Int16Array.from({ length: noise.length + silence }, (_, i) => noise[i] ?? noise[i % 97] ?? i)
      const expected = whole(from, to, input)
      const resampler = Resampler.make(from, to)
      const output: Array<number> = []
      let at = 0
      for (const length of [...cuts, input.length]) {
        output.push(...resampler.process(input.subarray(at, at + length)))
        at = Math.min(input.length, at + length)
        assert.strictEqual(output.length, Math.ceil((at * to) / from))
      }
      output.push(...resampler.flush())
      assert.deepStrictEqual(output, expected)
    }, { arbitrary: { runs: 60, size: 60 } })

    it("forgets its input at a reset and at a flush", () => {
      const input = sine(440, from, from / 50 + 1, level)
      const expected = whole(from, to, input)
      const resampler = Resampler.make(from, to)
      resampler.process(input)
      resampler.reset()
      for (const _ of [1, 2]) {
        assert.deepStrictEqual([...resampler.process(input), ...resampler.flush()], expected)
      }
    })
  })

  it("has at most 2 ms of delay between 8 and 16 kHz", () => {
    assert.strictEqual(Resampler.make(8000, 16_000).delay, 31 / 16_000)
    assert.strictEqual(Resampler.make(16_000, 8000).delay, 31 / 16_000)
  })

  it("passes every input sample unchanged when the rate is multiplied by a whole number", () => {
    const input = sine(1234, 8000, 400, level)
    for (const [to, lag] of [[16_000, 31], [24_000, 50], [48_000, 101]] as const) {
      const output = Resampler.make(8000, to).process(input)
      const step = to / 8000
      assert.isAtLeast(output.length, (input.length - 16) * step)
      for (let i = 0; i * step + lag < output.length; i++) assert.strictEqual(output[i * step + lag], input[i])
    }
  })

  it("changes nothing at equal rates", () => {
    for (const rate of rates) {
      const resampler = Resampler.make(rate, rate)
      const input = Int16Array.of(1, 2, 3)
      assert.strictEqual(resampler.process(input), input)
      assert.strictEqual(resampler.flush().length, 0)
      assert.strictEqual(resampler.delay, 0)
      resampler.reset()
    }
  })
})
