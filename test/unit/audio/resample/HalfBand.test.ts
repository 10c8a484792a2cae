import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { halfBand } from "../../../../src/audio/resample/FirDesign.ts"
import { type HalfBand, makeDoubler, makeHalver, makeKernel } from "../../../../src/audio/resample/HalfBand.ts"
import * as PlainKernel from "../../../../src/audio/resample/PlainKernel.ts"
import * as SimdKernel from "../../../../src/audio/resample/SimdKernel.ts"

const taps = halfBand(16, 0.2125)

const simd = () => {
  const kernel = SimdKernel.make(taps)
  if (kernel === undefined) throw new Error("This test needs WebAssembly SIMD, which this machine lacks.")
  return kernel
}

/**
 * `error`: how far a kernel's number may be from the exact one before it is rounded. The plain loops compute in 64-bit floats, WebAssembly
 * in 32-bit ones.
 */
const kernels = [
  { name: "plain loops", make: () => PlainKernel.make(taps), error: 1e-6 },
  { name: "WebAssembly", make: simd, error: 0.02 }
] as const

/** The filter by its definition, tap by tap, over a signal that is 0 before it begins; not rounded. */
const filtered = (signal: ArrayLike<number>, at: number, gain: number): number => {
  let sum = 0
  for (let k = 0; k < taps.length; k++) if (at - k >= 0 && at - k < signal.length) sum += taps[k] * signal[at - k]
  return gain * sum
}

const directions = [
  {
    name: "doubles",
    make: makeDoubler,
    /** Zeros between the samples, then the filter. */
    exact: (input: Int16Array): ReadonlyArray<number> => {
      const stuffed = new Float64Array(2 * input.length)
      for (let i = 0; i < input.length; i++) stuffed[2 * i] = input[i]
      return Array.from(stuffed, (_, at) => filtered(stuffed, at, 2))
    }
  },
  {
    name: "halves",
    make: makeHalver,
    /** The filter, then every other sample. */
    exact: (input: Int16Array): ReadonlyArray<number> => Array.from({ length: Math.ceil(input.length / 2) }, (_, at) => filtered(input, 2 * at, 1))
  }
] as const

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Sample = Schema.Union([between(-32_768, 32_767), Schema.Literals([-32_768, 32_767, 0, 1, -1])])

/** A noise that is the same in each run, from nearly silent to beyond what 16 bits can hold after the filter. */
const noise = (length: number, peak = 32_768): Int16Array => {
  let state = 7
  return Int16Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.max(-32_768, Math.min(32_767, Math.round((state / 2 ** 31 - 1) * peak)))
  })
}

/** The worst input for a filter: the largest samples, each with the sign of its tap, so that all products add up. */
const loudest = (length: number): Int16Array => Int16Array.from({ length }, (_, i) => taps[i % taps.length] < 0 ? -32_768 : 32_767)

const run = (converter: HalfBand, input: Int16Array): Int16Array => {
  const length = converter.outputLength(input.length)
  const marked = new Int16Array(length + 8).fill(12_345)
  assert.strictEqual(converter.process(input, marked), length)
  // Nothing is written after the promised length.
  assert.deepStrictEqual([...marked.subarray(length)], Array.from({ length: 8 }, () => 12_345))
  return marked.slice(0, length)
}

const clamped = (value: number): number => Math.max(-32_768, Math.min(32_767, value))

/** Checks that each sample is the exact number, rounded to the nearest. Within `error` of the middle both neighbours are right. */
const assertRounded = (output: Int16Array, exact: ReadonlyArray<number>, error: number, message: string) => {
  assert.strictEqual(output.length, exact.length, message)
  for (let i = 0; i < exact.length; i++) {
    const off = Math.abs(output[i] - clamped(exact[i]))
    if (off > 0.5 + error) assert.fail(`${message}: sample ${i} is ${output[i]}, exactly ${exact[i]}`)
  }
}

/** Lengths: none, one, odd ones, vectors of four and eight and one more, the filter's length, a step and one more or less, several steps. */
const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 30, 31, 32, 33, 61, 62, 63, 64, 159, 160, 161, 319, 320, 321, 639, 640, 641, 1001]

describe.each(kernels)("the half-band filter in $name", ({ error, make: makeKernel }) => {
  describe.each(directions)("$name the rate", ({ exact, make }) => {
    it.each(lengths)("as the definition says, to the nearest number, for %i samples", (length) => {
      for (const [what, input] of [["noise", noise(length)], ["quiet noise", noise(length, 3)], ["the loudest", loudest(length)]] as const) {
        assertRounded(run(make(makeKernel()), input), exact(input), error, what)
      }
    })

    it("clips numbers beyond 16 bits, up and down", () => {
      const output = run(make(makeKernel()), Int16Array.from([...loudest(126), ...loudest(126).map((sample) => sample > 0 ? -32_768 : 32_767)]))
      const beyond = exact(loudest(126)).some((value) => value > 40_000)
      assert.isTrue(beyond && output.includes(32_767) && output.includes(-32_768))
    })

    it.prop("gives the same samples for any pieces, beside other streams on the same kernel", [
      Schema.Array(Sample).check(Schema.isMaxLength(400)),
      Schema.Array(between(0, 350)).check(Schema.isMaxLength(12))
    ], ([samples, cuts]) => {
      const input = Int16Array.from([...samples, ...noise(700)])
      const kernel = makeKernel()
      const whole = run(make(kernel), input)
      const [converter, other] = [make(kernel), make(kernel)]
      const output: Array<number> = []
      let at = 0
      for (const length of [...cuts, input.length]) {
        output.push(...run(converter, input.subarray(at, at + length)))
        run(other, noise(length % 97, 30_000))
        at = Math.min(input.length, at + length)
      }
      assert.deepStrictEqual(output, [...whole])
      assertRounded(whole, exact(input), error, "whole")
    }, { arbitrary: { runs: 40, size: 80 } })

    it("gives the same output sample by sample as all at once, and forgets its input at a reset", () => {
      const input = noise(131)
      const converter = make(makeKernel())
      const whole = run(converter, input)
      for (const _ of [1, 2]) {
        converter.reset()
        assert.deepStrictEqual(Array.from(input, (sample) => [...run(converter, Int16Array.of(sample))]).flat(), [...whole])
      }
    })
  })
})

describe("the two ways to compute the half-band filter", () => {
  it.each(directions)("differ by one at most, and only if the exact number is half-way between two: $name", ({ exact, make }) => {
    const input = Int16Array.from([...noise(3000), ...noise(3000, 500), ...loudest(300)])
    const [plain, vectors] = [run(make(PlainKernel.make(taps)), input), run(make(simd()), input)]
    const numbers = exact(input)
    let differing = 0
    for (let i = 0; i < numbers.length; i++) {
      if (plain[i] === vectors[i]) continue
      differing++
      assert.strictEqual(Math.abs(plain[i] - vectors[i]), 1, `sample ${i}`)
      assert.isBelow(Math.abs(numbers[i] - Math.floor(numbers[i]) - 0.5), 0.02, `sample ${i}`)
    }
    assert.isBelow(differing / numbers.length, 0.01)
  })

  const without = (webAssembly: unknown, body: () => void) => {
    const known = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly")!
    Object.defineProperty(globalThis, "WebAssembly", { value: webAssembly, configurable: true, writable: true })
    try {
      body()
    } finally {
      Object.defineProperty(globalThis, "WebAssembly", known)
    }
  }
  const forbidden = {
    Module: function() {
      throw new TypeError("Refused to compile: unsafe-eval is not allowed by the content policy.")
    }
  }

  it.each([["there is no WebAssembly", undefined], ["it is forbidden", forbidden]] as const)("if %s, the plain loops are used", (_, webAssembly) => {
    const input = noise(500)
    const expected = directions.map(({ make }) => run(make(PlainKernel.make(taps)), input))
    without(webAssembly, () => {
      assert.strictEqual(SimdKernel.make(taps), undefined)
      const kernel = makeKernel(taps)
      assert.deepStrictEqual(directions.map(({ make }) => run(make(kernel), input)), expected)
    })
  })
})
