import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Pcm } from "../../../../src/audio/Pcm.ts"
import * as EnergyGate from "../../../../src/conversation/listen/EnergyGate.ts"
import * as Sounds from "../../../support/conversation/Sounds.ts"

const windowMillis = 32

/** The gate's decision about each window. */
const look = (sound: Pcm<8000>, gate = EnergyGate.make()) =>
  Sounds.windows(sound).map((window) => ({
    isOpen: gate.push(window),
    isLoud: gate.isLoud(),
    first: gate.soundStart(),
    last: gate.soundEnd()
  }))

/** How long (ms) noise of this level counts as sound when it begins after silence. */
const adaptedAfter = (dBFS: number) => {
  const looks = look(Sounds.join(Sounds.silence(320), Sounds.noise(20_000, dBFS)))
  return looks.findLastIndex(({ last }) => last > 0) * windowMillis - 320
}

/** Samples in 4 ms, the resolution of a sound's beginning and end. */
const stepLength = 32

describe("the gate", () => {
  it("is closed in silence and in a line's hiss", () => {
    for (const sound of [Sounds.silence(2000), Sounds.noise(2000, -62)]) {
      assert.isFalse(look(Sounds.overTheLine(sound)).some(({ isLoud, isOpen }) => isOpen || isLoud))
    }
  })

  it("opens with the first window of a voice, and stays open for the soft ends of words", () => {
    const looks = look(Sounds.join(Sounds.silence(320), Sounds.speechLike(160, -20), Sounds.silence(2000)))
    const open = looks.flatMap(({ isOpen }, index) => (isOpen ? [index] : []))
    assert.strictEqual(open[0], 10)
    assert.strictEqual(open.length, 5 + 12)
    assert.strictEqual(open.at(-1), open[0] + open.length - 1)
  })

  it("is open during a recorded sentence, and closed in the silence after it", () => {
    const looks = look(Sounds.join(Sounds.recorded, Sounds.silence(3000)))
    for (const [index, window] of Sounds.windows(Sounds.recorded).entries()) {
      if (Sounds.level(window) > -40) assert.isTrue(looks[index].isOpen, String(index))
    }
    assert.isFalse(looks.slice(-60).some(({ isOpen }) => isOpen))
  })

  it("finds the beginning and the end of a sound in a window, to within 4 ms", () => {
    const quiet = Sounds.silence(32)
    const window = quiet.slice()
    window.set(Sounds.noise(8, -20), 70)
    const [, look1] = look(Sounds.join(quiet, window))
    // The 64 samples from 70 on lie within the 32-sample steps from 64 to 160.
    assert.deepStrictEqual([look1.first, look1.last], [64, 160])
    assert.deepStrictEqual(look(quiet).map(({ first, last }) => [first, last]), [[256, 0]])
  })

  it("adapts to a steady noise by 3 dB a second", () => {
    const quiet = adaptedAfter(-50)
    const loud = adaptedAfter(-44)
    assert.isAbove(quiet, 3000)
    assert.closeTo(loud - quiet, 2000, 300)
  })

  it("does not adapt to a voice, which has gaps between words", () => {
    const looks = look(Sounds.join(Sounds.silence(320), Sounds.speechLike(30_000, -24)))
    const late = looks.slice(-300)
    assert.isAbove(late.filter(({ isOpen }) => isOpen).length, 290)
    assert.isAbove(late.filter(({ isLoud }) => isLoud).length, 150)
  })

  it("opens for a voice 10 dB above a noise to which it has adapted", () => {
    const before = 12_000
    const noise = Sounds.noise(before + 3000, -40)
    const looks = look(Sounds.mix(noise, Sounds.later(Sounds.speechLike(1500, -30), before)))
    const [from, to] = [before / windowMillis, (before + 1500) / windowMillis]
    assert.isFalse(looks[from - 1].isOpen)
    assert.isAbove(looks.slice(from, to).filter(({ last }) => last > 0).length, 20)
  })

  it("adapts to silence at once when a noise ends", () => {
    const gate = EnergyGate.make()
    look(Sounds.noise(12_000, -30), gate)
    look(Sounds.silence(32), gate)
    assert.isTrue(look(Sounds.noise(32, -45), gate)[0].isLoud)
  })
})

const Level = Schema.Int.check(Schema.isBetween({ minimum: -90, maximum: -3 }))

describe("for any sound", () => {
  it.prop("loud windows have sound, windows with sound open the gate, and a sound's beginning is before its end", [
    Schema.Array(Schema.Tuple([Level, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))])).check(Schema.isMinLength(1), Schema.isMaxLength(12))
  ], ([pieces]) => {
    const sound = Sounds.join(...pieces.map(([dBFS, length], seed) => Sounds.noise(length * 8, dBFS, seed + 1)))
    for (const { first, isLoud, isOpen, last } of look(sound)) {
      if (isLoud) assert.isAbove(last, 0)
      if (last > 0) assert.isTrue(isOpen)
      assert.strictEqual(last === 0, first === 256)
      if (last > 0) assert.isBelow(first, last)
      assert.strictEqual(first % stepLength + last % stepLength, 0)
    }
  })
})
