import { assert, describe, it } from "@effect/vitest"
import * as KeyPresses from "../../../../src/conversation/speak/KeyPresses.ts"

const make = () => {
  const states: Array<readonly [id: string, state: string]> = []
  const keys = KeyPresses.make({
    storeSoon: ({ id }) => void states.push([id, "asked"]),
    storeOutcome: ({ id }, { _tag }) => void states.push([id, _tag])
  })
  const leaves = (reply: number, segment: number) => keys.onItemLeft({ _tag: "Sent", reply, segment, isWanted: () => true })
  return { keys, leaves, states }
}

describe("keys that the agent presses", () => {
  it("are answered when the mark after their tones comes back, and a later cut changes nothing", () => {
    const { keys, leaves, states } = make()
    keys.press(3, 2, "12#")
    leaves(3, 2)
    keys.onMarkReturned({ reply: 3, segment: 1 })
    assert.deepStrictEqual(states, [["keys-3-2", "asked"]])
    keys.onMarkReturned({ reply: 3, segment: 2 })
    keys.cut(3, 0)
    keys.end()
    assert.deepStrictEqual(states, [["keys-3-2", "asked"], ["keys-3-2", "Answered"]])
  })

  it("were not sent if the words before them were cut", () => {
    const { keys, leaves, states } = make()
    keys.press(3, 2, "12#")
    leaves(3, 1)
    keys.cut(3, 0)
    // Twilio returns the marks of sound that was cleared.
    keys.onMarkReturned({ reply: 3, segment: 2 })
    assert.deepStrictEqual(states.at(-1), ["keys-3-2", "NotSent"])
  })

  it("are unknown if they were cut after the first tone had left", () => {
    const { keys, leaves, states } = make()
    keys.press(3, 2, "12#")
    leaves(3, 2)
    keys.cut(4, 0)
    keys.cut(3, 3)
    assert.strictEqual(states.length, 1)
    keys.cut(3, 0)
    assert.deepStrictEqual(states.at(-1), ["keys-3-2", "Unknown"])
  })

  it("are settled when the conversation ends before the mark", () => {
    const { keys, leaves, states } = make()
    keys.press(3, 2, "1")
    leaves(3, 2)
    keys.press(3, 3, "2")
    keys.end()
    assert.deepStrictEqual(states.slice(2), [["keys-3-2", "Unknown"], ["keys-3-3", "NotSent"]])
  })

  it("are actions of their own if the rest is pressed again", () => {
    const { keys, states } = make()
    keys.press(3, 2, "12")
    keys.press(3, 4, "2")
    assert.deepStrictEqual(states.map(([id]) => id), ["keys-3-2", "keys-3-4"])
  })
})
