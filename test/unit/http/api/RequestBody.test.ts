import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as RequestBody from "../../../../src/http/api/RequestBody.ts"

describe("the body of a request", () => {
  it.each(["", " \r\n", "null", "{}", " { } ", "\ufeff{}"])("%j is empty", (text) => {
    assert.isTrue(RequestBody.isEmpty(Result.getOrThrow(RequestBody.parse(text))))
  })

  it.each(["[]", "\"\"", "0", "false", "{\"to\":null}"])("%j is not empty", (text) => {
    assert.isFalse(RequestBody.isEmpty(Result.getOrThrow(RequestBody.parse(text))))
  })

  const whyUnreadable = (text: string) => Result.getOrUndefined(Result.flip(RequestBody.parse(text)))?.why

  it("is refused if it is not JSON", () => assert.strictEqual(whyUnreadable("{\"to\":"), "notJson"))

  it.each([["[", "]"], ["{\"a\":", "}"]])("is refused if it is nested too deeply: %s", (open, close) => {
    const nested = (levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`
    assert.isUndefined(whyUnreadable(nested(64)))
    for (const levels of [65, 8000]) assert.strictEqual(whyUnreadable(nested(levels)), "tooDeep")
    // Brackets in texts do not nest, and neither do brackets side by side.
    for (const text of [JSON.stringify("[".repeat(1000)), JSON.stringify({ "\"[\\": "{".repeat(1000) }), `[${"[],".repeat(1000)}[]]`]) assert.isUndefined(whyUnreadable(text))
  })
})
