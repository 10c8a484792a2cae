import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import type { AgentDefinition } from "../../../../src/definition/AgentDefinition.ts"
import * as Replay from "../../../../src/conversation/replay/Replay.ts"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

const persona = Turns.settings as AgentDefinition

/** A call with a question, an answer that is interrupted by a cough and goes on, and a hang-up. */
const recordedCall = () => {
  const turns = Turns.make()
  turns.greeted()
  turns.voice(800)
  turns.pass(120)
  turns.transcribed("when are you open")
  turns.answers("We are open from nine to five on every day of the week.", { state: { asked: "hours" } })
  turns.pass(300)
  turns.play(4000)
  turns.pass(1000)
  turns.voice(400)
  turns.pass(120)
  turns.transcribed({ text: "", ending: "unknown" })
  turns.pass(300)
  turns.play(2500)
  turns.pass(1000)
  turns.send({ _tag: "HungUp" })
  return turns
}

const text = (turns: ReturnType<typeof Turns.make>) =>
  [Replay.header(persona), ...turns.events.map(Replay.eventLine)].map((line) => `${line}\n`).join("")

const read = (recording: string): Replay.Recording => {
  const parsed = Replay.parse(recording)
  return "_tag" in parsed ? assert.fail(parsed.reason) : parsed
}

const reasonOf = (recording: string): string => {
  const parsed = Replay.parse(recording)
  return "_tag" in parsed ? parsed.reason : assert.fail("It could be read")
}

const written = (commands: ReadonlyArray<ReadonlyArray<Command>>) => JSON.stringify(commands.flat())

describe("a recording", () => {
  it("is a line of settings and a line for each event", () => {
    const turns = recordedCall()
    const lines = text(turns).trimEnd().split("\n")
    assert.strictEqual(lines.length, turns.events.length + 1)
    for (const line of lines) assert.isObject(JSON.parse(line))
  })

  it("plays to the same commands, event by event", () => {
    const turns = recordedCall()
    const played = Replay.play(read(text(turns)))
    assert.strictEqual(played.length, turns.events.length)
    assert.strictEqual(written(played), JSON.stringify(turns.all))
  })

  it("holds the settings of its time, whatever they are now", () => {
    const turns = Turns.make({ endpointing: { ...Turns.settings.endpointing, speculate: 50 } })
    turns.greeted()
    turns.voice(800)
    turns.pass(2000)
    const header = Replay.header({ ...persona, endpointing: { ...Turns.settings.endpointing, speculate: 50 } })
    const played = Replay.play(read([header, ...turns.events.map(Replay.eventLine)].join("\n")))
    assert.strictEqual(written(played), JSON.stringify(turns.all))
    assert.notStrictEqual(written(Replay.play(read(text(turns)))), JSON.stringify(turns.all))
  })

  it("holds of the persona what the machine goes by, and nothing else", () => {
    const settings = read(Replay.header({ ...persona, language: "de", instructions: "a secret", voice: "kal" } as AgentDefinition, { answersUnheard: true })).settings
    assert.deepStrictEqual(settings, { ...Turns.settings, transfers: {}, language: "de", script: { intents: [] }, answersUnheard: true })
    assert.notInclude(Replay.header({ ...persona, instructions: "a secret" } as AgentDefinition), "secret")
  })
})

describe("a recording that is not whole", () => {
  const whole = text(recordedCall())

  it("without the end of its last line is read without that", () => {
    const before = read(whole).events.length
    assert.strictEqual(read(whole.slice(0, -8)).events.length, before - 1)
    assert.strictEqual(read(whole.slice(0, -1)).events.length, before)
  })

  it("cut off anywhere behind its first line can be read, and plays to the beginning of the same", () => {
    const all = Replay.play(read(whole)).map((commands) => JSON.stringify(commands))
    for (let at = whole.indexOf("\n"); at < whole.length; at += 97) {
      const played = Replay.play(read(whole.slice(0, at))).map((commands) => JSON.stringify(commands))
      assert.deepStrictEqual(played, all.slice(0, played.length))
    }
  })

  it("may have empty lines and another system's line ends", () => {
    assert.deepStrictEqual(read(whole.replaceAll("\n", "\r\n\r\n")), read(whole))
  })

  it("with settings alone has no events", () => assert.deepStrictEqual(Replay.play(read(Replay.header(persona))), []))

  it("is refused when there is rubbish in it, with its line", () => {
    const lines = whole.split("\n")
    lines[4] = "{\"_tag\":"
    assert.strictEqual(reasonOf(lines.join("\n")), "Line 5 is not JSON.")
  })

  it.each(["null", "7", "[]", "{}", "\"Began\"", "{\"_tag\":\"HungUp\"}"])(
    "is refused when a line is no event: %s",
    (line) => {
      const lines = whole.split("\n")
      lines[4] = line
      assert.strictEqual(reasonOf(lines.join("\n")), "Line 5 is not an event.")
    }
  )

  it("of another version is refused, with both versions", () => {
    for (const version of [0, 2, "1", null]) {
      const reason = reasonOf(whole.replace("\"version\":1", `"version":${JSON.stringify(version)}`))
      assert.include(reason, String(version))
      assert.include(reason, "version 1")
    }
  })

  it.each(["", "\n\n", "rubbish", "null", "[1]", "7", "{", "{\"version\":1}", "{\"version\":1,\"settings\":null}", "{\"version\":1,\"settings\":{\"lines\":{}}}"])(
    "that begins with %j is refused",
    (first) => assert.match(reasonOf(first), /[A-Z].*\.$/)
  )
})

describe("a bad call becomes a test case", () => {
  // In the form that EVENTS_DIR writes: somebody says "ok" over the answer.
  const commands = Replay.play(read(readFileSync(new URL("../../../fixtures/backchannel-call.jsonl", import.meta.url), "utf8"))).flat()
  const told = (tag: string) => commands.flatMap((command) => (command._tag === "Tell" && command.event._tag === tag ? [command.event] : []))

  it("the backchannel is no turn, and the answer is heard whole", () => {
    assert.deepStrictEqual(told("CallerSaid").map((event) => "text" in event && event.text), ["what are your opening hours", "goodbye"])
    assert.strictEqual(told("Resumed").length, 1)
    assert.deepInclude(told("AgentHeard").map((event) => "text" in event && event.text), "We are open Monday to Friday. From eight to five.")
    assert.strictEqual(commands.at(-1)?._tag, "HangUp")
  })
})
