import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Schedule from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerSchedule.ts"

const utterance = (name: string, left: number, isAsked: boolean) => ({ name, left, isAsked })

describe("the utterance that is decoded next", () => {
  it("is one whose words somebody waits for, before all others", () =>
    assert.strictEqual(Schedule.next([utterance("long", 480_000, false), utterance("asked", 8000, true)])?.name, "asked"))

  it("is the shortest of those whose words somebody waits for", () =>
    assert.strictEqual(
      Schedule.next([utterance("long", 20_000, true), utterance("short", 160, true), utterance("as short", 160, true)])?.name,
      "short"
    ))

  it("may be decoded already, if somebody still waits for its words", () =>
    assert.strictEqual(Schedule.next([utterance("sound", 160, true), utterance("decoded", 0, true)])?.name, "decoded"))

  it("is the oldest if nobody waits", () =>
    assert.strictEqual(Schedule.next([utterance("heard", 0, false), utterance("first", 9000, false), utterance("second", 160, false)])?.name, "first"))

  it("is none if all are decoded and nobody waits", () => {
    assert.isUndefined(Schedule.next([]))
    assert.isUndefined(Schedule.next([utterance("heard", 0, false)]))
  })

  const Utterances = Schema.Array(Schema.Struct({ left: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })), isAsked: Schema.Boolean }))

  it.prop("exists as long as somebody waits or sound is left", [Utterances], ([utterances]) => {
    const next = Schedule.next(utterances)
    assert.strictEqual(next !== undefined, utterances.some(({ isAsked, left }) => isAsked || left > 0))
    assert.isTrue(next === undefined || next.isAsked || utterances.every(({ isAsked }) => !isAsked))
  })
})
