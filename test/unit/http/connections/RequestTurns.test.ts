import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FailedAddresses from "../../../../src/http/connections/FailedAddresses.ts"
import * as RequestTurns from "../../../../src/http/connections/RequestTurns.ts"

/** Makes steps that each take 1 ms of a fake clock, and records which steps ran in which turn of the event loop. */
const make = () => {
  let now = 0
  let turn = 0
  const ran: Array<Array<string>> = []
  const turns = RequestTurns.make(() => now, 4)
  const step = (name: string) => () => {
    now++
    while (ran.length <= turn) ran.push([])
    ran[turn].push(name)
  }
  /** Waits until all steps have run. Returns the steps of each turn of the event loop. */
  const settle = Effect.callback<ReadonlyArray<ReadonlyArray<string>>>((resume) => {
    const next = () => {
      turn++
      if (turns.waiting() === 0) resume(Effect.succeed(ran.filter((steps) => steps.length > 0)))
      else setImmediate(next)
    }
    setImmediate(next)
  })
  return { turns, step, settle }
}

describe("steps of requests", () => {
  it.live("are run some ms at a time, so that the event loop serves calls in between", () =>
    Effect.gen(function*() {
      const { settle, step, turns } = make()
      const key = {}
      for (let index = 0; index < 100; index++) turns.run(key, step(`${index}`))
      const ran = yield* settle
      assert.isAtLeast(ran.length, 24)
      for (const steps of ran) assert.isAtMost(steps.length, 5)
      assert.deepStrictEqual(ran.flat(), Array.from({ length: 100 }, (_, index) => `${index}`))
    }))

  it.live("of one connection do not keep another connection waiting", () =>
    Effect.gen(function*() {
      const { settle, step, turns } = make()
      const flood = {}
      for (let index = 0; index < 1000; index++) turns.run(flood, step("flood"))
      turns.run({}, step("Twilio"))
      assert.strictEqual((yield* settle).flat().indexOf("Twilio"), 1)
    }))

  it.live("of an address that has failed run last", () =>
    Effect.gen(function*() {
      const { settle, step, turns } = make()
      turns.run({}, step("stranger"), true)
      for (let index = 0; index < 10; index++) turns.run({}, step("Twilio"))
      assert.deepStrictEqual((yield* settle).flat(), [...Array.from({ length: 10 }, () => "Twilio"), "stranger"])
    }))

  it.live("of an address that has failed run although other addresses' steps go on and on", () =>
    Effect.gen(function*() {
      const { settle, step, turns } = make()
      let left = 400
      const again = () => {
        step("other")()
        if (--left > 0) turns.run({}, again)
      }
      for (let index = 0; index < 8; index++) turns.run({}, again)
      for (let index = 0; index < 12; index++) turns.run({}, step("Twilio, at a stranger's address"), true)
      const ran = (yield* settle).flat()
      assert.isBelow(ran.lastIndexOf("Twilio, at a stranger's address"), 100)
    }))
})

describe("addresses with failed signatures", () => {
  it("come last after twenty failures, until one signature is right", () => {
    const failures = FailedAddresses.make()
    for (let index = 0; index < 19; index++) failures.add("192.0.2.1")
    assert.isFalse(failures.hasManyFailures("192.0.2.1"))
    failures.add("192.0.2.1")
    assert.isTrue(failures.hasManyFailures("192.0.2.1"))
    assert.isFalse(failures.hasManyFailures("192.0.2.2"))
    failures.forget("192.0.2.1")
    assert.isFalse(failures.hasManyFailures("192.0.2.1"))
  })

  it("are bounded in number: the address that failed longest ago is forgotten", () => {
    const failures = FailedAddresses.make(3)
    for (let index = 0; index < 20; index++) failures.add("often")
    for (const address of ["a", "b"]) failures.add(address)
    failures.add("often")
    failures.add("c")
    assert.strictEqual(failures.size(), 3)
    assert.isTrue(failures.hasManyFailures("often"))
  })
})
