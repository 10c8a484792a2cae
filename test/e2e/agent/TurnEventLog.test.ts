import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, FileSystem, Layer, Logger, Path, Ref, Result, Scope } from "effect"
import { TurnEventLog } from "../../../src/agent/TurnEventLog.ts"
import * as Conversation from "../../../src/conversation/Conversation.ts"
import { Signal } from "../../../src/conversation/ports/AudioPort.ts"
import * as Replay from "../../../src/conversation/replay/Replay.ts"
import * as FakeEngines from "../../support/engines/FakeEngines.ts"
import * as FakeLine from "../../support/conversation/FakeLine.ts"
import { definition } from "../../support/conversation/AgentDefinitions.ts"
import { config } from "../../support/service/TestConfig.ts"

const recordingsIn = (folder?: string) =>
  Effect.map(
    Layer.build(TurnEventLog.layer.pipe(
      Layer.provide(config(folder === undefined ? {} : { EVENTS_DIR: folder })),
      Layer.provide(NodeServices.layer)
    )),
    (context) => Context.get(context, TurnEventLog)
  )

/** Runs a test with a folder of its own, which is removed after the test. */
const inFolder = <A, E, R>(test: (folder: string, fs: FileSystem.FileSystem) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* test(yield* fs.makeTempDirectoryScoped(), fs)
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

/** A call with an event log: a question, an interruption of the answer, a failure; then the caller hangs up. */
const talk = Effect.fnUntraced(function*(recordings: TurnEventLog["Service"], callId: string) {
  const fake = FakeEngines.make()
  const line = yield* FakeLine.make
  const scope = yield* Scope.make()
  const record = yield* Scope.provide(recordings.open(callId, definition), scope)
  const conversation = yield* Scope.provide(
    Conversation.open(definition, fake.engines, {
      ...line.end,
      record: (event) => {
        line.end.record?.(event)
        record?.(event)
      }
    }),
    scope
  )
  yield* Scope.provide(line.play(conversation), scope)
  fake.hear("a story", "stop it", "another")
  fake.answer("a story", "Once there was a fox. It lived in a wood.")
  fake.answer("another", "There was a bear in the wood as well.")
  yield* line.quiet(1500)
  yield* line.voice(600)
  yield* line.quiet(1500)
  yield* line.voice(600)
  yield* line.quiet(2000)
  yield* conversation.signal(Signal.Digit({ digit: "1" }))
  fake.reply.next(FakeEngines.fails(), FakeEngines.fails())
  yield* line.voice(600)
  yield* line.quiet(1000)
  yield* Scope.close(scope, Exit.void)
  return { fake, line }
})

/** Reads a file as soon as it contains `part`. It is written by a fiber beside the call. */
const readOnce = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, file: string, part: string) {
  for (let tries = 0; tries < 10_000; tries++) {
    const text = yield* Effect.orElseSucceed(fs.readFileString(file), () => "")
    if (text.includes(part)) return text
  }
  return assert.fail(`${file} never contained ${part}`)
})

describe("event logs", () => {
  it.effect("are off unless a folder is named", () =>
    Effect.gen(function*() {
      const { open } = yield* recordingsIn()
      assert.isUndefined(yield* open("CA1", definition))
    }))

  it.effect("hold a call's events, and a replay gives the call's commands", () =>
    inFolder((folder, fs) =>
      Effect.gen(function*() {
        const { fake, line } = yield* talk(yield* recordingsIn(`${folder}/deep/down`), "CA1")
        const text = yield* readOnce(fs, `${folder}/deep/down/CA1.jsonl`, "\"HungUp\"")
        const recording = Result.getOrThrow(Replay.parse(text))
        assert.deepStrictEqual(recording.events, line.events)

        const commands = Replay.play(recording).flat()
        const of = <Tag extends (typeof commands)[number]["_tag"]>(tag: Tag) =>
          commands.filter((command): command is Extract<(typeof commands)[number], { readonly _tag: Tag }> => command._tag === tag)
        assert.deepStrictEqual(of("Publish").map(({ event }) => event), line.published)
        assert.deepStrictEqual(of("StartReply").map(({ request }) => request), (yield* Ref.get(fake.reply.requests)).map(({ asked: { history, state } }) => ({ history, state })))
        assert.deepStrictEqual(of("Speak").map(({ text }) => text), (yield* Ref.get(fake.speak.requests)).map(({ asked }) => asked))
        assert.strictEqual(of("Clear").length, line.left.filter(({ _tag }) => _tag === "Clear").length)
        assert.isAbove(of("Clear").length, 0)
        // A second replay gives the same commands.
        assert.deepStrictEqual(Replay.play(recording).flat(), commands)
      })
    ))

  it.effect("can be read by the owner alone, and stay in their folder whatever a call's ID is", () =>
    inFolder((folder, fs) =>
      Effect.gen(function*() {
        const path = yield* Path.Path
        const { open } = yield* recordingsIn(`${folder}/in`)
        const scope = yield* Scope.make()
        yield* Scope.provide(open("../../CA/1", definition), scope)
        yield* Scope.close(scope, Exit.void)
        yield* readOnce(fs, `${folder}/in/______CA_1.jsonl`, "settings")
        assert.deepStrictEqual(yield* fs.readDirectory(folder), ["in"])
        const { mode } = yield* fs.stat(path.join(folder, "in", "______CA_1.jsonl"))
        assert.strictEqual(mode & 0o777, 0o600)
      })
    ))

  it.effect("are complete even if the service stops right after the call", () =>
    inFolder((folder, fs) =>
      Effect.gen(function*() {
        const service = yield* Scope.make()
        const { open } = yield* Scope.provide(recordingsIn(folder), service)
        const call = yield* Scope.make()
        const record = yield* Scope.provide(open("CA1", definition), call)
        for (let at = 0; at < 1000; at++) record?.({ _tag: "Digit", at, digit: "1" })
        yield* Scope.close(call, Exit.void)
        yield* Scope.close(service, Exit.void)
        const recording = Result.getOrThrow(Replay.parse(yield* fs.readFileString(`${folder}/CA1.jsonl`)))
        assert.strictEqual(recording.events.length, 1000)
      })
    ))

  it.effect("are kept apart for calls at the same time", () =>
    inFolder((folder, fs) =>
      Effect.gen(function*() {
        const { open } = yield* recordingsIn(folder)
        const scope = yield* Scope.make()
        const one = yield* Scope.provide(open("CA1", definition), scope)
        const two = yield* Scope.provide(open("CA2", definition), scope)
        one?.({ _tag: "Digit", at: 1, digit: "1" })
        two?.({ _tag: "Digit", at: 2, digit: "2" })
        one?.({ _tag: "HungUp", at: 3 })
        two?.({ _tag: "HungUp", at: 4 })
        yield* Scope.close(scope, Exit.void)
        const first = Result.getOrThrow(Replay.parse(yield* readOnce(fs, `${folder}/CA1.jsonl`, "HungUp")))
        const second = Result.getOrThrow(Replay.parse(yield* readOnce(fs, `${folder}/CA2.jsonl`, "HungUp")))
        assert.deepStrictEqual(first.events.map(({ at }) => at), [1, 3])
        assert.deepStrictEqual(second.events.map(({ at }) => at), [2, 4])
      })
    ))

  it.effect("do not end a call if they can't be written; a log line says where to look", () => {
    const lines: Array<string> = []
    const keep = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    return inFolder((folder, fs) =>
      Effect.gen(function*() {
        // Not even the super-user can make a folder inside a file.
        yield* fs.writeFileString(`${folder}/file`, "")
        const { line } = yield* talk(yield* recordingsIn(`${folder}/file/in`), "CA1")
        assert.strictEqual(line.tales("AgentHeard").at(-1)?.turn, line.tales("AgentSays").at(-1)?.turn)
        assert.deepStrictEqual(line.tales("Ended").map(({ reason }) => reason), ["callerHungUp"])
        for (let tries = 0; tries < 10_000 && lines.length === 0; tries++) yield* fs.exists(folder)
        assert.strictEqual(lines.length, 1)
        assert.match(lines[0], /^Warn .*EVENTS_DIR/)
      })
    ).pipe(Effect.provide(Logger.layer([keep])))
  })
})

describe("an event log", () => {
  const whole = [Replay.header(definition), Replay.eventLine({ _tag: "Began", at: 0 }), Replay.eventLine({ _tag: "HungUp", at: 5 })].join("\n")

  it("of a killed call is replayed as far as it goes", () => {
    const cut = Result.getOrThrow(Replay.parse(whole.slice(0, -3)))
    assert.deepStrictEqual(cut.events, [{ _tag: "Began", at: 0 }])
  })

  it.each([
    ["nothing", "", "settings"],
    ["no JSON", "hello", "settings"],
    ["another version", whole.replace("\"version\":1", "\"version\":2"), "version is 2"],
    ["damage in the middle", whole.replace("\"Began\"", "Began"), "Line 2"]
  ])("of %s says what is wrong with it", (_, text, part) => {
    const result = Replay.parse(text)
    assert(Result.isFailure(result))
    assert.include(result.failure.reason, part)
  })
})
