import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Option, Schema, type Scope } from "effect"
import { Agents } from "../../../../src/agent/Agents.ts"
import { CallRegistry } from "../../../../src/call/CallRegistry.ts"
import { Prices } from "../../../../src/call/cost/Prices.ts"
import { CallHistories } from "../../../../src/call/history/CallHistories.ts"
import * as SettingsChoice from "../../../../src/call/history/SettingsChoice.ts"
import { CallRecorder } from "../../../../src/call/recording/CallRecorder.ts"
import * as ContinueUrl from "../../../../src/call/registry/ContinueUrl.ts"
import { AgentName } from "../../../../src/domain/AgentName.ts"
import * as WebhookCalls from "../../../../src/http/webhooks/WebhookCalls.ts"
import type { StoredCall } from "../../../../src/store/CallStore.ts"
import { CallParameters, ContinueParameters } from "../../../../src/twilio/webhook/WebhookParameters.ts"
import { silent } from "../../../support/conversation/Agents.ts"
import { accountSid, caller, callSid, ours } from "../../../support/conversation/Samples.ts"
import { config, identity } from "../../../support/service/TestConfig.ts"
import { pass, settle } from "../../../support/service/Time.ts"
import * as RecordingStore from "../../../support/store/RecordingStore.ts"
import { layer as fakeRest } from "../../../support/telephone/FakeRestClient.ts"

const base = "https://calls.example.com"
const noRecorder = Layer.succeed(CallRecorder, CallRecorder.of({ isRecorded: () => false, listen: () => Effect.die("nothing is recorded") }))
const shop = { ...silent, name: AgentName.make("shop") }

/** Runs a test with a process that does not know the call. */
const withCalls = <A, E>(test: (bench: {
  readonly calls: Effect.Success<typeof WebhookCalls.make>
  readonly registry: CallRegistry["Service"]
  readonly store: RecordingStore.RecordingStore
}) => Effect.Effect<A, E, Scope.Scope>, env: Readonly<Record<string, string>> = {}) =>
  Effect.suspend(() => {
    const store = RecordingStore.make()
    return Effect.flatMap(Effect.all([WebhookCalls.make, CallRegistry]), ([calls, registry]) => test({ calls, registry, store })).pipe(
      Effect.provide(CallRegistry.layer.pipe(
        Layer.provide(CallHistories.layer),
        Layer.provideMerge([Agents.layerWith([silent, shop]), identity()]),
        Layer.provide([store.layer, noRecorder, Prices.layerNone, fakeRest]),
        Layer.provide(config({ AGENT: silent.name, ...env }))
      )),
      Effect.scoped
    )
  })

const parameters = (direction: "inbound" | "outbound-api") => ({
  AccountSid: accountSid,
  CallSid: callSid(),
  CallStatus: "in-progress",
  Direction: direction,
  From: direction === "inbound" ? caller : ours,
  To: direction === "inbound" ? ours : caller
})

const webhook = (query: Readonly<Record<string, string>>, direction: "inbound" | "outbound-api" = "outbound-api") =>
  ({ base, query, parameters: parameters(direction) })

const readCall = (direction: "inbound" | "outbound-api") => Schema.decodeUnknownSync(CallParameters)(parameters(direction))
const continued = Schema.decodeUnknownSync(ContinueParameters)(parameters("outbound-api"))

describe("a call that another process placed, while the store can't be asked", () => {
  it.effect.each<readonly [string, Readonly<Record<string, string>>, "inbound" | "outbound-api", boolean]>([
    ["figures only, as its ticket says", { agent: "shop", ticket: "f1a2b" }, "outbound-api", false],
    ["words, as its ticket says", { agent: "shop", ticket: "w1a2b" }, "outbound-api", true],
    ["words, as its URL has an agent and no ticket", { agent: "shop" }, "outbound-api", true],
    ["figures only, as the fallback's URL does not say what its request asked for", {}, "outbound-api", false],
    ["words, as it is inbound", {}, "inbound", true]
  ])("is kept: %s", ([, query, direction, keepsWords]) =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        store.isDown = true
        yield* calls.admitAnywhere(readCall(direction), webhook(query, direction))
        assert.deepStrictEqual(store.of("CallBegan").map(({ keeping }) => keeping.words), [keepsWords])
      })))

  it.effect("goes on with its agent, and still keeps figures only, after that process died", () =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        store.isDown = true
        const url = new URL(ContinueUrl.of({ agent: shop, settings: SettingsChoice.of(shop, "plain", { keepsWords: false }) }, base, 3))
        assert.strictEqual(url.searchParams.get("step"), "3")
        const call = Option.getOrThrow(yield* calls.findAnywhere(continued, webhook(Object.fromEntries(url.searchParams))))
        assert.strictEqual(call.info.agent, shop)
        assert.deepStrictEqual(store.of("CallBegan").map(({ agent, keeping }) => [agent, keeping.words]), [["shop", false]])
      })))

  it.effect("goes on with the standard agent if this process does not have the call's agent", () =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        store.isDown = true
        const call = Option.getOrThrow(yield* calls.findAnywhere(continued, webhook({ agent: "gone" })))
        assert.strictEqual(call.info.agent, silent)
      })))
})

describe("a call that another process had", () => {
  const elsewhere = (change: Partial<StoredCall> = {}) => RecordingStore.stored(callSid(), { accountSid, agent: "shop", ...change })

  it.effect.each(["agentLeft", "tooLong", "mediaTimeout", "requested", "agentFailed"])("does not go on if that process ended it: %s", (endReason) =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), elsewhere({ endedAt: 70_000, endReason }))
        assert.isTrue(Option.isNone(yield* calls.findAnywhere(continued, webhook({ agent: "shop" }))))
        const error = yield* Effect.flip(calls.admitAnywhere(readCall("inbound"), webhook({}, "inbound")))
        assert.strictEqual(error._tag, "CallHasEnded")
      })))

  it.effect.each(["streamLost", "callerLeft", "shutdown", "noStream"])("goes on if it only seemed to end: %s", (endReason) =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), elsewhere({ endedAt: 70_000, endReason }))
        assert.isTrue(Option.isSome(yield* calls.findAnywhere(continued, webhook({ agent: "shop" }))))
      })))

  it.effect("gets Twilio's final status with the reason and the time of its end, if its process died before the report", () =>
    withCalls(({ registry, store }) =>
      Effect.gen(function*() {
        store.known.set(callSid(), elsewhere({ endedAt: 70_000, endReason: "agentLeft" }))
        yield* registry.report(callSid(), "completed", 4, { durationSeconds: 12 })
        yield* pass(11_000)
        const write = store.of("CallEnded").at(-1)
        assert.strictEqual(write?.at, 70_000)
        assert.include(write?.outcome, { reason: "agentLeft", endedBy: "agent", durationSeconds: 12, final: true })
      })))

  it.effect("goes on even if all lines are busy here, because it had a line before", () =>
    withCalls(({ calls, registry, store }) =>
      Effect.gen(function*() {
        yield* registry.admit({ callSid: callSid(2), direction: "inbound", from: Option.some(caller), to: Option.some(ours), agent: silent })
        store.known.set(callSid(), elsewhere())
        assert.isTrue(Option.isSome(yield* calls.findAnywhere(continued, webhook({ agent: "shop" }))))
      }), { MAX_CALLS: "1" }))

  it.effect("is left to another process if this one is stopping: Twilio's request fails, and is repeated", () =>
    withCalls(({ calls, registry, store }) =>
      Effect.gen(function*() {
        yield* registry.drain(Duration.zero)
        store.known.set(callSid(), elsewhere())
        const errors = [
          yield* Effect.flip(calls.findAnywhere(continued, webhook({ agent: "shop" }))),
          yield* Effect.flip(calls.admitAnywhere(readCall("inbound"), webhook({}, "inbound")))
        ]
        assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["Stopping", "Stopping"])
      })))
})

describe("a call that another process has placed a moment ago", () => {
  it.effect("is kept as its request asked, once that process has stored it", () =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        const admitted = yield* Effect.forkChild(calls.admitAnywhere(readCall("outbound-api"), webhook({ agent: "shop", ticket: "w1a2b" })))
        yield* pass(300)
        store.known.set(callSid(), RecordingStore.stored(callSid(), { accountSid, agent: "shop", parts: 0, metadata: { order: 7 } }))
        yield* pass(300)
        const { call, request } = yield* Fiber.join(admitted)
        assert.strictEqual(request, "first")
        assert.deepStrictEqual(call.info.settings.metadata, { order: 7 })
      })))

  it.effect("is not looked up again if its URL has no ticket", () =>
    withCalls(({ calls, store }) =>
      Effect.gen(function*() {
        const admitted = yield* Effect.forkChild(calls.admitAnywhere(readCall("outbound-api"), webhook({ agent: "shop" })))
        yield* settle
        yield* Fiber.join(admitted)
        assert.strictEqual(store.asked(), 1)
      })))
})
