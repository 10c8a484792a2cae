import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { weakness } from "../../../src/config/GuessableKeys.ts"

describe("a key that can be guessed", () => {
  it.each([
    ["a", "placeholder|shorter"],
    ["hunter2", "shorter"],
    ["21-random-characters!", "shorter"],
    ["replace-me-with-a-long-random-secret", "example"],
    ["please-change-me-before-you-go-live", "placeholder"],
    ["changeme_changeme_changeme_1", "placeholder"],
    ["your-own-api-key-goes-in-here", "placeholder"],
    ["<paste the key of the service here>", "placeholder"],
    ["${THE_KEY_THAT_WAS_NEVER_SET}", "placeholder"],
    ["this-is-my-very-long-password", "placeholder"],
    ["this-is-my-very-long-secret-123", "placeholder"],
    ["a".repeat(64), "over and over"],
    ["ab".repeat(20), "over and over"],
    ["0123456789".repeat(3), "over and over"],
    ["correct horse correct horse correct", "over and over"],
    ["11112222333344445555111122", "over and over"],
    ["abcdefghijklmnopqrstuvwxyz", "sequence"],
    ["zyxwvutsrqponmlkjihgfedcba", "sequence"]
  ])("%j is one: %s", (key, why) => {
    assert.match(weakness(key) ?? "", new RegExp(why))
  })

  it("is never a random key, in hex or base64", () => {
    for (let times = 0; times < 2000; times++) {
      const bytes = randomBytes(24)
      for (const encoding of ["hex", "base64", "base64url"] as const) {
        const key = bytes.toString(encoding)
        assert.isUndefined(weakness(key), key)
        assert.isUndefined(weakness(key.slice(0, 22)), key)
      }
    }
    assert.isUndefined(weakness("correct horse battery staple"))
  })
})
