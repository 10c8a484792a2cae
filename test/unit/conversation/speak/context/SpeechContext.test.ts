import { assert, describe, it } from "@effect/vitest"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import * as SpeechContext from "../../../../../src/conversation/speak/context/SpeechContext.ts"
import { millisOf } from "../../../../../src/conversation/ports/TextToSpeech.ts"

const millis = (count: number, value = 1) => new Int16Array(count * 8).fill(value) as Pcm<8000>

const says = (context: SpeechContext.SpeechContext, text: string, count = 500) => {
  context.beginUtterance()
  context.hear(millis(count))
  context.endUtterance()
  context.callerSaid(text)
  context.forgetUtterance()
}

const made = (context: SpeechContext.SpeechContext, reply: number, segment: number, text: string, count = 500, value = 1) =>
  context.addSound(reply, segment, text, { pcm: millis(count, value), sampleRate: 8000 })

const turnsOf = (context: SpeechContext.SpeechContext, saying?: string) =>
  context.read(saying).map((turn) => `${turn.role} ${millisOf(turn)} ${turn.text}`)

describe("the speech context", () => {
  it("has the turns of both sides, oldest first, up to the limit", () => {
    const context = SpeechContext.make(1500)
    says(context, "one")
    made(context, 1, 0, "Two.")
    context.agentHeard(1, "Two.")
    says(context, "three")
    assert.deepStrictEqual(turnsOf(context), ["caller 500 one", "agent 500 Two.", "caller 500 three"])
    says(context, "four", 600)
    assert.deepStrictEqual(turnsOf(context), ["caller 500 three", "caller 600 four"])
  })

  it("ends with the current utterance while the caller pauses", () => {
    const context = SpeechContext.make(1500)
    says(context, "one")
    context.beginUtterance()
    context.hear(millis(300))
    assert.deepStrictEqual(turnsOf(context, "two"), ["caller 500 one", "caller 300 two"])
    assert.deepStrictEqual(turnsOf(context), ["caller 500 one"])
    context.hear(millis(100))
    context.endUtterance()
    context.callerSaid("two")
    assert.deepStrictEqual(turnsOf(context), ["caller 500 one", "caller 400 two"])
  })

  it("gives the same turns for the same words, also after the caller's turn, since an engine may have cached them", () => {
    const context = SpeechContext.make(1500)
    context.beginUtterance()
    context.hear(millis(300))
    const [first] = context.read("two")
    context.hear(millis(100))
    assert.strictEqual(context.read("two")[0], first)
    assert.notStrictEqual(context.read("two or three")[0], first)
    const [second] = context.read("two or three")
    context.endUtterance()
    context.callerSaid("two or three")
    context.forgetUtterance()
    assert.strictEqual(context.read()[0], second)
  })

  it("keeps every sample in order, and never changes turns that were read", () => {
    const context = SpeechContext.make(60_000)
    const samples = Int16Array.from({ length: 8 * 2700 }, (_, index) => index)
    context.beginUtterance()
    for (let at = 0; at < 8 * 2000; at += 163) context.hear(samples.subarray(at, Math.min(at + 163, 8 * 2000)))
    const [first] = context.read("one")
    context.hear(samples.subarray(8 * 2000))
    const [second] = context.read("one two")
    assert.deepStrictEqual(first.sound.flatMap((piece) => [...piece]), [...samples.subarray(0, 8 * 2000)])
    assert.deepStrictEqual(second.sound.flatMap((piece) => [...piece]), [...samples])
  })

  it("has one turn with all its sound for a caller who resumes the turn", () => {
    const context = SpeechContext.make(5000)
    says(context, "i want an appointment", 700)
    says(context, "i want an appointment on monday", 400)
    assert.deepStrictEqual(turnsOf(context), ["caller 1100 i want an appointment on monday"])
  })

  it("forgets an utterance without words, also if a key follows it", () => {
    const context = SpeechContext.make(5000)
    context.beginUtterance()
    context.hear(millis(300))
    context.endUtterance()
    context.forgetUtterance()
    context.callerSaid("1 2")
    assert.deepStrictEqual(turnsOf(context), [])
  })

  it("has the agent's words and sound only as far as they were heard", () => {
    const context = SpeechContext.make(60_000)
    made(context, 1, 0, "We are open.", 600)
    made(context, 1, 1, "From nine to five.", 900)
    made(context, 1, 2, "Come in.", 400)
    context.agentHeard(1, "We are open. From nine")
    assert.deepStrictEqual(turnsOf(context), ["agent 600 We are open.", "agent 450 From nine"])
  })

  it("has a segment that was interrupted and resumed once and whole", () => {
    const context = SpeechContext.make(60_000)
    made(context, 1, 0, "We are open from nine to five.", 1500)
    made(context, 1, 1, "from nine to five.", 900)
    context.agentHeard(1, "We are open from nine to five.")
    assert.deepStrictEqual(turnsOf(context), ["agent 1500 We are open from nine to five."])
  })

  it("has nothing of a reply that was never heard", () => {
    const context = SpeechContext.make(5000)
    made(context, 1, 0, "Never.")
    context.drop(1)
    context.agentHeard(1, "Never.")
    made(context, 2, 0, "Nor this.")
    context.agentHeard(2, "")
    assert.deepStrictEqual(turnsOf(context), [])
  })

  it("drops sound beyond its limit", () => {
    const context = SpeechContext.make(1000)
    says(context, "a long story", 1001)
    made(context, 1, 0, "First.", 600)
    made(context, 1, 1, "Second.", 600)
    made(context, 1, 2, "Much too long.", 600)
    made(context, 1, 2, "Much too long.", 600)
    made(context, 1, 3, "Last.", 300)
    context.agentHeard(1, "First. Second. Much too long. Last.")
    assert.deepStrictEqual(turnsOf(context), ["agent 300 Last."])
  })
})
