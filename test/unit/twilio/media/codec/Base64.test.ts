import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Base64 from "../../../../../src/twilio/media/codec/Base64.ts"

const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(Schema.isMaxLength(400))

describe("base64", () => {
  it.prop("is written and read as by Node, in the middle of other bytes", [Bytes, Bytes], ([before, values]) => {
    const bytes = Buffer.from([...before, ...values, 7])
    const text = Buffer.from(values).toString("base64")
    assert.strictEqual(Base64.encodedLength(values.length), text.length)
    const out = Buffer.alloc(before.length + text.length + 1, "#")
    Base64.write(bytes, before.length, before.length + values.length, out, before.length)
    assert.strictEqual(out.toString("latin1"), `${"#".repeat(before.length)}${text}#`)
    assert.deepStrictEqual([...Base64.read(out, before.length, before.length + text.length) ?? []], [...values])
  })

  it.each(["A", "AA", "AAA", "A===", "====", "AA==AAEC", "AAE\u00e4", "-_-_", "AAE "])("is not %j", (text) => {
    const bytes = Buffer.from(text, "latin1")
    assert.isUndefined(Base64.read(bytes, 0, bytes.length))
  })
})
