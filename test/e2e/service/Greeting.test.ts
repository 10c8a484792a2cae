/**
 * Outbound calls in which the callee speaks into the agent's greeting, with the engines of this process and with engines at addresses.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { join } from "node:path"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeSpeechServers from "../../support/engines/FakeSpeechServers.ts"
import { those, watch, words } from "../../support/service/Conversing.ts"
import { type Both, somebody, withService } from "../../support/service/Service.ts"

const greeting = "Good day, this is Corner Bakery. It is about the cake that you ordered for Sunday. Do you have a moment for me?"

const agentFile = `
name: bakery
greeting: ${greeting}
timeouts: { transcript: 20s, reply: 20s, speech: 20s }
idle: { after: 60s, hangUpAfter: 90s }
`

/** A failed test is repeated: calls are in real time, and a stall of the machine damages the caller's sound. */
const beside = { concurrent: true, timeout: 120_000, retry: 2 }

/** Runs a service whose agent file has this text. */
const withAgent = <A, E, R>(text: string, env: Readonly<Record<string, string>>, test: (both: Both) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const file = join(yield* fs.makeTempDirectoryScoped(), "bakery.yaml")
    yield* fs.writeFileString(file, text)
    return yield* withService({ env: { AGENT: file, ...env } }, test)
  })

/** Calls somebody who says `said` into the greeting, hangs up when the agent has been heard in turn `turns`, and returns all events. */
const calling = Effect.fnUntraced(function*({ service, simulator }: Both, said: string, turns: number) {
  const sound = yield* Effect.flatMap(CallerSpeech, ({ speak }) => speak(said, "rms"))
  const caller = Caller.make(
    Caller.Step.AwaitSpeech({ atMost: "30 seconds" }),
    Caller.Step.Silence({ duration: "700 millis" }),
    Caller.Step.Play({ sound })
  )
  yield* simulator.setPhones(() => PhoneBehaviour.Answers({ after: "50 millis", caller }))
  const { status } = yield* service.dial({ to: somebody })
  assert.strictEqual(status, 200)
  const [call] = yield* simulator.calls
  const conversation = yield* watch({ service, simulator }, call)
  yield* conversation.awaitServiceEvent("AgentHeard", ({ turn }) => turn >= turns)
  yield* call.hangUp
  return yield* conversation.over
})

/** Engines at addresses. The recognizer takes every sound for the words `hears`. */
const engines = Effect.fnUntraced(function*(hears: string) {
  const stt = yield* FakeSpeechServers.transcription({ hears: () => hears })
  const tts = yield* FakeSpeechServers.speech()
  const llm = yield* FakeChatServer.make({ say: () => "Of course. What is it?" })
  return { llm, env: { STT_URL: `${stt.url}/v1`, TTS_URL: `${tts.url}/v1`, LLM_URL: llm.base } }
})

/** The messages of each request to the model in which the caller says `said`. */
const askedOf = ({ chats }: FakeChatServer.FakeChatServer, said: string) =>
  chats.map(({ request }) => request.messages).filter((messages) => messages.some(({ content }) => content?.includes(said) === true))

layer(Layer.mergeAll(CallerSpeech.layer.pipe(Layer.provide(NodeServices.layer)), NodeServices.layer), { excludeTestServices: true, timeout: "60 seconds" })("an outbound call whose callee speaks into the greeting", (it) => {
  for (const hears of ["Hello?", "Miller, good morning."]) {
    it.effect(`with "${hears}": the rest of the greeting follows, and the model is not asked`, () =>
      Effect.gen(function*() {
        const { env, llm } = yield* engines(hears)
        const published = yield* withAgent(agentFile, env, (both) => calling(both, "Hello hello.", 0))
        assert.deepStrictEqual(words(published), [`caller: ${hears}`, `agent: ${greeting}`])
        assert.deepStrictEqual(askedOf(llm, hears), [])
      }), beside)
  }

  it.effect("with a request: it is answered, and the model knows what was not heard", () =>
    Effect.gen(function*() {
      const hears = "I do not want a cake."
      const { env, llm } = yield* engines(hears)
      const published = yield* withAgent(agentFile, env, (both) => calling(both, hears, 1))
      const [heard] = those(published, "AgentHeard").map(({ text }) => text)
      assert.isTrue(greeting.startsWith(heard) && heard !== "" && heard !== greeting, heard)
      const [messages] = askedOf(llm, hears)
      const rest = greeting.slice(heard.length).trim()
      assert.deepStrictEqual(messages.slice(-2).map(({ content }) => content), [
        heard,
        `(The caller has not heard the rest of your greeting: "${rest}")\n${hears}`
      ])
    }), beside)

  it.effect("with a request, while the greeting can't be interrupted: it is said to its end, then the request is answered", () =>
    Effect.gen(function*() {
      const hears = "I do not want a cake."
      const { env } = yield* engines(hears)
      const fixed = agentFile.replace(`greeting: ${greeting}`, `greeting: { text: "${greeting}", interruptible: false }`)
      const published = yield* withAgent(fixed, env, (both) => calling(both, hears, 1))
      assert.deepStrictEqual(words(published), [`agent: ${greeting}`, `caller: ${hears}`, "agent: Of course. What is it?"])
      assert.deepStrictEqual(those(published, "BargeIn"), [])
    }), beside)

  it.effect("with \"hello\", as the embedded recognizer hears it: the rest follows", () =>
    Effect.gen(function*() {
      const published = yield* withAgent(agentFile, {}, (both) => calling(both, "Hello.", 0))
      assert.deepStrictEqual(words(published), ["caller: hello", `agent: ${greeting}`])
    }), beside)
})
