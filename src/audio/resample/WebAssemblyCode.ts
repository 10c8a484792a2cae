/**
 * The bytes of WebAssembly: the instructions that `SimdKernel` uses, and the sections of a module.
 *
 * https://webassembly.github.io/spec/core/binary (release 2.0, with vectors of 128 bits)
 */

export type Code = ReadonlyArray<number>

/** Numbers in LEB128, with seven bits in each byte. */
const unsigned = (value: number): Code => value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
const signed = (value: number): Code =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
export const constant = (value: number): Code => [0x41, ...signed(value)]
export const get = (local: number): Code => [0x20, local]
export const set = (local: number): Code => [0x21, local]
const tee = (local: number): Code => [0x22, local]
export const add: Code = [0x6a]
export const shiftLeft = (bits: number): Code => [...constant(bits), 0x74]
const lessThan: Code = [0x48]
/** Loads or stores a vector at the address on the stack plus `at`. The 0 after the opcode means that the address need not be aligned. */
export const load = (at: number): Code => [...simd(0), 0, ...unsigned(at)]
export const store = (at: number): Code => [...simd(11), 0, ...unsigned(at)]
export const shuffle = (lanes: Code): Code => [...simd(13), ...lanes]
/** Pushes a vector that contains 0.5 four times. */
export const halves: Code = [0x43, 0, 0, 0, 0x3f, ...simd(19)]
export const narrow = simd(133) // i16x8.narrow_i32x4_s, which saturates
export const extendLow = simd(167) // i32x4.extend_low_i16x8_s
export const extendHigh = simd(168)
export const toFloat = simd(250) // f32x4.convert_i32x4_s
export const toInteger = simd(248) // i32x4.trunc_sat_f32x4_s
export const floor = simd(104)
export const addFloat = simd(228)
export const multiplyFloat = simd(230)

/**
 * Runs `body` with the local variable `index` set to 0, 8, 16, … while it is less than the local variable `end`, but at least once. `index`
 * and `end` are the numbers of these variables.
 */
export const everyEighth = (index: number, end: number, body: Code): Code => [
  ...constant(0), ...set(index),
  0x03, 0x40, // loop
  ...body,
  ...get(index), ...constant(8), ...add, ...tee(index), ...get(end), ...lessThan,
  0x0d, 0, // br_if to the loop's head
  0x0b
]

/** The operand of `shuffle`: which 16-bit lanes of two vectors the result contains. Lanes 8 to 15 are in the second vector. */
const lanes = (...numbers: ReadonlyArray<number>): Code => numbers.flatMap((lane) => [2 * lane, 2 * lane + 1])
export const evens = lanes(0, 2, 4, 6, 8, 10, 12, 14)
export const odds = lanes(1, 3, 5, 7, 9, 11, 13, 15)
export const lowZipped = lanes(0, 8, 1, 9, 2, 10, 3, 11)
export const highZipped = lanes(4, 12, 5, 13, 6, 14, 7, 15)

/** A list: the number of its items, and the items (`vec` in the specification). */
const list = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items.flat()]
const sized = (code: Code): Code => [...unsigned(code.length), ...code]
const section = (id: number, content: Code): Code => [id, ...sized(content)]
const name = (text: string): Code => sized(Array.from(text, (letter) => letter.charCodeAt(0)))

const i32 = 0x7f
const v128 = 0x7b

/** The body of a function with two parameters. Its other local variables are three numbers and two vectors. */
const body = (code: Code): Code => sized([...list([[3, i32], [2, v128]]), ...code, 0x0b])

/** A module that exports one page of memory as `memory`, and two functions with two parameters as `double` and `halve`, after what they do to the sample rate. */
export const moduleOf = (double: Code, halve: Code): Uint8Array =>
  Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // "\0asm", version 1
    ...section(1, list([[0x60, ...list([[i32], [i32]]), 0]])), // types
    ...section(3, list([[0], [0]])), // functions
    ...section(5, list([[0, 1]])), // memory: one page
    ...section(7, list([[...name("memory"), 2, 0], [...name("double"), 0, 0], [...name("halve"), 0, 1]])), // exports
    ...section(10, list([body(double), body(halve)])) // code
  ])
