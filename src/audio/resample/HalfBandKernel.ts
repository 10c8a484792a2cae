/**
 * The arithmetic of the half-band filter, twice: as WebAssembly SIMD, which a frame's filters run in, and as plain
 * loops for where that is missing (a browser whose content policy forbids it, an old processor).
 *
 * WebAssembly works on four numbers at once, which is a quarter of the time of the plain loops. Its module is made
 * here, instruction by instruction, at the first use: some six hundred bytes. It computes in 32-bit floats where the plain loops
 * use 64: before rounding to 16 bits the two differ by less than 0.02 of a step, so that a sample may differ by one.
 *
 * Filters of 63 taps, of which 31 are zero, one is the centre, and 32 are symmetric: 16 numbers. A kernel has no
 * memory of its own between two calls: its arrays are shared by all streams.
 */

/** Symmetric taps after folding; and how far they look back, in samples of one phase. */
export const half = 16
export const back = 2 * half - 1

/** The most samples that are worked on in one go: 20 ms at 16 kHz. */
export const block = 320

export interface Kernel {
  /** What went before, then the new samples. */
  readonly input: Int16Array
  readonly output: Int16Array
  /**
   * Twice the rate: from `back + count` samples of input, `2 * count` of output. A filtered sample each, and the
   * sample in the middle of those that it was made of, as it is.
   */
  readonly double: (count: number) => void
  /**
   * Half the rate: `count` samples of output, the first of them made of the input from `start` to `start + 2 * back`,
   * and each of the next two samples on.
   */
  readonly halve: (start: number, count: number) => void
}

/** The 16 symmetric taps, and the centre. Those of the doubler are twice as large: every other input is a zero. */
const fold = (filter: Float64Array) => ({
  halver: Float64Array.from({ length: half }, (_, k) => filter[2 * k]),
  doubler: Float64Array.from({ length: half }, (_, k) => 2 * filter[2 * k]),
  centre: filter[back]
})

/** Vectors that are read and written may run over the end by less than this, in samples. */
const slack = 32
const inputLength = 2 * back + block + slack
const outputLength = 2 * block + slack
const phaseLength = back + block + slack

// ---------------------------------------------------------------------------------------------
// Plain
// ---------------------------------------------------------------------------------------------

/** Rounded (halves up) and saturated. Truncation of a positive number rounds down; `Math.round` would be slower. */
const toSample = (value: number): number =>
  value >= 32_767 ? 32_767 : value <= -32_768 ? -32_768 : ((value + 32_768.5) | 0) - 32_768

export const makePlain = (filter: Float64Array): Kernel => {
  const { centre, doubler, halver } = fold(filter)
  const input = new Int16Array(inputLength)
  const output = new Int16Array(outputLength)
  const even = new Float64Array(phaseLength)
  const sums = new Float64Array(phaseLength)

  /** `sums[i] = Σ taps[k] · (even[i + k] + even[i + 31 - k])`, four sums side by side; it may run over the end. */
  const convolve = (taps: Float64Array, count: number): void => {
    for (let i = 0; i < count; i += 4) {
      let sum0 = 0
      let sum1 = 0
      let sum2 = 0
      let sum3 = 0
      let x0 = even[i]
      let x1 = even[i + 1]
      let x2 = even[i + 2]
      let y1 = even[i + back + 1]
      let y2 = even[i + back + 2]
      let y3 = even[i + back + 3]
      for (let k = 0; k < half; k++) {
        const tap = taps[k]
        const x3 = even[i + k + 3]
        const y0 = even[i + back - k]
        sum0 += tap * (x0 + y0)
        sum1 += tap * (x1 + y1)
        sum2 += tap * (x2 + y2)
        sum3 += tap * (x3 + y3)
        x0 = x1
        x1 = x2
        x2 = x3
        y3 = y2
        y2 = y1
        y1 = y0
      }
      sums[i] = sum0
      sums[i + 1] = sum1
      sums[i + 2] = sum2
      sums[i + 3] = sum3
    }
  }

  return {
    input,
    output,
    double: (count) => {
      for (let i = 0; i < back + count; i++) even[i] = input[i]
      convolve(doubler, count)
      for (let i = 0; i < count; i++) {
        output[2 * i] = toSample(sums[i])
        output[2 * i + 1] = input[i + half]
      }
    },
    halve: (start, count) => {
      for (let i = 0; i < back + count; i++) even[i] = input[start + 2 * i]
      convolve(halver, count)
      for (let i = 0; i < count; i++) output[i] = toSample(sums[i] + centre * input[start + back + 2 * i])
    }
  }
}

// ---------------------------------------------------------------------------------------------
// WebAssembly
// ---------------------------------------------------------------------------------------------

/** As much of the WebAssembly API as is used here; the language's own types leave it to those of a platform. */
interface WebAssemblyApi {
  readonly Module: new(bytes: Uint8Array) => object
  readonly Instance: new(module: object) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer }
      readonly double: (count: number) => void
      readonly halve: (start: number, count: number) => void
    }
  }
}

/** Where things are in the module's memory, in bytes; one page of 64 KiB holds them all. */
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16
const inputAt = 0
const outputAt = inputAt + aligned(2 * inputLength)
const evenAt = outputAt + aligned(2 * outputLength)
const oddAt = evenAt + aligned(4 * phaseLength)
/** Each tap four times, side by side, as a vector. */
const doublerAt = oddAt + aligned(4 * phaseLength)
const halverAt = doublerAt + 16 * half
const centreAt = halverAt + 16 * half

type Code = ReadonlyArray<number>

/** Numbers as WebAssembly writes them: LEB128, seven bits a byte. */
const unsigned = (value: number): Code => value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
const signed = (value: number): Code =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]

/** The instructions that are used, by the names of the specification's text format (release 2.0). */
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
const constant = (value: number): Code => [0x41, ...signed(value)]
const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]
const tee = (local: number): Code => [0x22, local]
const add: Code = [0x6a]
const shiftLeft = (bits: number): Code => [...constant(bits), 0x74]
const lessThan: Code = [0x48]
/** From an address on the stack, plus `at`. The 0 promises no alignment. */
const load = (at: number): Code => [...simd(0), 0, ...unsigned(at)]
const store = (at: number): Code => [...simd(11), 0, ...unsigned(at)]
const shuffle = (lanes: Code): Code => [...simd(13), ...lanes]
const splatFloat: Code = [0x43, 0, 0, 0, 0x3f, ...simd(19)] // 0.5, four times
const narrow = simd(133) // i16x8.narrow_i32x4_s, which saturates
const extendLow = simd(167) // i32x4.extend_low_i16x8_s
const extendHigh = simd(168)
const toFloat = simd(250) // f32x4.convert_i32x4_s
const toInteger = simd(248) // i32x4.trunc_sat_f32x4_s
const floor = simd(104)
const addFloat = simd(228)
const multiplyFloat = simd(230)

/** 16-bit lanes of two vectors, as byte numbers. */
const lanes = (...numbers: ReadonlyArray<number>): Code => numbers.flatMap((lane) => [2 * lane, 2 * lane + 1])
const evens = lanes(0, 2, 4, 6, 8, 10, 12, 14)
const odds = lanes(1, 3, 5, 7, 9, 11, 13, 15)
const lowZipped = lanes(0, 8, 1, 9, 2, 10, 3, 11)
const highZipped = lanes(4, 12, 5, 13, 6, 14, 7, 15)

/** Locals of both functions: the parameters, then an index, an address, an end, and vectors. */
const [first, second, index, address, end] = [0, 1, 2, 3, 4]
const [left, right] = [5, 6]

/** Runs `body` for index = 0, 8, 16, … while it is less than `end`; at least once. */
const eightByEight = (body: Code): Code => [
  ...constant(0), ...set(index),
  0x03, 0x40, // loop
  ...body,
  ...get(index), ...constant(8), ...add, ...tee(index), ...get(end), ...lessThan,
  0x0d, 0, // br_if to the loop's head
  0x0b
]

/** address = 4 · index: of floats, to which each place is an offset. */
const floatAddress: Code = [...get(index), ...shiftLeft(2), ...set(address)]

/** The eight 16-bit numbers in `vector` become floats at `at`. */
const spread = (vector: number, at: number): Code => [
  ...get(address), ...get(vector), ...extendLow, ...toFloat, ...store(at),
  ...get(address), ...get(vector), ...extendHigh, ...toFloat, ...store(at + 16)
]

/** Four sums, from `4 * lane` floats on, are left on the stack. */
const convolve = (tapsAt: number, lane: number): Code => {
  const code: Array<number> = []
  for (let k = 0; k < half; k++) {
    code.push(
      ...get(address), ...load(evenAt + 16 * lane + 4 * k),
      ...get(address), ...load(evenAt + 16 * lane + 4 * (back - k)),
      ...addFloat,
      ...constant(0), ...load(tapsAt + 16 * k),
      ...multiplyFloat
    )
    if (k > 0) code.push(...addFloat)
  }
  return code
}

const rounded: Code = [...splatFloat, ...addFloat, ...floor, ...toInteger]

/** `double(count)`. */
const doubling: Code = [
  ...get(first), ...constant(back), ...add, ...set(end),
  ...eightByEight([
    ...get(index), ...shiftLeft(1), ...load(inputAt), ...set(left),
    ...floatAddress,
    ...spread(left, evenAt)
  ]),
  ...get(first), ...set(end),
  ...eightByEight([
    ...floatAddress,
    ...convolve(doublerAt, 0), ...rounded,
    ...convolve(doublerAt, 1), ...rounded,
    ...narrow, ...set(left),
    ...get(index), ...shiftLeft(1), ...load(inputAt + 2 * half), ...set(right),
    ...get(address), ...get(left), ...get(right), ...shuffle(lowZipped), ...store(outputAt),
    ...get(address), ...get(left), ...get(right), ...shuffle(highZipped), ...store(outputAt + 16)
  ])
]

/** `halve(start, count)`; `first` becomes the address of the first sample. */
const halving: Code = [
  ...get(first), ...shiftLeft(1), ...set(first),
  ...get(second), ...constant(back), ...add, ...set(end),
  ...eightByEight([
    ...floatAddress,
    ...get(address), ...get(first), ...add, ...load(inputAt), ...set(left),
    ...get(address), ...get(first), ...add, ...load(inputAt + 16), ...set(right),
    ...get(left), ...get(right), ...shuffle(odds),
    ...get(left), ...get(right), ...shuffle(evens), ...set(left), ...set(right),
    ...spread(left, evenAt),
    ...spread(right, oddAt)
  ]),
  ...get(second), ...set(end),
  ...eightByEight([
    ...floatAddress,
    ...[0, 1].flatMap((lane) => [
      ...convolve(halverAt, lane),
      // The sample `back` behind the newest is of odd number, as the newest is of even.
      ...get(address), ...load(oddAt + 4 * (half - 1) + 16 * lane),
      ...constant(0), ...load(centreAt),
      ...multiplyFloat, ...addFloat, ...rounded
    ]),
    ...narrow, ...set(left),
    ...get(index), ...shiftLeft(1), ...get(left), ...store(outputAt)
  ])
]

const vector = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items.flat()]
const sized = (code: Code): Code => [...unsigned(code.length), ...code]
const section = (id: number, content: Code): Code => [id, ...sized(content)]
const name = (text: string): Code => sized(Array.from(text, (letter) => letter.charCodeAt(0)))

const i32 = 0x7f
const v128 = 0x7b

/** Both functions have the same locals behind two parameters; `double` ignores its second. */
const body = (code: Code): Code => sized([...vector([[3, i32], [2, v128]]), ...code, 0x0b])

const moduleBytes = (): Uint8Array =>
  Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // "\0asm", version 1
    ...section(1, vector([[0x60, ...vector([[i32], [i32]]), 0]])), // types
    ...section(3, vector([[0], [0]])), // functions
    ...section(5, vector([[0, 1]])), // memory: one page
    ...section(7, vector([[...name("memory"), 2, 0], [...name("double"), 0, 0], [...name("halve"), 0, 1]])), // exports
    ...section(10, vector([body(doubling), body(halving)])) // code
  ])

/** `undefined` where there is no WebAssembly, no SIMD in it, or where it is forbidden. */
export const makeSimd = (filter: Float64Array): Kernel | undefined => {
  const { WebAssembly: api } = globalThis as { readonly WebAssembly?: WebAssemblyApi }
  if (api === undefined) return undefined
  try {
    const { double, halve, memory } = new api.Instance(new api.Module(moduleBytes())).exports
    const { centre, doubler, halver } = fold(filter)
    const floats = new Float32Array(memory.buffer)
    for (let k = 0; k < half; k++) {
      floats.fill(doubler[k], doublerAt / 4 + 4 * k, doublerAt / 4 + 4 * k + 4)
      floats.fill(halver[k], halverAt / 4 + 4 * k, halverAt / 4 + 4 * k + 4)
    }
    floats.fill(centre, centreAt / 4, centreAt / 4 + 4)
    return {
      input: new Int16Array(memory.buffer, inputAt, inputLength),
      output: new Int16Array(memory.buffer, outputAt, outputLength),
      double,
      halve
    }
  } catch {
    return undefined
  }
}

export const make = (filter: Float64Array): Kernel => makeSimd(filter) ?? makePlain(filter)
