import { assert, describe, it } from "@effect/vitest"
import * as ReplyState from "../../../../src/conversation/turn/ReplyState.ts"
import { answering, asked } from "../../../support/conversation/TurnMoments.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

type Moment = ReturnType<typeof Turns.make>

/** The phase of the reply that has the turn. */
const phaseOf = ({ state: { active } }: Moment) => active?.phase

describe("a reply", () => {
  it("is preemptive in the pause, plays after the endpoint, and leaves the state when it was heard", () => {
    const turns = asked()
    assert.deepStrictEqual(turns.state.preemptive?.phase, { _tag: "Preemptive", hasFailed: false })
    assert.isUndefined(turns.state.active)
    turns.answers("We are open.")
    turns.pass(300)
    assert.isUndefined(turns.state.preemptive)
    assert.deepStrictEqual(phaseOf(turns), { _tag: "Playing", isMediaSent: false })
    turns.play(1000)
    assert.deepStrictEqual(phaseOf(turns), { _tag: "Playing", isMediaSent: true })
    turns.pass(1000)
    turns.heard()
    assert.isUndefined(turns.state.active)
    assert.isUndefined(turns.state.preemptive)
  })

  it("is held while the caller speaks before its first sound, and plays on when the voice was short", () => {
    const turns = asked()
    turns.answers("We are open.")
    turns.pass(300)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    assert.deepStrictEqual(phaseOf(turns), { _tag: "Held", isMediaSent: false })
    turns.pass(100)
    turns.send({ _tag: "VoiceStopped", since: turns.now })
    assert.deepStrictEqual(phaseOf(turns), { _tag: "Playing", isMediaSent: false })
  })

  it("that is held notes sound that was sent just before", () => {
    const turns = asked()
    turns.answers("We are open.")
    turns.pass(300)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.play(1000)
    assert.deepStrictEqual(phaseOf(turns), { _tag: "Held", isMediaSent: true })
    assert.isTrue(ReplyState.isMediaSent(turns.state.active!))
  })

  it("that is interrupted keeps what the caller has not heard, and no sound of it can be cleared", () => {
    const turns = answering("We are open on weekdays. And on Saturday from ten to two.")
    turns.pass(1000)
    turns.send({ _tag: "VoiceStarted", since: turns.now })
    turns.pass(200)
    const reply = turns.state.active!
    assert.strictEqual(reply.phase._tag, "Interrupted")
    assert.isFalse(ReplyState.isMediaSent(reply))
    assert.strictEqual([reply.heard, ...ReplyState.unheardOf(reply) ?? []].join(" ").trim(), "We are open on weekdays. And on Saturday from ten to two.")
  })

  it("has a rest only while it is interrupted", () => {
    const turns = answering()
    assert.isUndefined(ReplyState.unheardOf(turns.state.active!))
  })
})
