import { assert, it } from "@effect/vitest"
import * as ByteRange from "../../../../../src/http/api/history/ByteRange.ts"

/** The range of a file of 1000 bytes that a header asks for, as `first-last`. */
const bytes = (header: string) => {
  const range = ByteRange.read(header, 1000)
  return typeof range === "string" ? range : `${range.from}-${range.to - 1}`
}

it.each([
  ["bytes=0-0", "0-0"],
  ["bytes=100-199", "100-199"],
  ["bytes=999-", "999-999"],
  ["bytes=-1", "999-999"],
  ["bytes=-5000", "0-999"],
  ["bytes=0-5000", "0-999"],
  ["bytes=0-99999999999999999999", "0-999"],
  [`bytes=0-${"9".repeat(400)}`, "0-999"],
  ["Bytes=0-1", "0-1"],
  [" bytes=0-1 ", "0-1"]
])("%s of 1000 bytes is the range %s", (header, expected) => assert.strictEqual(bytes(header), expected))

it.each(["bytes=1000-", "bytes=1000-1001", "bytes=99999999999999999999-", `bytes=${"9".repeat(400)}-`, "bytes=-0"])("%s is outside of 1000 bytes", (header) =>
  assert.strictEqual(bytes(header), "none"))

it.each(["bytes=0-0,5-9", "bytes=5-2", "bytes=-", "bytes=", "bytes=a-b", "bytes=0 - 1", "bytes = 0-1", "bits=0-1", "0-1", ""])("%j is no single range, so all bytes are sent", (header) =>
  assert.strictEqual(bytes(header), "all"))
