/**
 * Recorded calls, with the turn machine's commands for each event. Today's machine must give the same commands.
 *
 * `recorded-calls.jsonl.gz` has one call in each line. `log` is the event log as `EVENTS_DIR` writes it, version 1. `commands` has the
 * commands of each event. Names that begin with "real", "addressed" or "failing" are calls to the running service. The others
 * come from this folder's tests, and were chosen because their steps differ most.
 *
 * Where a rule changes on purpose, `RERECORD=1` writes the new commands into the file. Read the differences first.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { gunzipSync, gzipSync } from "node:zlib"
import type { ConversationEvent } from "../../../../src/conversation/ports/ConversationEvent.ts"
import * as Replay from "../../../../src/conversation/replay/Replay.ts"
import * as Transition from "../../../../src/conversation/turn/Transition.ts"
import type { Command } from "../../../../src/conversation/turn/TurnCommand.ts"
import type { Timer, TurnEvent } from "../../../../src/conversation/turn/TurnEvent.ts"
import * as TurnMemory from "../../../../src/conversation/turn/resumption/TurnMemory.ts"
import * as TurnState from "../../../../src/conversation/turn/TurnState.ts"

/**
 * New tags of commands, each with the tag under which it was recorded. `undefined` leaves the command out of the comparison.
 * The fields of a renamed command must be the recorded ones.
 */
const renamedCommands: Readonly<Record<string, string | undefined>> = {
  Publish: "Tell",
  // These are commands only since ADR 0005. Before, the interpreter decided.
  WantWords: undefined,
  SettleReply: undefined,
  RememberCallerWords: undefined,
  RememberAgentWords: undefined,
  ForgetReply: undefined
}

/** Tags that no recorded call has, each with the reason. */
const neverRecorded: Readonly<Record<string, string>> = {
  Reconnected: "The calls are older than conversations that go on after a lost stream.",
  AwaitTransfer: "It only follows a `Reconnected`."
}

/** Fields that events for watchers got after the recording. The comparison leaves them out. */
const addedFields: Readonly<Record<string, ReadonlyArray<string>>> = {
  CallerSaid: ["startedAt", "endedAt"],
  AgentHeard: ["played"]
}

const withoutAddedFields = (command: Command): Command => {
  if (command._tag !== "Publish" || !Object.hasOwn(addedFields, command.event._tag)) return command
  const event = Object.entries(command.event).filter(([name]) => !addedFields[command.event._tag].includes(name))
  return { ...command, event: Object.fromEntries(event) as unknown as ConversationEvent }
}

interface RecordedCall {
  readonly name: string
  readonly log: string
  readonly commands: ReadonlyArray<ReadonlyArray<unknown>>
}

const fixture = new URL("../../../fixtures/recorded-calls.jsonl.gz", import.meta.url)

const calls = gunzipSync(readFileSync(fixture)).toString("utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as RecordedCall)

const logOf = ({ log }: RecordedCall): Replay.EventLog => Result.getOrThrow(Replay.parse(log))

/** Sorts fields, since their order does not matter. */
const withSortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1))
    : value

const textOf = (commands: ReadonlyArray<unknown>): string => `[${commands.map((command) => JSON.stringify(command, withSortedKeys)).join(",\n    ")}]`

const asRecorded = (commands: ReadonlyArray<Command>): ReadonlyArray<object> =>
  commands.flatMap((command) => {
    if (!Object.hasOwn(renamedCommands, command._tag)) return [withoutAddedFields(command)]
    const _tag = renamedCommands[command._tag]
    return _tag === undefined ? [] : [{ ...withoutAddedFields(command), _tag }]
  })

/** Shows only the first difference, since after it the states differ too. */
const mostShown = 3

const differencesOf = (call: RecordedCall): ReadonlyArray<string> => {
  const { events } = logOf(call)
  const given = Replay.play(logOf(call))
  assert.strictEqual(call.commands.length, events.length)
  return events.flatMap((event, index) => {
    const [expected, now] = [textOf(call.commands[index]), textOf(asRecorded(given[index]))]
    return expected === now ? [] : [`event ${index + 1} of ${events.length}: ${JSON.stringify(event)}\n  expected: ${expected}\n  given:    ${now}`]
  })
}

if (process.env["RERECORD"] === "1") {
  const lines = calls.map((call) => JSON.stringify({ ...call, commands: Replay.play(logOf(call)).map(asRecorded) }))
  writeFileSync(fixture, gzipSync(`${lines.join("\n")}\n`, { level: 9 }))
}

describe("a recorded call gives the same commands again", () => {
  for (const call of calls) {
    it(call.name, () => {
      const differences = differencesOf(call)
      if (differences.length === 0) return
      const more = differences.length > mostShown ? `\nand ${differences.length - mostShown} events more` : ""
      assert.fail(`${call.name}\n${differences.slice(0, mostShown).join("\n")}${more}`)
    })
  }
})

/** The compiler checks that no tag is missing here. */
const eventTags: Readonly<Record<TurnEvent["_tag"], true>> = {
  Began: true,
  Reconnected: true,
  VoiceStarted: true,
  VoiceStopped: true,
  Partial: true,
  Transcribed: true,
  TranscriptionFailed: true,
  ReplyText: true,
  ReplyCutShort: true,
  ReplyState: true,
  ReplyHangUp: true,
  ReplyTransfer: true,
  ReplyDigits: true,
  ReplyDone: true,
  ReplyFailed: true,
  SpeechBegan: true,
  MediaSent: true,
  SpeechEnded: true,
  SpeechFailed: true,
  MarkReturned: true,
  FillerLeft: true,
  Transferred: true,
  TransferFailed: true,
  TimerFired: true,
  Digit: true,
  Trouble: true,
  HungUp: true
}

const timers: Readonly<Record<Timer, true>> = {
  speculate: true,
  endpoint: true,
  bargeIn: true,
  utterance: true,
  idle: true,
  idleHangUp: true,
  digits: true,
  filler: true,
  playback: true,
  hangUp: true,
  limit: true
}

const commandTags: Readonly<Record<Command["_tag"], true>> = {
  BeginUtterance: true,
  Transcribe: true,
  CancelTranscription: true,
  EndUtterance: true,
  StartReply: true,
  CancelReply: true,
  Speak: true,
  Press: true,
  Release: true,
  Hold: true,
  StopSpeech: true,
  Clear: true,
  StartTimer: true,
  CancelTimer: true,
  WantWords: true,
  SettleReply: true,
  RememberCallerWords: true,
  RememberAgentWords: true,
  ForgetReply: true,
  Publish: true,
  HangUp: true,
  Transfer: true,
  AwaitTransfer: true
}

const toldTags: Readonly<Record<ConversationEvent["_tag"], true>> = {
  CallerSaid: true,
  CallerSays: true,
  AgentSays: true,
  AgentFills: true,
  AgentPresses: true,
  AgentHeard: true,
  BargeIn: true,
  Resumed: true,
  TurnMeasured: true,
  Transferring: true,
  TransferFailed: true,
  EngineTrouble: true,
  Ended: true
}

const assertOccur = (all: Readonly<Record<string, true>>, seen: ReadonlySet<string>) =>
  assert.deepStrictEqual(Object.keys(all).filter((tag) => !seen.has(tag) && !Object.hasOwn(neverRecorded, tag)), [])

describe("the recorded calls contain", () => {
  const recordings = calls.map(logOf)
  const events = recordings.flatMap((recording) => recording.events)
  const commands = recordings.flatMap((recording) => Replay.play(recording).flat())

  it("every event", () => assertOccur(eventTags, new Set(events.map(({ _tag }) => _tag))))

  it("the firing of every timer", () => assertOccur(timers, new Set(events.flatMap((event) => event._tag === "TimerFired" ? [event.timer] : []))))

  it("every command", () => assertOccur(commandTags, new Set(commands.map(({ _tag }) => _tag))))

  it("every event for watchers", () =>
    assertOccur(toldTags, new Set(commands.flatMap((command) => command._tag === "Publish" ? [command.event._tag] : []))))

  it("the calls of more than two hundred callers", () => assert.isAbove(calls.length, 200))
})

describe("a recorded call that is cut at any moment", () => {
  /** Each call is cut at this many moments, at equal distances. */
  const cuts = 12

  const isSpeak = (command: Command): command is Extract<Command, { readonly _tag: "Speak" }> => command._tag === "Speak"

  it("goes on with all unheard words, and repeats no heard ones", () => {
    for (const call of calls) {
      const log = logOf(call)
      const transition = Transition.make({ ...log.settings, lines: { ...log.settings.lines, resumed: "Sorry." } })
      let state = TurnState.initial
      const every = Math.max(1, Math.floor(log.events.length / cuts))
      for (const [index, event] of log.events.entries()) {
        const [, next] = transition(state, event)
        state = next
        const { active } = state
        if (index % every !== 0 || state.isEnded || active === undefined || active.phase._tag === "Interrupted" || !active.isTextDone) continue
        const memory = TurnMemory.of(state)
        const [commands, after] = transition(TurnState.initial, { _tag: "Reconnected", at: event.at + 1000, memory, isAfterTransfer: false })
        const words = active.segments.filter(({ digits }) => digits === undefined)
        const [resumed, ...again] = commands.filter(isSpeak).map(({ text }) => text)
        assert.strictEqual(resumed, "Sorry.", call.name)
        assert.deepStrictEqual(again, words.filter(({ isHeard }) => !isHeard).map(({ text }) => text), call.name)
        const heard = after.history.slice(state.history.length).map(({ text }) => text).join(" ")
        for (const { isHeard, text } of words) assert.strictEqual(heard.includes(text), isHeard || active.heard.includes(text), `${call.name}: ${text}`)
      }
    }
  })
})
