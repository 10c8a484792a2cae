import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Metric, Ref, References, Scope } from "effect"
import type { Agent } from "../../../src/agent/Agent.ts"
import * as ConversationAgent from "../../../src/agent/ConversationAgent.ts"
import { ConversationFactory } from "../../../src/agent/ConversationFactory.ts"
import { TurnEventLog } from "../../../src/agent/TurnEventLog.ts"
import { Signal } from "../../../src/conversation/ports/AudioPort.ts"
import * as Metrics from "../../../src/observability/Metrics.ts"
import * as FakeEngines from "../../support/engines/FakeEngines.ts"
import * as FakeLine from "../../support/conversation/FakeLine.ts"
import { definition } from "../../support/conversation/AgentDefinitions.ts"

const NoRecordings = Layer.succeed(TurnEventLog, TurnEventLog.of({ open: () => Effect.undefined }))

const agentWith = (fake: FakeEngines.FakeEngines, own = definition) =>
  Effect.flatMap(
    Layer.build(ConversationAgent.layer.pipe(Layer.provide([fake.layer, NoRecordings]))),
    (context) => Effect.flatMap(ConversationFactory, ({ agentOf }) => agentOf(own)).pipe(Effect.provide(context))
  )

/** A call to the agent; the line's marks come back as signals. */
const call = Effect.fnUntraced(function*(agent: Agent, { isRecorded = false } = {}) {
  const line = yield* FakeLine.make
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const answered = yield* Scope.provide(agent.answer({ ...line.end, isRecorded }), scope)
  yield* Scope.provide(line.play(answered), scope)
  return { ...line, press: (digit: string) => answered.signal(Signal.Digit({ digit })), hangUp: Scope.close(scope, Exit.void) }
})

/** Runs a test with the lines that are logged, each with its message and annotations as one text. */
const logging = <A, E, R>(test: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const keep = Logger.make(({ fiber, logLevel, message }) =>
    void lines.push(JSON.stringify({ logLevel, message, ...fiber.getRef(References.CurrentLogAnnotations) })))
  return test(lines).pipe(
    Effect.provide(Logger.layer([keep])),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )
}

/** How often each stage of a turn was timed. */
const timed = (stage: string) => Effect.map(Metric.value(Metrics.turnLatency(stage)), ({ count, max }) => ({ count, max }))
const count = (metric: Metric.Metric<number, Metric.CounterState<number>>) => Effect.map(Metric.value(metric), ({ count }) => Number(count))

const question = "who stole the tarts"
const answer = "Knave of hearts did. He took them all away."

describe("an agent that can be talked to", () => {
  it.effect("prepares its engines and tries the detector before the first call", () =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      const agent = yield* agentWith(fake)
      assert.strictEqual(agent.name, definition.name)
      assert.strictEqual(agent.sampleRate, 8000)
      const { hints, lines, definition: given } = yield* Ref.get(fake.prepared)
      assert.deepStrictEqual(hints, { ...definition.hints, pause: definition.endpointing.silence })
      assert.strictEqual(given, definition)
      assert.sameMembers([...lines ?? []], Object.values(definition.lines))
      assert.strictEqual(yield* fake.unfinished, 0)
    }))

  it.effect.each([
    { isRecorded: true, said: `This call is recorded. ${definition.lines.greeting}` },
    { isRecorded: false, said: definition.lines.greeting }
  ])("says before the greeting that the call is recorded, only if it is: $isRecorded", ({ isRecorded, said }) =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      const agent = yield* agentWith(fake, { ...definition, lines: { ...definition.lines, recorded: "This call is recorded." } })
      const caller = yield* call(agent, { isRecorded })
      yield* caller.quiet(3000)
      assert.deepStrictEqual(caller.tales("AgentHeard").map(({ text }) => text), [said])
      assert.include((yield* Ref.get(fake.prepared)).lines ?? [], said)
    }))

  it.effect("talks, takes keys and marks as signals, and ends with the call's scope", () =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      fake.answer("1", answer)
      const caller = yield* call(yield* agentWith(fake))
      yield* caller.quiet(1500)
      assert.deepStrictEqual(caller.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting])
      yield* caller.press("1")
      yield* caller.press("#")
      yield* caller.quiet(3500)
      assert.deepStrictEqual(caller.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting, answer])
      yield* caller.hangUp
      assert.strictEqual(yield* fake.unfinished, 0)
      assert.deepStrictEqual(caller.tales("Ended").map(({ reason }) => reason), ["callerHungUp"])
    }))

  it.effect("measures each stage of a turn, and logs one line without any spoken word", () =>
    logging((lines) =>
      Effect.gen(function*() {
        const fake = FakeEngines.make()
        fake.hear(question)
        fake.answer(question, answer)
        const caller = yield* call(yield* agentWith(fake))
        yield* caller.quiet(1500)
        yield* caller.voice(600)
        yield* caller.quiet(4000)
        yield* caller.hangUp

        for (const stage of ["transcript", "firstText", "firstClause", "firstSound", "endpoint", "firstMedia", "firstMark"]) {
          assert.strictEqual((yield* timed(stage)).count, 1, stage)
        }
        // Seconds, from the last voiced sample.
        assert.strictEqual((yield* timed("transcript")).max, 0.12)
        assert.strictEqual((yield* timed("firstMedia")).max, 0.25)

        const turns = lines.filter((line) => line.includes("\"turn\":1") && line.includes("firstMedia"))
        assert.strictEqual(turns.length, 1)
        assert.include(turns[0], "\"firstMedia\":250")
        assert.include(turns[0], "\"transcript\":120")
        const words = `${question} ${answer} ${definition.lines.greeting}`.split(/[^A-Za-z]+/).filter((word) => word.length > 3)
        for (const word of words) assert.notInclude(lines.join("\n").toLowerCase(), word.toLowerCase())
      })
    ))

  it.effect("measures interruptions, and counts false ones", () =>
    logging((lines) =>
      Effect.gen(function*() {
        const fake = FakeEngines.make()
        fake.hear(question, FakeEngines.cough)
        fake.answer(question, answer)
        const caller = yield* call(yield* agentWith(fake))
        yield* caller.quiet(1500)
        yield* caller.voice(600)
        yield* caller.quiet(1000)
        yield* caller.voice(400)
        yield* caller.quiet(3000)
        const { count: times, max } = yield* Metric.value(Metrics.bargeInLatency)
        assert.strictEqual(times, 1)
        assert.closeTo(max, 0.2, 0.04)
        assert.strictEqual(yield* count(Metrics.falseInterruptions), 1)
        assert.strictEqual(lines.filter((line) => line.includes("barge-in")).length, 1)
      })
    ))

  it.effect("counts its engines' failures by stage and reason, and warns without any spoken word", () =>
    logging((lines) =>
      Effect.gen(function*() {
        const fake = FakeEngines.make()
        fake.hear(question)
        const caller = yield* call(yield* agentWith(fake))
        yield* caller.quiet(1500)
        fake.judge.next(FakeEngines.dies)
        fake.transcribe.next(FakeEngines.fails("unavailable"))
        fake.reply.next(FakeEngines.hangs, FakeEngines.fails("refused"))
        fake.speak.next(FakeEngines.hangs)
        yield* caller.voice(600)
        yield* caller.quiet(600)
        yield* caller.gap(6000)
        yield* caller.gap(6000)
        const failures = yield* Effect.all({
          judge: count(Metrics.engineFailures("voiceActivity", "broken")),
          transcribe: count(Metrics.engineFailures("speechToText", "unavailable")),
          reply: count(Metrics.engineFailures("replyModel", "timeout")),
          again: count(Metrics.engineFailures("replyModel", "refused")),
          speak: count(Metrics.engineFailures("textToSpeech", "timeout"))
        })
        assert.deepStrictEqual(failures, { judge: 1, transcribe: 1, reply: 1, again: 1, speak: 1 })
        const warnings = lines.filter((line) => line.includes("\"Warn\""))
        assert.strictEqual(warnings.length, 5)
        assert.notInclude(lines.join("\n"), "tarts")
      })
    ))

  it.effect("does not let a call that fails in every way disturb another", () =>
    Effect.gen(function*() {
      const fake = FakeEngines.make()
      const agent = yield* agentWith(fake)
      const bad = yield* call(agent)
      yield* bad.quiet(1500)
      // The reply in the bad call hangs for a minute.
      fake.hear("one", question)
      fake.answer(question, answer)
      fake.reply.next({ ...FakeEngines.hangs, letGo: 60_000 })
      yield* bad.voice(600)
      yield* bad.quiet(400)
      const good = yield* call(agent)
      yield* good.quiet(1500)
      yield* good.voice(600)
      yield* good.quiet(3500)
      assert.deepStrictEqual(good.tales("AgentHeard").map(({ text }) => text), [definition.lines.greeting, answer])
      assert.deepStrictEqual(good.tales("EngineTrouble"), [])
      yield* good.hangUp
      yield* bad.gap(60_000)
    }))
})
