import { assert, describe, it } from "@effect/vitest"
import * as Pcm from "../../../../src/audio/Pcm.ts"
import * as Resumptions from "../../../../src/simulator/report/Resumptions.ts"
import { SimulatedCallEvent } from "../../../../src/simulator/report/SimulatedCallEvent.ts"

const { Status, StreamEnded, StreamStarted } = SimulatedCallEvent
const streamSid = `MZ${"1".repeat(32)}`
const started = (at: number) => StreamStarted({ at, streamSid, parameters: {} })
const lost = (at: number, why: "fault" | "connectionLost" | "callerHungUp" = "fault") => StreamEnded({ at, streamSid, why, code: undefined })
const answered = Status({ at: 500, status: "in-progress" })

/** Sound of `length` ms from the call's answer on, which is loud in each stretch. */
const sound = (length: number, ...stretches: ReadonlyArray<readonly [from: number, to: number]>) => {
  const pcm = new Int16Array(length * 8)
  for (const [from, to] of stretches) for (let index = from * 8; index < to * 8; index++) pcm[index] = index % 2 === 0 ? 4000 : -4000
  return Pcm.of(8000, pcm)
}

describe("the silence when a stream is lost", () => {
  it("is from the last sound before the loss to the first sound after it", () => {
    const events = [answered, started(510), lost(2500), started(2600), lost(9000, "callerHungUp")]
    assert.deepStrictEqual(Resumptions.resumptions(events, sound(8000, [100, 1000], [1200, 1990], [2900, 4000])), [
      { lostAt: 2000, silence: 910, sinceLoss: 900 }
    ])
  })

  it("is counted for each loss, also when no sound came between two losses", () => {
    const events = [answered, started(510), lost(2500, "connectionLost"), started(2600), lost(3500), started(3700), lost(9000, "callerHungUp")]
    assert.deepStrictEqual(Resumptions.resumptions(events, sound(8000, [100, 1500], [3300, 4000])), [
      { lostAt: 2000, silence: undefined, sinceLoss: undefined },
      { lostAt: 3000, silence: 1800, sinceLoss: 300 }
    ])
  })

  it("is not counted if the call ended with the stream", () => {
    assert.deepStrictEqual(Resumptions.resumptions([answered, started(510), lost(2500)], sound(3000, [100, 1500])), [])
    assert.deepStrictEqual(Resumptions.resumptions([], sound(10)), [])
  })

  it("is reported in a sentence", () => {
    assert.deepStrictEqual(Resumptions.describe([{ lostAt: 2000, silence: 910, sinceLoss: 900 }, { lostAt: 3000, silence: undefined, sinceLoss: undefined }]), [
      "The stream was lost at 2.0 s:      910 ms without a sound, 900 ms of them after the loss",
      "The stream was lost at 3.0 s:      nothing was heard from then on"
    ])
  })
})

describe("the time without a stream", () => {
  const events = [answered, started(510), lost(2500), started(2600), lost(3500, "connectionLost")]

  it("is from a loss to the next stream, if there is one", () => {
    assert.deepStrictEqual(Resumptions.gaps(events), [{ from: 2000, to: 2100 }, { from: 3000, to: Infinity }])
    assert.deepStrictEqual(Resumptions.gaps([answered, started(510), lost(9000, "callerHungUp")]), [])
  })

  it("does not mix the frames of one stream with those of the next", () => {
    const sentAt = [1900, 1920, 1940, 2120, 2140]
    const arrivals = [1925, 1945, 2150, 2170].map((at) => ({ at }))
    assert.deepStrictEqual(Resumptions.roundTrips({ sentAt, arrivals }, Resumptions.gaps(events)), [25, 25, 30, 30])
    assert.deepStrictEqual(Resumptions.roundTrips({ sentAt, arrivals }, []), [25, 25, 210, 50])
  })
})
