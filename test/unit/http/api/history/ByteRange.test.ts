import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ByteRange from "../../../../../src/http/api/history/ByteRange.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))

describe("a range of bytes", () => {
  it.each([
    ["bytes=0-0", { from: 0, to: 1 }],
    ["bytes=10-19", { from: 10, to: 20 }],
    [" bytes=10-19 ", { from: 10, to: 20 }],
    ["bytes=90-", { from: 90, to: 100 }],
    ["bytes=90-5000", { from: 90, to: 100 }],
    ["bytes=-10", { from: 90, to: 100 }],
    // More than there is, from the end: all of it.
    ["bytes=-5000", { from: 0, to: 100 }],
    ["bytes=100-", "none"],
    ["bytes=100-200", "none"],
    ["bytes=-0", "none"],
    ["bytes=999999999999999-", "none"],
    // No range of RFC 9110: it is ignored.
    [undefined, "all"],
    ["", "all"],
    ["bytes=-", "all"],
    ["bytes=20-10", "all"],
    ["bytes=0-10,20-30", "all"],
    ["bytes=1.5-3", "all"],
    ["bytes=+1-3", "all"],
    ["items=0-10", "all"],
    ["bytes=9999999999999999-", "all"]
  ] as const)("%j of a hundred bytes", (header, expected) => {
    assert.deepStrictEqual(ByteRange.read(header, 100), expected)
  })

  it.prop("never goes beyond the file, and has at least one byte", [Size, Size, Size], ([first, last, length]) => {
    for (const header of [`bytes=${first}-${last}`, `bytes=${first}-`, `bytes=-${last + 1}`]) {
      const range = ByteRange.read(header, length + 1)
      if (range === "all" || range === "none") continue
      assert.isAtLeast(range.from, 0)
      assert.isBelow(range.from, range.to)
      assert.isAtMost(range.to, length + 1)
    }
  })
})
