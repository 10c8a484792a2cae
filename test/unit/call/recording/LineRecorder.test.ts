import { assert, describe, it } from "@effect/vitest"
import * as LineRecorder from "../../../../src/call/recording/LineRecorder.ts"

const beginsAt = 5000
const frame = (value: number, frames = 1) => new Uint8Array(160 * frames).fill(value)

/** A recorder whose sound is collected; `heard` gives a channel's value in the middle of each 20 ms. */
const setUp = ({ backlog }: { readonly backlog: number | undefined } = { backlog: 6000 }) => {
  let now = beginsAt
  const recorder = LineRecorder.make({ beginsAt, now: () => now, backlog })
  const bytes: Array<number> = []
  const collect = ({ silentBytes, sound }: ReturnType<typeof recorder.take>) => {
    for (let at = 0; at < silentBytes; at++) bytes.push(255)
    for (const byte of sound) bytes.push(byte)
  }
  const runs = (channel: 0 | 1) => {
    const values: Array<[value: number, frames: number]> = []
    for (let at = 80; at < bytes.length / 2; at += 160) {
      const last = values.at(-1)
      const value = bytes[2 * at + channel]
      if (last?.[0] === value) last[1]++
      else values.push([value, 1])
    }
    return values
  }
  return {
    recorder,
    passTo: (millis: number) => {
      now = beginsAt + millis
      collect(recorder.take(now))
    },
    at: (millis: number) => {
      now = beginsAt + millis
    },
    finish: (millis: number) => recorder.finish(beginsAt + millis).forEach(collect),
    seconds: () => bytes.length / 16_000,
    caller: () => runs(0),
    agent: () => runs(1)
  }
}

describe("LineRecorder", () => {
  it("puts the caller left and the agent right, each at its time", () => {
    const { agent, caller, finish, recorder } = setUp()
    recorder.onCallerSound(frame(1, 10))
    recorder.onAgentSound(frame(2, 5), beginsAt + 400)
    recorder.onCallerSound(frame(3, 40))
    finish(1000)
    assert.deepStrictEqual(caller(), [[1, 10], [3, 40]])
    assert.deepStrictEqual(agent(), [[255, 20], [2, 5], [255, 25]])
  })

  it("leaves out what a clear cut", () => {
    const { agent, finish, recorder } = setUp()
    recorder.onAgentSound(frame(2, 10), beginsAt)
    recorder.onAgentSound(frame(2, 10), beginsAt + 200)
    recorder.onClear(beginsAt + 240)
    recorder.onAgentSound(frame(4, 3), beginsAt + 300)
    finish(500)
    assert.deepStrictEqual(agent(), [[2, 12], [255, 3], [4, 3], [255, 7]])
  })

  it("leaves out sound that was sent but not played before the stream's end", () => {
    const { agent, finish, recorder, seconds } = setUp()
    recorder.onAgentSound(frame(2, 50), beginsAt)
    finish(400)
    assert.deepStrictEqual(agent(), [[2, 20]])
    assert.strictEqual(seconds(), 0.4)
  })

  it("joins sound whose time differs by less than can be heard", () => {
    const { agent, finish, recorder } = setUp()
    recorder.onAgentSound(frame(2, 5), beginsAt + 0.4)
    recorder.onAgentSound(frame(2, 5), beginsAt + 101.1)
    recorder.onAgentSound(frame(2, 5), beginsAt + 199.2)
    finish(300)
    assert.deepStrictEqual(agent(), [[2, 15]])
  })

  it("waits for the caller's sound that the network holds up", () => {
    const { agent, caller, finish, passTo, recorder, seconds } = setUp()
    recorder.onCallerSound(frame(1, 50))
    for (let millis = 1000; millis <= 4000; millis += 500) {
      recorder.onAgentSound(frame(2, 25), beginsAt + millis)
      passTo(millis)
      assert.isAtMost(seconds(), 1)
    }
    // Three seconds come at once.
    recorder.onCallerSound(frame(3, 150))
    passTo(4500)
    finish(4500)
    assert.deepStrictEqual(caller(), [[1, 50], [3, 150], [255, 25]])
    assert.deepStrictEqual(agent(), [[255, 50], [2, 175]])
    assert.strictEqual(recorder.lostMillis(), 0)
  })

  it("goes on without the caller's sound when the backlog has passed", () => {
    const { passTo, recorder, seconds } = setUp()
    recorder.onCallerSound(frame(1, 50))
    for (let millis = 1000; millis <= 20_000; millis += 1000) passTo(millis)
    assert.closeTo(seconds(), 20 - 0.25 - 6, 0.01)
  })

  it("puts a caller's sound with gaps at the time at which it came", () => {
    const { at, caller, finish, recorder } = setUp({ backlog: undefined })
    at(20)
    recorder.onCallerSound(frame(1))
    at(40)
    recorder.onCallerSound(frame(1))
    // Two frames late, by less than a gap.
    at(100)
    recorder.onCallerSound(frame(1))
    at(1000)
    recorder.onCallerSound(frame(3))
    finish(1100)
    assert.deepStrictEqual(caller(), [[1, 3], [255, 46], [3, 1], [255, 5]])
  })

  it("loses the oldest sound, and counts it, while nobody takes it", () => {
    const { caller, finish, recorder, seconds } = setUp({ backlog: undefined })
    for (let frames = 0; frames < 50 * 60; frames++) {
      recorder.onAgentSound(frame(2), beginsAt + 20 * frames)
    }
    finish(60_000)
    assert.strictEqual(seconds(), 60)
    assert.isAbove(recorder.lostMillis(), 40_000)
    assert.deepStrictEqual(caller(), [[255, 3000]])
  })
})
