import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"
import { overheadBytes, Sealing } from "../../../../src/store/encryption/Sealing.ts"

const keyOf = (id: string, byte: number) => ({ id, key: Redacted.make(new Uint8Array(32).fill(byte)) })
const sealingOf = (...keys: ReadonlyArray<ReturnType<typeof keyOf>>) => Effect.runSync(Effect.provide(Effect.map(Sealing, (sealing) => sealing), Sealing.layerOf(keys)))

const now = keyOf("2026", 1)
const before = keyOf("2025", 2)

describe("Sealing", () => {
  it.prop("opens what it sealed, at its place", [Schema.String, Schema.Array(Schema.Int), Schema.String], ([text, numbers, place]) => {
    const { openBlock, openText, sealer } = sealingOf(now)
    const block = Uint8Array.from(numbers)
    // A lone surrogate can't be written in UTF-8, and no database stores it.
    assert.deepStrictEqual(openText(sealer!.sealText(text, place), place), Result.succeed(text.toWellFormed()))
    const sealed = sealer!.sealBlock(block, place)
    assert.strictEqual(sealed.length, block.length + overheadBytes)
    assert.deepStrictEqual(Result.map(openBlock(sealed, place, "2026"), (plain) => [...plain]), Result.succeed([...block]))
  })

  it("does not open texts that were moved or changed", () => {
    const { openBlock, openText, sealer } = sealingOf(now)
    const text = sealer!.sealText("my number is 12", "CA1/turns")
    assert.strictEqual(Result.isFailure(openText(text, "CA2/turns")), true)
    const block = sealer!.sealBlock(new Uint8Array(100), "file/0")
    for (let at = 0; at < block.length; at += 7) {
      const changed = Uint8Array.from(block)
      changed[at] ^= 1
      assert.strictEqual(Result.isFailure(openBlock(changed, "file/0", "2026")), true)
    }
    assert.strictEqual(Result.isFailure(openBlock(block.subarray(0, 20), "file/0", "2026")), true)
  })

  it("seals the same text differently each time, and shows no part of it", () => {
    const { sealer } = sealingOf(now)
    const texts = Array.from({ length: 50 }, () => sealer!.sealText("my card number", "CA1/turns"))
    assert.strictEqual(new Set(texts).size, 50)
    for (const text of texts) assert.notInclude(text, "card")
  })

  it("seals with the first key, and opens older texts by their key's id", () => {
    const old = sealingOf(before).sealer!.sealText("hello", "place")
    const rotated = sealingOf(now, before)
    assert.deepStrictEqual(rotated.openText(old, "place"), Result.succeed("hello"))
    assert.include(rotated.sealer!.sealText("hello", "place"), ":2026:")
    const missing = sealingOf(now).openText(old, "place")
    assert.deepStrictEqual(Result.isFailure(missing) && [missing.failure.why, missing.failure.keyId], ["keyMissing", "2025"])
  })

  it("returns texts unchanged that were stored before there was a key", () => {
    assert.deepStrictEqual(sealingOf(now).openText("hello", "place"), Result.succeed("hello"))
    assert.strictEqual(sealingOf().sealer, undefined)
  })
})
