import { assert, describe, it } from "@effect/vitest"
import { KeyGuesses, maxAddresses } from "../../../../../src/http/api/key/KeyGuesses.ts"

const times = (count: number, run: () => number): ReadonlyArray<number> => Array.from({ length: count }, run)

describe("wrong keys from one address", () => {
  it("cause no wait for ten times in a minute, then a wait that doubles up to an hour", () => {
    const guesses = new KeyGuesses()
    assert.deepStrictEqual(times(10, () => guesses.countWrongKey("192.0.2.1", 0)), times(10, () => 0))
    let now = 1000
    const waits: Array<number> = []
    for (let round = 0; round < 12; round++) {
      const wait = guesses.countWrongKey("192.0.2.1", now)
      waits.push(wait / 1000)
      // A key that comes during a wait neither shortens nor lengthens the wait.
      assert.strictEqual(guesses.countWrongKey("192.0.2.1", now + 400), wait - 400)
      now += wait
    }
    assert.deepStrictEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600])
  })

  it("are forgotten after a minute, and after a wait and another minute without a wrong key", () => {
    const guesses = new KeyGuesses()
    for (let minute = 0; minute < 5; minute++) {
      assert.deepStrictEqual(times(10, () => guesses.countWrongKey("192.0.2.1", minute * 60_000)), times(10, () => 0))
    }
    assert.strictEqual(guesses.countWrongKey("192.0.2.1", 240_001), 10_000)
    assert.strictEqual(guesses.countWrongKey("192.0.2.1", 240_001 + 10_000 + 10_000 + 60_000), 0)
  })

  it("do not count for another address, except in the same /64 network of IPv6", () => {
    const guesses = new KeyGuesses()
    times(11, () => guesses.countWrongKey("192.0.2.1", 0))
    assert.strictEqual(guesses.countWrongKey("192.0.2.2", 0), 0)
    times(11, () => guesses.countWrongKey("2001:db8:0:1::1", 0))
    for (const same of ["2001:db8:0:1::2", "2001:0DB8:0000:0001:a:b:c:d", "2001:db8:0:1:ffff::"]) {
      assert.strictEqual(guesses.countWrongKey(same, 0), 10_000, same)
    }
    for (const other of ["2001:db8:0:2::1", "2001:db8::1", "::1"]) assert.strictEqual(guesses.countWrongKey(other, 0), 0, other)
  })

  it("are counted for a bounded number of addresses, the latest ones", () => {
    const guesses = new KeyGuesses()
    times(11, () => guesses.countWrongKey("192.0.2.1", 0))
    for (let address = 0; address < 3 * maxAddresses; address++) {
      guesses.countWrongKey(`10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`, 1)
      if (address % 1000 === 0) assert.isAbove(guesses.countWrongKey("192.0.2.1", 1), 0)
      assert.isAtMost(guesses.size, maxAddresses)
    }
  })
})
