import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CircuitBreaker from "../../../../src/engines/failover/CircuitBreaker.ts"

const broken: CircuitBreaker.Failure = { isUnreachable: false, retryAfter: undefined }
const unreachable: CircuitBreaker.Failure = { isUnreachable: true, retryAfter: undefined }
const busy = (retryAfter: number): CircuitBreaker.Failure => ({ isUnreachable: false, retryAfter })

const failing = (failures: ReadonlyArray<CircuitBreaker.Failure>, isAlone: boolean, from = 0) =>
  failures.reduce((circuit, failure, index) => CircuitBreaker.failed(circuit, from + index, failure, isAlone), CircuitBreaker.closed)

const admitted = (circuit: CircuitBreaker.CircuitBreaker, now: number, isLastResort = false) => CircuitBreaker.admit(circuit, now, isLastResort)[0]

describe("the circuit of an engine with a fallback", () => {
  it("opens at the third failure in a row, for 5, 10, 20, then 30 s", () => {
    let circuit = failing([broken, broken], false)
    assert.strictEqual(admitted(circuit, 2)._tag, "Go")
    let now = 1000
    for (const seconds of [5, 10, 20, 30, 30]) {
      circuit = CircuitBreaker.failed(circuit, now, broken, false)
      assert.deepStrictEqual(admitted(circuit, now), { _tag: "Wait", millis: seconds * 1000, isRequestedByServer: false })
      now += seconds * 1000
      assert.deepStrictEqual(admitted(circuit, now), { _tag: "Go", isTrial: true })
    }
    assert.deepStrictEqual(admitted(CircuitBreaker.succeeded, now), { _tag: "Go", isTrial: false })
  })

  it("opens once for many requests that fail together", () => {
    const circuit = failing(Array.from({ length: 50 }, () => broken), false)
    assert.isFalse(CircuitBreaker.isOpen(circuit, 5100))
  })

  it("lets one request try after the pause; the others wait until that one has ended", () => {
    const open = failing([broken, broken, broken], false)
    const [first, tried] = CircuitBreaker.admit(open, 6000, false)
    assert.deepStrictEqual(first, { _tag: "Go", isTrial: true })
    assert.strictEqual(admitted(tried, 60_000)._tag, "Wait")
    assert.deepStrictEqual(admitted(CircuitBreaker.trialInterrupted(tried), 60_000), { _tag: "Go", isTrial: true })
    assert.deepStrictEqual(admitted(CircuitBreaker.failed(tried, 7000, broken, false), 7000), { _tag: "Wait", millis: 10_000, isRequestedByServer: false })
  })

  it("opens at once, for as long as the server asks, but for a minute at most", () => {
    for (const [asked, given] of [[300, 300], [5000, 5000], [3_600_000, 60_000]]) {
      const circuit = failing([busy(asked)], false)
      assert.deepStrictEqual(admitted(circuit, 0, true), { _tag: "Wait", millis: given, isRequestedByServer: true })
      assert.strictEqual(admitted(circuit, given, true)._tag, "Go")
    }
  })

  it("lets a request through when other engines have had their chance", () => {
    assert.strictEqual(admitted(failing([broken, broken, broken], false), 10, true)._tag, "Go")
  })

  it("takes no probe within a pause, unless the server can't be reached", () => {
    assert.isFalse(CircuitBreaker.takesProbe(failing([broken, broken, broken], false), 1000))
    assert.isTrue(CircuitBreaker.takesProbe(failing([unreachable, unreachable, unreachable], false), 1000))
    assert.isFalse(CircuitBreaker.takesProbe(failing([busy(5000)], false), 1000))
  })

  it("pauses for longer if requests fail again after a probe has succeeded", () => {
    const found = CircuitBreaker.probeSucceeded(failing([broken, broken, broken], false))
    const again = [1, 2, 3].reduce((circuit, at) => CircuitBreaker.failed(circuit, 6000 + at, broken, false), found)
    assert.deepStrictEqual(admitted(again, 6003), { _tag: "Wait", millis: 10_000, isRequestedByServer: false })
  })
})

describe("the circuit of the only engine", () => {
  const Kind = Schema.Literals(["broken", "busy"])

  it.prop("lets every request through while the server answers, even with errors", [Schema.Array(Kind)], ([kinds]) => {
    const circuit = failing(kinds.map((kind) => kind === "broken" ? broken : busy(5000)), true)
    assert.deepStrictEqual(admitted(circuit, kinds.length), { _tag: "Go", isTrial: false })
  })

  it("has short pauses while the engine can't be reached, and then lets one request try", () => {
    let circuit = CircuitBreaker.closed
    let now = 0
    for (const pause of [250, 500, 1000, 1000, 1000]) {
      circuit = CircuitBreaker.failed(circuit, now, unreachable, true)
      assert.deepStrictEqual(admitted(circuit, now), { _tag: "Wait", millis: pause, isRequestedByServer: false })
      now += pause
    }
    const [trial, tried] = CircuitBreaker.admit(circuit, now, false)
    assert.deepStrictEqual(trial, { _tag: "Go", isTrial: true })
    assert.strictEqual(admitted(tried, now + 100)._tag, "Wait")
    // The connection was not refused: the server is back, though its answer takes longer.
    assert.deepStrictEqual(admitted(tried, now + 300), { _tag: "Go", isTrial: false })
  })
})
