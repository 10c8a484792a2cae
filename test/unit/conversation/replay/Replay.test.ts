import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import type { AgentDefinition } from "../../../../src/definition/AgentDefinition.ts"
import * as Replay from "../../../../src/conversation/replay/Replay.ts"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import * as Turns from "../../../support/conversation/Turns.ts"

const definition = Turns.settings as AgentDefinition

/** A call with a question, an answer that goes on after a cough, and a hang-up. */
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

const logOf = (turns: ReturnType<typeof Turns.make>) =>
  [Replay.header(definition), ...turns.events.map(Replay.eventLine)].map((line) => `${line}\n`).join("")

const read = (log: string): Replay.EventLog => Result.getOrThrow(Replay.parse(log))

const reasonOf = (log: string): string => {
  const parsed = Replay.parse(log)
  return Result.isFailure(parsed) ? parsed.failure.reason : assert.fail("It could be read")
}

const written = (commands: ReadonlyArray<ReadonlyArray<Command>>) => JSON.stringify(commands.flat())

describe("an event log", () => {
  it("is a line of settings and a line for each event", () => {
    const turns = recordedCall()
    const lines = logOf(turns).trimEnd().split("\n")
    assert.strictEqual(lines.length, turns.events.length + 1)
    for (const line of lines) assert.isObject(JSON.parse(line))
  })

  it("is replayed to the commands of the call, event by event", () => {
    const turns = recordedCall()
    const played = Replay.play(read(logOf(turns)))
    assert.strictEqual(played.length, turns.events.length)
    assert.strictEqual(written(played), JSON.stringify(turns.all))
  })

  it("is replayed with the settings of the call, not with the current ones", () => {
    const turns = Turns.make({ endpointing: { ...Turns.settings.endpointing, speculate: 50 } })
    turns.greeted()
    turns.voice(800)
    turns.pass(2000)
    const header = Replay.header({ ...definition, endpointing: { ...Turns.settings.endpointing, speculate: 50 } })
    const played = Replay.play(read([header, ...turns.events.map(Replay.eventLine)].join("\n")))
    assert.strictEqual(written(played), JSON.stringify(turns.all))
    assert.notStrictEqual(written(Replay.play(read(logOf(turns)))), JSON.stringify(turns.all))
  })

  it("holds only the settings on which turns depend", () => {
    const settings = read(Replay.header({ ...definition, language: "de", instructions: "a secret", voice: "kal" } as AgentDefinition, { answersUnintelligible: true })).settings
    assert.deepStrictEqual(settings, { ...Turns.settings, transfers: {}, language: "de", script: { intents: [] }, answersUnintelligible: true })
    assert.notInclude(Replay.header({ ...definition, instructions: "a secret" } as AgentDefinition), "secret")
  })

  it("keeps the names that version 1 gave two of its settings", () => {
    const header = Replay.header({ ...definition, smallTalk: ["are you there"] }, { answersUnintelligible: true })
    const { settings } = JSON.parse(header) as { readonly settings: object }
    assert.deepInclude(settings, { answersUnheard: true, attention: ["are you there"] })
    assert.deepInclude(read(header).settings, { answersUnintelligible: true, smallTalk: ["are you there"] })
  })
})

describe("an event log that is not complete", () => {
  const whole = logOf(recordedCall())

  it("is read without a last line that was cut off", () => {
    const before = read(whole).events.length
    assert.strictEqual(read(whole.slice(0, -8)).events.length, before - 1)
    assert.strictEqual(read(whole.slice(0, -1)).events.length, before)
  })

  it("can be cut off anywhere after its first line, and plays the same commands up to there", () => {
    const all = Replay.play(read(whole)).map((commands) => JSON.stringify(commands))
    for (let at = whole.indexOf("\n"); at < whole.length; at += 97) {
      const played = Replay.play(read(whole.slice(0, at))).map((commands) => JSON.stringify(commands))
      assert.deepStrictEqual(played, all.slice(0, played.length))
    }
  })

  it("may have empty lines and Windows line ends", () => {
    assert.deepStrictEqual(read(whole.replaceAll("\n", "\r\n\r\n")), read(whole))
  })

  it("has no events if it holds only the settings", () => assert.deepStrictEqual(Replay.play(read(Replay.header(definition))), []))

  it("is refused with the line that is not JSON", () => {
    const lines = whole.split("\n")
    lines[4] = "{\"_tag\":"
    assert.strictEqual(reasonOf(lines.join("\n")), "Line 5 is not JSON.")
  })

  it.each(["null", "7", "[]", "{}", "\"Began\"", "{\"_tag\":\"HungUp\"}"])(
    "is refused with the line that is not an event: %s",
    (line) => {
      const lines = whole.split("\n")
      lines[4] = line
      assert.strictEqual(reasonOf(lines.join("\n")), "Line 5 is not an event.")
    }
  )

  it("is refused with both versions if it has another one", () => {
    for (const version of [0, 2, "1", null]) {
      const reason = reasonOf(whole.replace("\"version\":1", `"version":${JSON.stringify(version)}`))
      assert.include(reason, String(version))
      assert.include(reason, "version 1")
    }
  })

  it.each(["", "\n\n", "rubbish", "null", "[1]", "7", "{", "{\"version\":1}", "{\"version\":1,\"settings\":null}", "{\"version\":1,\"settings\":{\"lines\":{}}}"])(
    "is refused if it begins with %j",
    (first) => assert.match(reasonOf(first), /[A-Z].*\.$/)
  )
})

describe("a call whose caller says \"okay\" over the answer", () => {
  // Written by EVENTS_DIR.
  const commands = Replay.play(read(readFileSync(new URL("../../../fixtures/backchannel-call.jsonl", import.meta.url), "utf8"))).flat()
  const published = (tag: string) => commands.flatMap((command) => (command._tag === "Publish" && command.event._tag === tag ? [command.event] : []))

  it("hears the whole answer, since a backchannel is no turn", () => {
    assert.deepStrictEqual(published("CallerSaid").map((event) => "text" in event && event.text), ["what are your opening hours", "goodbye"])
    assert.strictEqual(published("Resumed").length, 1)
    assert.deepInclude(published("AgentHeard").map((event) => "text" in event && event.text), "We are open Monday to Friday. From eight to five.")
    assert.strictEqual(commands.at(-1)?._tag, "HangUp")
  })
})
