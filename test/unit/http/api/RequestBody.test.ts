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

  it("fails with NotJson if it is not JSON", () => {
    const parsed = RequestBody.parse("{\"to\":")
    assert.strictEqual(Result.isFailure(parsed) ? parsed.failure._tag : undefined, "NotJson")
  })
})
