import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as NoiseReducer from "../../../src/audio/NoiseReducer.ts"

const random = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32 - 0.5
  }
}

/** A tone from 0.4 to 0.8 s of 1.2 s, at −10 dBFS, with a hiss of this amplitude under all of it. */
const [from, to, length] = [3200, 6400, 9600]
const tone = (hiss: number): Float32Array => {
  const noise = random(7)
  return Float32Array.from({ length }, (_, index) =>
    (index >= from && index < to ? 0.45 * Math.sin((2 * Math.PI * 440 * index) / 8000) : 0) + hiss * noise())
}

const reduce = (sound: Float32Array, cuts: ReadonlyArray<number> = []): Float32Array => {
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(sound))
  const out: Array<number> = []
  let at = 0
  for (const cut of cuts) {
    out.push(...reducer.push(sound.subarray(at, at + cut)))
    at = Math.min(sound.length, at + cut)
  }
  out.push(...reducer.push(sound.subarray(at)), ...reducer.flush())
  return Float32Array.from(out)
}

const decibel = (sound: Float32Array): number => 10 * Math.log10(sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length)

describe("the noise reducer", () => {
  it("takes steady noise out of pauses by 15 dB and more, and leaves the voice at its level", () => {
    const noisy = tone(0.05)
    const clean = reduce(noisy)
    assert.isBelow(decibel(clean.subarray(0, 2800)), decibel(noisy.subarray(0, 2800)) - 15)
    assert.isBelow(decibel(clean.subarray(6800)), decibel(noisy.subarray(6800)) - 15)
    assert.closeTo(decibel(clean.subarray(from, to)), decibel(noisy.subarray(from, to)), 0.5)
  })

  it("brings a noisy voice nearer to the clean one", () => {
    const [clean, noisy] = [tone(0), tone(0.05)]
    const reduced = reduce(noisy)
    const difference = (sound: Float32Array) => decibel(sound.map((sample, index) => sample - clean[index]))
    assert.isBelow(difference(reduced), difference(noisy) - 6)
  })

  it("leaves sound without noise as it is", () => {
    const clean = tone(0)
    const reduced = reduce(clean)
    for (let index = from; index < to; index++) assert.closeTo(reduced[index], clean[index], 0.01)
    assert.isTrue(reduced.subarray(0, from - 256).every((sample) => sample === 0))
  })

  it("leaves silence silent", () => assert.deepStrictEqual(reduce(new Float32Array(2000)), new Float32Array(2000)))

  it.prop("gives as many samples as it takes, and the same ones for any pieces", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))).check(Schema.isMaxLength(30)),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))
  ], ([cuts, length]) => {
    const sound = tone(0.05).subarray(2000, 2000 + length)
    const [whole, pieces] = [reduce(sound), reduce(sound, cuts)]
    assert.strictEqual(whole.length, length)
    assert.deepStrictEqual(pieces, whole)
  })
})
