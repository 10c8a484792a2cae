/** Calls whose media WebSocket is cut while the telephone call goes on: the same process goes on with them. */
import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import { RestFault } from "../../../src/simulator/twilio/Faults.ts"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../support/engines/FakeHttpServer.ts"
import * as Balancer from "../../support/service/Balancer.ts"
import { converse, type Conversation, those, type LiveEvent, words } from "../../support/service/Conversing.ts"
import * as Diner from "../../support/service/Diner.ts"
import { apiKey, at, authToken, type Both, type Options, Service, until, withService } from "../../support/service/Service.ts"

const { HangUp, Press, Silence } = Caller.Step

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

const resumed = "Sorry, we were cut off."

/** A failed test is repeated: calls are in real time, and a stall of the machine damages the caller's sound. */
const inRealTime = { timeout: 180_000, retry: 2 }

interface Bench extends Both {
  readonly cut: Effect.Effect<void>
}

/** The service behind a proxy that can cut Twilio's media streams. */
const withCuts = <A, E, R>({ env, ...options }: Options, test: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const balancer = yield* Balancer.make
    return yield* withService({ ...options, env: { PUBLIC_URL: balancer.url, ...env } }, ({ service, simulator }) => {
      balancer.send([Number(new URL(service.url).port)])
      const between = Service.of(at(balancer.url, apiKey, simulator.accountSid, authToken))
      return test({ service: between, simulator, cut: balancer.cutStreams })
    })
  }).pipe(Effect.scoped, Effect.provide(CallerSpeech.layer.pipe(Layer.provideMerge(NodeServices.layer))))

const untilEvents = (call: SimulatedCall, tag: string, count: number) =>
  until(`${count} × ${tag}`, Effect.map(call.events, (events) => events.filter(({ _tag }) => _tag === tag).length), (found) => found >= count)

const agentHeard = (published: ReadonlyArray<LiveEvent>) => those(published, "AgentHeard").map(({ text }) => text)

const times = (published: ReadonlyArray<LiveEvent>, text: string) => agentHeard(published).join(" ").split(text).length - 1

/** The end is reported once, as the last event, with this reason. */
const assertEnd = (published: ReadonlyArray<LiveEvent>, reason: string) => {
  assert.deepStrictEqual(those(published, "Ended").map(({ reason }) => reason), [reason], JSON.stringify(words(published)))
  assert.strictEqual(published.at(-1)?._tag, "Ended")
}

/** The call as `GET /calls/{sid}` has it, once its end is there. */
const outcomeOf = ({ service }: Both, { call }: Conversation) =>
  until(
    "the outcome",
    Effect.map(service.ask(`/calls/${call.sid}`, { headers: { authorization: `Bearer ${apiKey}` } }), ({ json }) => json as Record<string, unknown>),
    ({ final }) => final === true
  )

interface StoredAction {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly answer: string | null
}

const actionsOf = ({ service }: Both, { call }: Conversation) =>
  Effect.map(
    service.ask(`/calls/${call.sid}/transcript`, { headers: { authorization: `Bearer ${apiKey}` } }),
    ({ json }) => (json as { readonly actions: ReadonlyArray<StoredAction> }).actions
  )

describe("a call whose stream is cut", () => {
  it.live("while the agent speaks goes on with what the caller has not heard", () =>
    withCuts({ env: { AGENT: "receptionist" } }, (bench) =>
      Effect.gen(function*() {
        const one = yield* converse(bench, (cues) => [
          cues.heardOut(), say("What are your opening hours?"), cues.heardOut(), say("Where are you?"), cues.heardOut(), say("Goodbye.")
        ])
        const { published } = one
        // The caller has heard the first sentence of the answer.
        const { turn } = yield* one.awaitServiceEvent("AgentSays", ({ text }) => text.includes("Monday to Friday"))
        // The service has the first mark of the answer.
        yield* one.awaitServiceEvent("TurnMeasured", (event) => event.turn === turn)
        yield* bench.cut
        yield* one.over

        assert.strictEqual(times(published, "help you?"), 1)
        assert.strictEqual(times(published, "Monday to Friday."), 1)
        assert.strictEqual(times(published, resumed), 1)
        assert.isTrue(agentHeard(published).some((text) => text.startsWith(resumed) && text.endsWith("From eight to five.")), JSON.stringify(words(published)))
        assert.isTrue(agentHeard(published).some((text) => text.includes("library")), "the next question is answered")
        assertEnd(published, "goodbye")
        assert.include(yield* outcomeOf(bench, one), { memory_lost: false, resumptions: 1, ended_by: "agent" })
      })), inRealTime)

  it.live("while the caller speaks goes on, and the caller's question is answered when it is said again", () =>
    withCuts({ env: { AGENT: "receptionist" } }, (bench) =>
      Effect.gen(function*() {
        const one = yield* converse(bench, (cues) => [
          cues.heardOut(),
          say("What are your opening hours?"),
          Silence({ duration: "3 seconds" }),
          say("What are your opening hours?"),
          cues.heard("to five."),
          HangUp()
        ])
        const { call, published } = one
        yield* until("the caller's voice", Effect.map(call.said, (sound) => sound.filter((sample) => Math.abs(sample) > 1000).length), (loud) => loud > 500)
        yield* bench.cut
        yield* one.over

        assert.strictEqual(times(published, "help you?"), 1)
        assert.strictEqual(those(published, "AgentSays").filter(({ text }) => text === resumed).length, 1)
        assert.isTrue(agentHeard(published).some((text) => text.includes("to five.")), JSON.stringify(words(published)))
        assertEnd(published, "callerHungUp")
        assert.include(yield* outcomeOf(bench, one), { memory_lost: false, resumptions: 1, ended_by: "caller" })
      })), inRealTime)

  it.live("while a tool runs uses the tool's answer, and calls the tool once", () =>
    Effect.gen(function*() {
      let answer = () => {}
      const answered = new Promise<void>((resolve) => {
        answer = resolve
      })
      const bookings = yield* FakeHttpServer.make(async (exchange) => {
        await answered
        return FakeHttpServer.send(exchange, { pieces: ["Booked as number seventeen."] })
      })
      const chat = yield* FakeChatServer.make({
        model: "some-model",
        tools: true,
        say: ({ messages }) => {
          const published = messages.find(({ role }) => role === "tool")
          return published === undefined ? { text: "One moment, please.", calls: [{ name: "book", arguments: { guests: 2 } }] } : { text: published.content ?? "" }
        }
      })
      const agent = yield* Diner.file(bookings.url)
      yield* withCuts({ env: { AGENT: agent, LLM_URL: chat.base } }, (bench) =>
        Effect.gen(function*() {
          const one = yield* converse(bench, (cues) => [
            cues.heardOut(),
            Press({ digits: "1#" }),
            cues.heard("seventeen"),
            HangUp()
          ])
          const { call, published } = one
          yield* bookings.until(() => bookings.received.length === 1)
          // Two cuts: each stream waits for the answer as the one before it did.
          for (const stream of [2, 3]) {
            yield* bench.cut
            yield* untilEvents(call, "StreamStarted", stream)
            yield* until("the agent's voice", Effect.sync(() => those(published, "AgentSays").filter(({ text }) => text === resumed).length), (count) => count === stream - 1)
          }
          answer()
          yield* one.over

          assert.strictEqual(bookings.received.length, 1)
          assert.strictEqual(times(published, "Booked as number seventeen."), 1)
          assertEnd(published, "callerHungUp")
          assert.deepStrictEqual((yield* actionsOf(bench, one)).map(({ answer, kind, state }) => [kind, state, answer]), [["tool", "answered", "Booked as number seventeen."]])
        }))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), inRealTime)

  it.live("during a transfer request that Twilio does not answer goes on, says that the transfer failed, and requests it once", () =>
    withCuts({
      env: { AGENT: fileURLToPath(new URL("../../fixtures/switchboard.yaml", import.meta.url)), TWILIO_TIMEOUT: "3s" },
      simulator: { restFaults: ({ parameters }) => parameters["Twiml"] === undefined ? undefined : RestFault.Hang() }
    }, (bench) =>
      Effect.gen(function*() {
        const transfers = Effect.map(bench.simulator.requests, (all) => all.filter(({ parameters }) => parameters["Twiml"] !== undefined).length)
        const one = yield* converse(bench, (cues) => [
          cues.heardOut(),
          Press({ digits: "1#" }),
          cues.heard("could not put you through"),
          HangUp()
        ])
        const { published } = one
        yield* until("the transfer", transfers, (count) => count === 1)
        yield* bench.cut
        yield* one.over

        assert.strictEqual(times(published, resumed), 1)
        assert.strictEqual(yield* transfers, 1)
        assert.deepStrictEqual(those(published, "TransferFailed").map(({ to }) => to), ["office"])
        assertEnd(published, "callerHungUp")
        assert.deepStrictEqual((yield* actionsOf(bench, one)).filter(({ kind }) => kind === "transfer").map(({ state }) => state), ["unknown"])
      })), inRealTime)

  it.live("five times in a row goes on each time, and is given up at the sixth cut", () =>
    withCuts({ env: { AGENT: "receptionist" } }, (bench) =>
      Effect.gen(function*() {
        const one = yield* converse(bench, (cues) => [
          cues.heardOut(), say("What are your opening hours?"), cues.heardOut(), say("Where are you?"), cues.heardOut()
        ])
        const { call, published } = one
        const { turn } = yield* one.awaitServiceEvent("AgentSays", ({ text }) => text.includes("Monday to Friday"))
        // The service has the first mark of the answer.
        yield* one.awaitServiceEvent("TurnMeasured", (event) => event.turn === turn)
        for (let cut = 1; cut <= 5; cut++) {
          yield* bench.cut
          yield* untilEvents(call, "FirstSound", cut + 1)
        }
        yield* until("the next answer", Effect.sync(() => agentHeard(published)), (all) => all.some((text) => text.includes("library")))
        assert.strictEqual(times(published, "Monday to Friday."), 1)
        assert.strictEqual(those(published, "Ended").length, 0)
        assert.isTrue(agentHeard(published).some((text) => text === `${resumed} From eight to five.`), JSON.stringify(words(published)))

        yield* bench.cut
        assert.strictEqual(yield* call.settled, "completed")
        yield* one.over
        assertEnd(published, "streamLost")
        const ends = (yield* call.events).flatMap((event) => event._tag === "StreamEnded" ? [event.why] : [])
        assert.deepStrictEqual(ends, Array.from({ length: 6 }, () => "connectionLost"))
        assert.include(yield* outcomeOf(bench, one), { memory_lost: false, reason: "streamLost" })
      })), inRealTime)
})
