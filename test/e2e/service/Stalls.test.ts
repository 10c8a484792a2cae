/**
 * Conversations over a network that stalls and then brings everything at once, as TCP does. The words are the same as without a stall,
 * with the recognizer in the process and with one at an address.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { join } from "node:path"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import * as FakeSpeechServers from "../../support/engines/FakeSpeechServers.ts"
import { converse, those, words } from "../../support/service/Conversing.ts"
import { type Both, withService } from "../../support/service/Service.ts"
import { streamEnds } from "../../support/service/Talk.ts"

const { HangUp, Silence } = Caller.Step

const question = "What are your opening hours?"
const answer = "We are open Monday to Friday. From eight to five."
const second = "Where are you?"
const address = "We are at twenty Maple Street."

/** The agent has no greeting, so the caller speaks a second after the stream's start, and a stall can hit a known moment of the sentence. */
const agentFile = `
name: desk
greeting: ""
intents:
  hours: { phrases: what are your opening hours, answer: ${answer} }
  where: { phrases: where are you, answer: ${address} }
timeouts: { transcript: 20s, reply: 20s, speech: 20s }
idle: { after: 60s, hangUpAfter: 90s }
`

/** ms from the stream's start; the sentence lasts from 1000 to about 2400. */
const moments = { begin: 900, middle: 1600, end: 2300, pause: 2500, answer: 4000 }

const lengths = [200, 600, 1500, 2500, 5000]
const stalls = Object.entries(moments).flatMap(([where, atMillis]) => lengths.map((forMillis) => ({ where, atMillis, forMillis })))

/** A failed test is repeated: calls are in real time, and a stall of the machine damages the caller's sound. */
const inRealTime = { timeout: 300_000, retry: 2 }

const say = (text: string) => Caller.Step.Speak({ text, voice: "rms" })

const holds = Effect.fnUntraced(function*(both: Both, { atMillis, forMillis, where }: typeof stalls[number], heardOf: (text: string) => string) {
  const conversation = yield* converse(
    both,
    ({ heardOut }) => [Silence({ duration: "1 second" }), say(question), heardOut(), say(second), heardOut(), HangUp()],
    { faults: { stall: { atMillis, forMillis } } }
  )
  const published = yield* conversation.over
  const name = `${forMillis} ms at the ${where}`
  assert.deepStrictEqual(words(published), [`caller: ${heardOf(question)}`, `agent: ${answer}`, `caller: ${heardOf(second)}`, `agent: ${address}`], name)
  assert.strictEqual(those(published, "EngineTrouble").length, 0, name)
  assert.deepStrictEqual(yield* streamEnds(conversation.call), ["callerHungUp"], name)
})

const withAgent = <A, E, R>(env: Readonly<Record<string, string>>, test: (both: Both) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const file = join(yield* fs.makeTempDirectoryScoped(), "desk.yaml")
    yield* fs.writeFileString(file, agentFile)
    return yield* withService({ env: { AGENT: file, ...env } }, test)
  })

const plain = (text: string) => text.toLowerCase().replaceAll(/[?.]/g, "")

const five = { concurrency: 5, discard: true } as const

layer(Layer.mergeAll(CallerSpeech.layer).pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })("a stall of the network", (it) => {
  it.effect("changes no word of a conversation with the recognizer in the process", () =>
    withAgent({}, (both) =>
      Effect.gen(function*() {
        yield* Effect.forEach(stalls, (stall) => holds(both, stall, plain), five)
        const metrics = yield* both.service.metrics
        for (const reason of ["agentSlow", "networkBurst", "networkLoss"]) {
          assert.strictEqual(metrics("client_caller_frames_dropped_total", { reason }), 0, reason)
        }
      })), inRealTime)

  it.effect("changes no word of a conversation with a recognizer at an address", () =>
    Effect.gen(function*() {
      const { speak } = yield* CallerSpeech
      const sentences = yield* Effect.forEach([question, second], (text) =>
        Effect.map(speak(text, "rms"), (sound) => ({ text, sound, sampleRate: 8000 as const })))
      const ears = yield* FakeSpeechServers.transcription({ hears: FakeSpeechServers.bySound(sentences) })
      yield* withAgent({ STT_URL: `${ears.url}/v1` }, (both) =>
        Effect.forEach(stalls.filter(({ forMillis }) => forMillis !== 200), (stall) => holds(both, stall, (text) => text), five))
    }), inRealTime)
})
