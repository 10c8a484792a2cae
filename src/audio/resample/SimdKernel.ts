/**
 * The half-band filter in WebAssembly SIMD. It computes four numbers at once and takes a third of the time of plain loops (docs/adr/0002).
 *
 * The WebAssembly module has 2.5 kB. It is put together here from single instructions, at the first use. It computes in 32-bit floats. Before
 * rounding, its results differ from those in 64 bits by less than 0.02. So a sample may differ by one.
 */
import { phaseHistory, fold, tapPairs, inputLength, type Kernel, outputLength, phaseLength } from "./HalfBandKernel.ts"
import {
  add,
  addFloat,
  type Code,
  constant,
  evens,
  everyEighth,
  extendHigh,
  extendLow,
  floor,
  get,
  halves,
  highZipped,
  load,
  lowZipped,
  moduleOf,
  multiplyFloat,
  narrow,
  odds,
  set,
  shiftLeft,
  shuffle,
  store,
  toFloat,
  toInteger
} from "./WebAssemblyCode.ts"

/** The part of the WebAssembly API that is used here. TypeScript declares this API only in the types of a platform, such as the browser. */
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

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16

/** Where the arrays are in the module's memory, in bytes. All arrays fit into one page of 64 KiB. */
const inputAt = 0
const outputAt = inputAt + aligned(2 * inputLength)
const evenAt = outputAt + aligned(2 * outputLength)
const oddAt = evenAt + aligned(4 * phaseLength)
/** The taps. Each tap is a vector that contains the same number four times. */
const doublerAt = oddAt + aligned(4 * phaseLength)
const halverAt = doublerAt + 16 * tapPairs
const centreAt = halverAt + 16 * tapPairs

/** The local variables of both functions: the two parameters, an index, an address, an end, and two vectors. */
const [first, second, index, address, end] = [0, 1, 2, 3, 4]
const [left, right] = [5, 6]

/** Sets `address` to 4 · `index`, which is the position of the float with this index in its array, in bytes. */
const floatAddress: Code = [...get(index), ...shiftLeft(2), ...set(address)]

/** Writes the eight 16-bit numbers of `vector` as floats to the array at `at`, from `address` on. */
const spread = (vector: number, at: number): Code => [
  ...get(address), ...get(vector), ...extendLow, ...toFloat, ...store(at),
  ...get(address), ...get(vector), ...extendHigh, ...toFloat, ...store(at + 16)
]

/** Pushes the sums of four outputs onto the stack: `4 * lane` to `4 * lane + 3` of the eight outputs of a round. */
const convolve = (tapsAt: number, lane: number): Code => {
  const code: Array<number> = []
  for (let k = 0; k < tapPairs; k++) {
    code.push(
      ...get(address), ...load(evenAt + 16 * lane + 4 * k),
      ...get(address), ...load(evenAt + 16 * lane + 4 * (phaseHistory - k)),
      ...addFloat,
      ...constant(0), ...load(tapsAt + 16 * k),
      ...multiplyFloat
    )
    if (k > 0) code.push(...addFloat)
  }
  return code
}

/** Rounds the four floats on the stack to integers. Halves are rounded up. */
const rounded: Code = [...halves, ...addFloat, ...floor, ...toInteger]

/** The code of `double(count)`. The second parameter is not used. */
const doubling: Code = [
  ...get(first), ...constant(phaseHistory), ...add, ...set(end),
  ...everyEighth(index, end, [
    ...get(index), ...shiftLeft(1), ...load(inputAt), ...set(left),
    ...floatAddress,
    ...spread(left, evenAt)
  ]),
  ...get(first), ...set(end),
  ...everyEighth(index, end, [
    ...floatAddress,
    ...convolve(doublerAt, 0), ...rounded,
    ...convolve(doublerAt, 1), ...rounded,
    ...narrow, ...set(left),
    ...get(index), ...shiftLeft(1), ...load(inputAt + 2 * tapPairs), ...set(right),
    ...get(address), ...get(left), ...get(right), ...shuffle(lowZipped), ...store(outputAt),
    ...get(address), ...get(left), ...get(right), ...shuffle(highZipped), ...store(outputAt + 16)
  ])
]

/** The code of `halve(start, count)`. `first` (`start`) becomes the address of the first sample. */
const halving: Code = [
  ...get(first), ...shiftLeft(1), ...set(first),
  ...get(second), ...constant(phaseHistory), ...add, ...set(end),
  ...everyEighth(index, end, [
    ...floatAddress,
    ...get(address), ...get(first), ...add, ...load(inputAt), ...set(left),
    ...get(address), ...get(first), ...add, ...load(inputAt + 16), ...set(right),
    ...get(left), ...get(right), ...shuffle(odds),
    ...get(left), ...get(right), ...shuffle(evens), ...set(left), ...set(right),
    ...spread(left, evenAt),
    ...spread(right, oddAt)
  ]),
  ...get(second), ...set(end),
  ...everyEighth(index, end, [
    ...floatAddress,
    ...[0, 1].flatMap((lane) => [
      ...convolve(halverAt, lane),
      // The newest sample has an even number. The middle sample is `phaseHistory` positions before it, so its number is odd.
      ...get(address), ...load(oddAt + 4 * (tapPairs - 1) + 16 * lane),
      ...constant(0), ...load(centreAt),
      ...multiplyFloat, ...addFloat, ...rounded
    ]),
    ...narrow, ...set(left),
    ...get(index), ...shiftLeft(1), ...get(left), ...store(outputAt)
  ])
]

/** `filter`: the 63 taps. Returns `undefined` if the machine has no WebAssembly with SIMD, or if WebAssembly is forbidden. */
export const make = (filter: Float64Array): Kernel | undefined => {
  const { WebAssembly: api } = globalThis as { readonly WebAssembly?: WebAssemblyApi }
  if (api === undefined) return undefined
  try {
    const { double, halve, memory } = new api.Instance(new api.Module(moduleOf(doubling, halving))).exports
    const { centre, doubler, halver } = fold(filter)
    const floats = new Float32Array(memory.buffer)
    for (let k = 0; k < tapPairs; k++) {
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
