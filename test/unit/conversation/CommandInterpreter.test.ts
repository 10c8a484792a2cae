import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CommandInterpreter from "../../../src/conversation/CommandInterpreter.ts"
import type { Command } from "../../../src/conversation/turn/TurnCommand.ts"

/** All parts of a conversation. Each records its calls as text. */
const setUp = (options: { readonly isWatched?: boolean; readonly hasContext?: boolean } = {}) => {
  const { hasContext = true, isWatched = false } = options
  const calls: Array<string> = []
  /** A part's method that returns an effect. */
  const effect = (name: string) => (...args: ReadonlyArray<unknown>) => Effect.sync(() => void calls.push([name, ...args.map((arg) => JSON.stringify(arg))].join(" ")))
  /** A method of a part that does its work at once. */
  const call = (name: string) => (...args: ReadonlyArray<unknown>) => void calls.push([name, ...args.map((arg) => JSON.stringify(arg))].join(" "))
  const interpreter = CommandInterpreter.make({
    callerSound: { preSpeech: (since) => new Int16Array(since === undefined ? 2 : 1) },
    recognition: {
      begin: (id, { continues, preSpeech }) => effect("recognition.begin")(id, { continues, preSpeech: preSpeech?.length }),
      isHearing: () => false,
      hear: call("recognition.hear"),
      voiceStopped: call("recognition.voiceStopped"),
      voiceStarted: call("recognition.voiceStarted"),
      transcribe: effect("recognition.transcribe"),
      cancelTranscription: effect("recognition.cancelTranscription"),
      end: effect("recognition.end"),
      setPartialsWanted: call("recognition.setPartialsWanted")
    },
    generation: { start: effect("generation.start"), settle: call("generation.settle"), drop: effect("generation.drop") },
    speech: {
      onReplyStarted: call("speech.onReplyStarted"),
      speak: effect("speech.speak"),
      press: effect("speech.press"),
      release: effect("speech.release"),
      hold: effect("speech.hold"),
      stop: effect("speech.stop"),
      drop: effect("speech.drop")
    },
    playback: { onClear: call("playback.onClear") },
    keys: { press: call("keys.press"), cut: call("keys.cut") },
    timers: { start: effect("timers.start"), cancel: effect("timers.cancel"), fireDue: () => false },
    tools: { onCallerSaid: call("tools.onCallerSaid"), onReplyHeard: call("tools.onReplyHeard") },
    context: hasContext
      ? {
        beginUtterance: call("context.beginUtterance"),
        hear: call("context.hear"),
        endUtterance: call("context.endUtterance"),
        callerSaid: call("context.callerSaid"),
        addSound: call("context.addSound"),
        agentHeard: call("context.agentHeard"),
        drop: call("context.drop"),
        forgetUtterance: call("context.forgetUtterance"),
        read: () => []
      }
      : undefined,
    line: {
      clear: Effect.sync(() => void calls.push("line.clear")),
      publish: effect("line.publish"),
      isWatched: () => isWatched,
      hangUp: Effect.sync(() => void calls.push("line.hangUp")),
      transfer: effect("line.transfer"),
      awaitTransfer: Effect.sync(() => void calls.push("line.awaitTransfer"))
    }
  })
  const carryOut = (...commands: ReadonlyArray<Command>) => Effect.as(Effect.forEach(commands, interpreter.carryOut, { discard: true }), calls)
  return { carryOut, calls, onEventDone: interpreter.onEventDone }
}

describe("an utterance", () => {
  it.effect("begins with the sound from before it", () =>
    Effect.map(setUp().carryOut({ _tag: "BeginUtterance", utterance: 4 }), (calls) =>
      assert.deepStrictEqual(calls, ["recognition.begin 4 {\"preSpeech\":2}"])))

  it.effect("that continues another one begins with the sound since that one's last word, or with none", () =>
    Effect.map(
      setUp().carryOut({ _tag: "BeginUtterance", utterance: 5, after: 4 }, { _tag: "BeginUtterance", utterance: 6, after: 5, since: 900 }),
      (calls) =>
        assert.deepStrictEqual(calls, ["recognition.begin 5 {\"continues\":4}", "recognition.begin 6 {\"continues\":5,\"preSpeech\":1}"])
    ))
})

describe("a reply", () => {
  const request = { history: [{ role: "agent", text: "Hello." }, { role: "caller", text: "When are you open?" }], state: null } as const

  it.effect("is spoken as an answer to the caller's last words", () =>
    Effect.gen(function*() {
      const { calls, carryOut } = setUp()
      yield* carryOut({ _tag: "StartReply", reply: 3, request })
      assert.strictEqual(calls[0], "speech.onReplyStarted 3 \"When are you open?\"")
      assert.isTrue(calls[1].startsWith("generation.start 3"))
    }))

  it.effect("that is cancelled loses its model and its speech, but its heard words can still be remembered", () =>
    Effect.gen(function*() {
      const { calls, carryOut } = setUp()
      yield* carryOut({ _tag: "CancelReply", reply: 3 }, { _tag: "RememberAgentWords", reply: 3, text: "We are" })
      assert.deepStrictEqual(calls, ["keys.cut 3 0", "generation.drop 3", "speech.drop 3", "tools.onReplyHeard 3 \"We are\"", "context.agentHeard 3 \"We are\""])
    }))

  it.effect("that is forgotten loses its sound in the speech context too", () =>
    Effect.map(setUp().carryOut({ _tag: "ForgetReply", reply: 3 }), (calls) =>
      assert.deepStrictEqual(calls, ["keys.cut 3 0", "generation.drop 3", "speech.drop 3", "context.drop 3"])))
})

describe("keys", () => {
  it.effect("are stored as an action when their tones are requested, and settled when their reply is stopped", () =>
    Effect.map(
      setUp().carryOut({ _tag: "Press", reply: 3, segment: 2, digits: "12#" }, { _tag: "StopSpeech", reply: 3, from: 1 }),
      (calls) => assert.deepStrictEqual(calls, ["keys.press 3 2 \"12#\"", "speech.press 3 2 \"12#\"", "keys.cut 3 1", "speech.stop 3 1"])
    ))
})

describe("the caller's words", () => {
  it.effect("reach the tools only when they may ask for something", () =>
    Effect.map(
      setUp({ hasContext: false }).carryOut(
        { _tag: "RememberCallerWords", text: "Hold on.", isRequest: false },
        { _tag: "RememberCallerWords", text: "A table for two.", isRequest: true }
      ),
      (calls) => assert.deepStrictEqual(calls, ["tools.onCallerSaid \"A table for two.\""])
    ))

  it.effect("are requested as partial transcripts while the machine needs them", () =>
    Effect.gen(function*() {
      const { calls, carryOut, onEventDone } = setUp({ hasContext: false })
      onEventDone()
      yield* carryOut({ _tag: "WantWords", isWanted: true })
      onEventDone()
      yield* carryOut({ _tag: "WantWords", isWanted: false })
      onEventDone()
      assert.deepStrictEqual(calls, [false, true, false].map((isWanted) => `recognition.setPartialsWanted ${isWanted}`))
    }))

  it.effect("are always requested as partial transcripts while somebody watches", () =>
    Effect.gen(function*() {
      const { calls, carryOut, onEventDone } = setUp({ hasContext: false, isWatched: true })
      yield* carryOut({ _tag: "WantWords", isWanted: false })
      onEventDone()
      assert.deepStrictEqual(calls, ["recognition.setPartialsWanted true"])
    }))
})

describe("a clear", () => {
  it.effect("empties the line before playback counts as stopped", () =>
    Effect.map(setUp().carryOut({ _tag: "Clear" }), (calls) => assert.deepStrictEqual(calls, ["line.clear", "playback.onClear"])))
})

describe("an event", () => {
  it.effect("settles the speech context when all its commands were carried out", () =>
    Effect.gen(function*() {
      const { calls, carryOut, onEventDone } = setUp()
      yield* carryOut({ _tag: "EndUtterance", utterance: 1 }, { _tag: "RememberCallerWords", text: "Hello.", isRequest: true })
      assert.notInclude(calls, "context.forgetUtterance")
      onEventDone()
      assert.strictEqual(calls.at(-1), "context.forgetUtterance")
    }))
})
