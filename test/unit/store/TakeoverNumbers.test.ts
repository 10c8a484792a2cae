/**
 * The first numbers of a process that does not know which numbers other processes have used.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TakeoverNumbers from "../../../src/store/TakeoverNumbers.ts"
import { turnsPerCall } from "../../../src/store/migrations/Tables.ts"

const Now = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))
const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 600 }))

describe("the first numbers of a process that takes a call over", () => {
  it.prop("fit into file names, the turns of a call, and nine digits", [Now], ([now]) => {
    const [part, turn, event] = [TakeoverNumbers.partAt(now), TakeoverNumbers.turnAt(now), TakeoverNumbers.eventAt(now)]
    assert.isTrue(part >= 10_000 && part + 1000 <= 99_999, `part ${part}`)
    assert.isTrue(turn >= 10_000 && turn + 5000 <= turnsPerCall, `turn ${turn}`)
    assert.isTrue(event >= 1_000_000 && event + 10_000_000 <= 999_999_999, `event ${event}`)
  })

  it.prop("rise by ten parts, ten turns and a hundred events a second, until they start again", [Now, Seconds], ([now, seconds]) => {
    const risen = (numberAt: (now: number) => number) => numberAt(now + 1000 * seconds) - numberAt(now)
    assert.include([10 * seconds, 10 * seconds - 80_000], risen(TakeoverNumbers.partAt))
    assert.include([10 * seconds, 10 * seconds - 50_000], risen(TakeoverNumbers.turnAt))
    assert.include([100 * seconds, 100 * seconds - 900_000_000], risen(TakeoverNumbers.eventAt))
  })
})
