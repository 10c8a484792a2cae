import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Cursor from "../../../../../src/http/api/history/Cursor.ts"

const position = { startedAt: 1_780_000_000_123, callSid: `CA${"1".repeat(32)}` }
const cursors = Cursor.make("secret")
const cursor = cursors.write(position, "[]")

describe("a cursor of the list", () => {
  it.prop(
    "gives the position that it was written for, in every process with the same secret",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 })), Schema.String.check(Schema.isMaxLength(100))],
    ([startedAt, filters]) => {
      const given = { ...position, startedAt }
      const written = Cursor.make("secret").write(given, filters)
      assert.match(written, /^[\w-]+$/)
      assert.deepStrictEqual(cursors.read(written, filters), Option.some(given))
    }
  )

  it("is refused with other filters, and by a service of another secret", () => {
    assert.deepStrictEqual(cursors.read(cursor, "[[\"agent\",\"sales\"]]"), Option.none())
    assert.deepStrictEqual(Cursor.make("other").read(cursor, "[]"), Option.none())
  })

  it("is refused when any byte of it was changed", () => {
    const bytes = Buffer.from(cursor, "base64url")
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] ^= 1
      assert.deepStrictEqual(cursors.read(changed.toString("base64url"), "[]"), Option.none(), `byte ${at}`)
    }
  })

  it.each(["", "x", "made-up", cursor.slice(0, 20), cursor.slice(0, -4), `${cursor}${cursor}`, "A".repeat(10_000)])("can't be %j", (text) => {
    assert.deepStrictEqual(cursors.read(text, "[]"), Option.none())
  })
})
