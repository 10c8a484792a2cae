/**
 * Conversations with engines at addresses. The service and its callers are those of the other tests of this folder, and the
 * engines are servers on the loopback that speak the dialects of real ones (test/support/engines).
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, FileSystem, Layer } from "effect"
import { join } from "node:path"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import type { SimulatedCall } from "../../../src/simulator/caller/PhoneCall.ts"
import { CallerSpeech } from "../../../src/simulator/caller/CallerSpeech.ts"
import * as SpeakingTurns from "../../../src/simulator/report/SpeakingTurns.ts"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../support/engines/FakeHttpServer.ts"
import * as FakeSpeechServers from "../../support/engines/FakeSpeechServers.ts"
import { type Conversation, converse, type Cues, those, type LiveEvent, words } from "../../support/service/Conversing.ts"
import { type Both, until, withService } from "../../support/service/Service.ts"
import { streamEnds } from "../../support/service/Talk.ts"

const { AwaitCue, AwaitSpeech, HangUp, Silence } = Caller.Step

/** Tests run at the same time. A failed test is repeated: calls are in real time, and a stall of the machine damages the caller's sound. */
const beside = { concurrent: true, timeout: 120_000, retry: 2 }

/** A sentence of the caller, and the answer to it. */
const lines = {
  hours: { said: "When do you open on Saturday?", answer: "On Saturday we open at eight. Come early, please." },
  bread: { said: "Do you have any rye bread left?", answer: "We have two loaves of rye. Shall I keep one for you?" },
  keep: { said: "Yes, keep one for me please.", answer: "It is kept for you, under your name." },
  cake: { said: "How much is a large chocolate cake?", answer: "A large one is thirty dollars." },
  price: { said: "How much is the rye bread today?", answer: "It costs $3.50, from 9:00. Call 555-0123 & ask." },
  bye: { said: "That was all, thank you and goodbye.", answer: "Thank you for calling us, and goodbye.\n<<hang_up>>" }
}
type Line = keyof typeof lines

const greeting = "Corner Bakery, hello."

/** The script's answers differ from the model's, to show which engine answered. */
const agentFile = `
name: bakery
greeting: ${greeting}
instructions: You answer the telephone of a bakery.
intents:
  hours: { phrases: when do you open on saturday, answer: The script says at eight. }
  bread: { phrases: do you have any rye bread left, answer: The script has rye bread. }
# A machine that is busy takes its time; none of these tests is about that.
endpointing: { silence: 500ms, complete: 500ms }
timeouts: { transcript: 20s, reply: 20s, speech: 20s }
idle: { after: 60s, hangUpAfter: 90s }
`

/** How long to wait for engines that never answer. */
const impatient = "timeouts: { transcript: 20s, reply: 3s, speech: 3s }\n"

const agent = Effect.fnUntraced(function*(more: string) {
  const fs = yield* FileSystem.FileSystem
  const file = join(yield* fs.makeTempDirectoryScoped(), "bakery.yaml")
  const base = more.startsWith("timeouts:") ? agentFile.replace(/^timeouts:.*\n/m, "") : agentFile
  yield* fs.writeFileString(file, base + more)
  return file
})

const soundOf = (line: Line) => Effect.flatMap(CallerSpeech, ({ speak }) => speak(lines[line].said, "rms"))

const say = (line: Line) => Effect.map(soundOf(line), (sound) => Caller.Step.Play({ sound }))

/** A speech recognition that knows the sentences of these tests. */
const earsThatTake = (millis: number) => Effect.gen(function*() {
  const sentences = yield* Effect.forEach(Object.keys(lines) as ReadonlyArray<Line>, (line) =>
    Effect.map(soundOf(line), (sound) => ({ text: lines[line].said, sound, sampleRate: 8000 as const })))
  return yield* FakeSpeechServers.transcription({ hears: FakeSpeechServers.bySound(sentences), latency: () => millis })
})
const ears = earsThatTake(0)

const lastUser = ({ messages }: FakeChatServer.ChatRequest) => messages.findLast(({ role }) => role === "user")?.content ?? ""

/** A language model that knows the answers to the sentences of these tests. */
const mind = (options: FakeChatServer.Options = {}) =>
  FakeChatServer.make({
    model: "google/gemma-3-27b-it",
    say: (request) => Object.values(lines).find(({ said }) => lastUser(request).endsWith(said))?.answer ?? "I do not know that.",
    ...options
  })

/** A text to speech that gives a tone of 60 ms for each character. */
const voice = (options: FakeSpeechServers.SpeechOptions = {}) => FakeSpeechServers.speech({ model: "sesame/csm-1b", ...options })

const baseOf = ({ url }: { readonly url: string }) => `${url}/v1`
const nameOf = ({ url }: { readonly url: string }) => `${new URL(url).host}/v1`

const withEngines = <A, E, R>(env: Readonly<Record<string, string>>, test: (both: Both) => Effect.Effect<A, E, R>, more = "") =>
  Effect.flatMap(agent(more), (file) => withService({ env: { AGENT: file, ...env } }, test))

/** All three engines at addresses. */
const three = Effect.fnUntraced(function*(options: FakeChatServer.Options = {}) {
  const stt = yield* ears
  const llm = yield* mind(options)
  const tts = yield* voice()
  return { stt, llm, tts, env: { STT_URL: baseOf(stt), LLM_URL: baseOf(llm), TTS_URL: baseOf(tts) } }
})

const talk = Effect.fnUntraced(function*(both: Both, said: ReadonlyArray<Line>, ends: (cues: Cues) => ReadonlyArray<Caller.Step> = () => [HangUp()]) {
  const steps = yield* Effect.forEach(said, say)
  return yield* converse(both, (cues) => [...steps.flatMap((step) => [cues.heardOut(), step]), cues.heardOut(), ...ends(cues)])
})

const saidAloud = (line: Line) => lines[line].answer.split("\n")[0]

/** The words of a conversation over these lines, in order. */
const wordsOf = (...said: ReadonlyArray<Line>) => [
  `agent: ${greeting}`,
  ...said.flatMap((line) => [`caller: ${lines[line].said}`, `agent: ${saidAloud(line)}`])
]

/** How many ms of a sound are the fake voice's tone (300 Hz, Goertzel's algorithm), and how many are other sound, in steps of 20 ms. */
const soundsIn = (heard: Int16Array) => {
  const coefficient = 2 * Math.cos(2 * Math.PI * 300 / 8000)
  let tone = 0
  let other = 0
  for (let from = 0; from + 160 <= heard.length; from += 160) {
    let energy = 0
    let last = 0
    let before = 0
    for (const sample of heard.subarray(from, from + 160)) {
      energy += sample * sample
      const next = sample + coefficient * last - before
      before = last
      last = next
    }
    if (energy < 160 * 300 ** 2) continue
    const power = 2 * (last * last + before * before - coefficient * last * before) / 160
    if (power > 0.8 * energy) tone += 20
    else other += 20
  }
  return { tone, other }
}

/** The sounds that the caller heard between each of their sentences and the next. */
const answersIn = Effect.fnUntraced(function*(call: SimulatedCall) {
  const heard = yield* call.heard
  const said = SpeakingTurns.speeches(yield* call.said)
  return said.map(({ to }, index) => soundsIn(heard.subarray(to * 8, (said[index + 1]?.from ?? heard.length / 8) * 8)))
})

/** Whether the tone is as long as this text. The bounds are wide, because steps cut the tone's ends, and late frames make holes in it. */
const assertTone = (sounds: { readonly tone: number; readonly other: number }, text: string) => {
  const expected = 60 * text.replace(/\s/g, "").length
  assert.isAtLeast(sounds.tone, 0.8 * expected, text)
  assert.isAtMost(sounds.tone, 60 * text.length + 60, text)
  assert.isAtMost(sounds.other, 0.2 * expected, text)
}

/** Speech of the engine in this process. */
const assertVoice = (sounds: { readonly tone: number; readonly other: number }) => {
  assert.isAbove(sounds.other, 400)
  assert.isBelow(sounds.tone, sounds.other)
}

const noneOpen = (...servers: ReadonlyArray<FakeHttpServer.FakeHttpServer>) =>
  until(
    "no request open",
    Effect.sync(() => servers.map(({ open }) => open())),
    (open) => open.every((count) => count === 0)
  )

const engineStates = ({ service }: Both) =>
  Effect.map(service.ask("/ready"), ({ json, problem, status }) => ({
    status,
    problem,
    engines: Object.fromEntries(
      ((json as { readonly engines: ReadonlyArray<{ readonly stage: string; readonly name: string; readonly state: string }> }).engines)
        .map(({ name, stage, state }) => [`${stage} ${name}`, state])
    )
  }))

/** An address at which nobody listens. */
const nobody = Effect.map(voice(), (server) => {
  server.stop()
  return server
})

const endOf = (events: ReadonlyArray<LiveEvent>) => those(events, "Ended").map(({ reason }) => reason)

const isQuiet = (conversation: Conversation) => those(conversation.published, "EngineTrouble").length === 0

layer(Layer.provideMerge(CallerSpeech.layer, NodeServices.layer), { excludeTestServices: true, timeout: "60 seconds" })("engines at addresses", (it) => {
  for (const isWrittenOut of [true, false]) {
    const what = isWrittenOut ? "get figures as words, while the call's events keep them as they are written" : "that pronounce figures themselves get them as they are written"
    it.effect(what, () =>
      Effect.gen(function*() {
        const { env, llm, tts } = yield* three()
        yield* withEngines({ ...env, ...(isWrittenOut ? {} : { TTS_NORMALIZE: "off" }) }, (both) =>
          Effect.gen(function*() {
            const { over } = yield* talk(both, ["price", "bread"])
            assert.deepStrictEqual(words(yield* over), wordsOf("price", "bread"))
            assert.include(llm.chats.at(-1)!.request.messages.map(({ content }) => content), lines.price.answer)
            const inputs = tts.asked.map(({ input }) => input).join(" ")
            const asWords = "It costs three dollars and fifty cents, from nine o'clock. Call five five five, zero one two three and ask."
            assert.include(inputs, isWrittenOut ? asWords : lines.price.answer)
          }))
      }), beside)
  }

  it.effect("hold a free conversation: the model answers each sentence, and the caller hears the server's voice", () =>
    Effect.gen(function*() {
      const { env, llm, stt, tts } = yield* three()
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["bread", "keep", "hours"])
          const { call } = conversation
          const events = yield* conversation.over
          assert.deepStrictEqual(words(events), wordsOf("bread", "keep", "hours"))
          assert.isTrue(those(events, "AgentHeard").every(({ isWhole }) => isWhole))
          assert.isTrue(isQuiet(conversation))
          assert.strictEqual(those(events, "TurnMeasured").filter(({ times }) => times["firstMedia"] !== undefined).length, 3)

          const answers = yield* answersIn(call)
          assert.strictEqual(answers.length, 3)
          for (const [index, line] of (["bread", "keep", "hours"] as const).entries()) assertTone(answers[index], saidAloud(line))

          // The model got the heard words in turns, and each request begins with the previous one.
          const [instructions, ...turns] = llm.chats.at(-1)!.request.messages
          assert.include(instructions.content, "bakery")
          assert.deepStrictEqual(turns.map(({ content, role }) => `${role}: ${content}`), [
            `assistant: ${greeting}`,
            ...(["bread", "keep"] as const).flatMap((line) => [`user: ${lines[line].said}`, `assistant: ${saidAloud(line)}`]),
            `user: ${lines.hours.said}`
          ])
          const before = llm.chats.find(({ request }) => lastUser(request) === lines.keep.said)!.request.messages
          assert.deepStrictEqual(before, [instructions, ...turns].slice(0, before.length))
          // CSM gets the turns before with their sound, which has 16-bit samples at 24 kHz.
          const context = tts.asked.at(-1)!.body["context"] as ReadonlyArray<{ readonly speaker: string; readonly text: string; readonly audio: string }>
          assert.deepInclude(context.map(({ speaker, text }) => `${speaker}: ${text}`), `1: ${lines.hours.said}`)
          const theirs = context.find(({ text }) => text === lines.hours.said)!.audio
          assert.isAtLeast(Buffer.from(theirs, "base64").length, 6 * (yield* soundOf("hours")).length)
          const ours = context.findLast(({ speaker }) => speaker === "0")!
          assert.include(saidAloud("keep"), ours.text)

          const metrics = yield* both.service.metrics
          for (const [stage, server] of [["speechToText", stt], ["replyModel", llm], ["textToSpeech", tts]] as const) {
            const labels = { stage, engine: nameOf(server) }
            assert.isAtLeast(metrics("client_caller_engine_requests_total", { ...labels, outcome: "ok" }), 3, stage)
            assert.strictEqual(metrics("client_caller_engine_up", labels), 1, stage)
            assert.isAtLeast(metrics("client_caller_engine_latency_seconds_count", labels), 3, stage)
            assert.strictEqual(metrics("client_caller_engine_stand_ins_total", labels), 0, stage)
          }
          const { engines, status } = yield* engineStates(both)
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(engines, {
            [`speechToText ${nameOf(stt)}`]: "up",
            [`replyModel ${nameOf(llm)}`]: "up",
            [`textToSpeech ${nameOf(tts)}`]: "up"
          })
          yield* noneOpen(stt, llm, tts)
        }))
    }), beside)

  it.effect("without a fallback may be as slow as the timeouts of the agent's file allow", () =>
    Effect.gen(function*() {
      const stt = yield* earsThatTake(3000)
      const llm = yield* mind({ latency: { firstToken: 5500 } })
      const tts = yield* voice({ latency: () => 4500 })
      yield* withEngines({ STT_URL: baseOf(stt), LLM_URL: baseOf(llm), TTS_URL: baseOf(tts) }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["bread"])
          assert.deepStrictEqual(words(yield* conversation.over), wordsOf("bread"))
          assert.isTrue(isQuiet(conversation))
        }))
    }), beside)

  it.effect("may be the speech recognition alone", () =>
    Effect.gen(function*() {
      const stt = yield* ears
      yield* withEngines({ STT_URL: baseOf(stt) }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["hours"])
          assert.deepStrictEqual(words(yield* conversation.over), [
            `agent: ${greeting}`,
            `caller: ${lines.hours.said}`,
            "agent: The script says at eight."
          ])
          assertVoice((yield* answersIn(conversation.call))[0])
          yield* noneOpen(stt)
        }))
    }), beside)

  it.effect("may be the language model alone", () =>
    Effect.gen(function*() {
      // The embedded recognizer writes without punctuation.
      const llm = yield* mind({ say: (request) => lastUser(request).endsWith("when do you open on saturday") ? lines.hours.answer : "What?" })
      yield* withEngines({ LLM_URL: baseOf(llm) }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["hours"])
          assert.deepStrictEqual(words(yield* conversation.over), [
            `agent: ${greeting}`,
            "caller: when do you open on saturday",
            `agent: ${lines.hours.answer}`
          ])
          assertVoice((yield* answersIn(conversation.call))[0])
          yield* noneOpen(llm)
        }))
    }), beside)

  it.effect("may be the text to speech alone", () =>
    Effect.gen(function*() {
      const tts = yield* voice({ dialect: "events" })
      yield* withEngines({ TTS_URL: baseOf(tts) }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["hours"])
          assert.deepStrictEqual(words(yield* conversation.over), [
            `agent: ${greeting}`,
            "caller: when do you open on saturday",
            "agent: The script says at eight."
          ])
          assertTone((yield* answersIn(conversation.call))[0], "The script says at eight.")
          yield* noneOpen(tts)
        }))
    }), beside)

  it.effect("are stopped when the caller interrupts, and answer the new sentence", () =>
    Effect.gen(function*() {
      const { env, llm, stt, tts } = yield* three()
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          // Half of the answer and half of its first sound come, and then nothing, on connections that stay open.
          llm.faults.always("stall")
          tts.faults.always("stall")
          const stalled = () => [...llm.chats, ...tts.asked].filter(({ exchange }) => !exchange.isOver())
          let before: ReadonlyArray<FakeHttpServer.Exchange> = []
          let stopped: ReadonlyArray<boolean> = []
          const first = yield* say("bread")
          const second = yield* say("cake")
          const conversation = yield* converse(both, (cues) => [
            cues.heardOut(),
            first,
            AwaitSpeech({ atMost: "30 seconds" }),
            Silence({ duration: "400 millis" }),
            AwaitCue({
              isGiven: () => {
                before = stalled().map(({ exchange }) => exchange)
                llm.faults.always(undefined)
                tts.faults.always(undefined)
                return true
              },
              atMost: "1 second"
            }),
            second,
            cues.heardOut(),
            // The stalled requests are closed before the call ends.
            AwaitCue({
              isGiven: () => {
                stopped = before.map(({ isClosedByClient }) => isClosedByClient())
                return true
              },
              atMost: "1 second"
            }),
            HangUp()
          ])
          const events = yield* conversation.over
          const [, interrupted] = those(events, "AgentHeard")
          assert.isFalse(interrupted.isWhole)
          assert.isTrue(saidAloud("bread").startsWith(interrupted.text))
          assert.strictEqual(those(events, "BargeIn").length, 1)
          assert.deepStrictEqual(words(events).slice(-2), wordsOf("cake").slice(-2))
          assert.deepStrictEqual(before.map(({ path }) => path).toSorted(), ["/v1/audio/speech", "/v1/chat/completions"])
          assert.deepStrictEqual(stopped, [true, true])
          yield* noneOpen(stt, llm, tts)
        }))
    }), beside)

  it.effect("have no open request after the caller hangs up in the middle of an answer", () =>
    Effect.gen(function*() {
      const { env, llm, stt, tts } = yield* three()
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          llm.faults.always("stall")
          tts.faults.always("stall")
          const question = yield* say("bread")
          const conversation = yield* converse(both, ({ heardOut }) => [heardOut(), question, AwaitSpeech({ atMost: "30 seconds" }), HangUp()])
          assert.deepStrictEqual(endOf(yield* conversation.over), ["callerHungUp"])
          yield* noneOpen(stt, llm, tts)
          const left = [...llm.chats, ...tts.asked].filter(({ exchange }) => exchange.isClosedByClient())
          assert.isAtLeast(left.filter(({ exchange }) => exchange.path === "/v1/chat/completions").length, 1)
          assert.isAtLeast(left.filter(({ exchange }) => exchange.path === "/v1/audio/speech").length, 1)
          assert.strictEqual((yield* both.service.health).calls, 0)
        }))
    }), beside)

  it.effect("end the call with the model's own line, after its last words were heard", () =>
    Effect.gen(function*() {
      const { env, llm, stt, tts } = yield* three()
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["bye"], () => [])
          const events = yield* conversation.over
          assert.deepStrictEqual(words(events), wordsOf("bye"))
          assert.isTrue(those(events, "AgentHeard").at(-1)?.isWhole)
          assert.deepStrictEqual(endOf(events), ["goodbye"])
          assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
          assertTone((yield* answersIn(conversation.call))[0], saidAloud("bye"))
          assert.isFalse(tts.asked.some(({ input }) => input.includes("hang")))
          yield* noneOpen(stt, llm, tts)
        }))
    }), beside)

  for (const way of ["calls", "text"] as const) {
    it.effect(`ask a tool while the call goes on, and speak of its answer (${way === "calls" ? "by the server's tool calls" : "by a line of the text"})`, () =>
      Effect.gen(function*() {
        const shop = yield* FakeHttpServer.make((exchange) =>
          FakeHttpServer.send(exchange, { headers: { "content-type": "application/json" }, pieces: ["{\"loaves\":2}"] }))
        const { env, llm, stt, tts } = yield* three({
          ...way === "calls" ? { model: "llama-3.3-70b", tools: true } : {},
          say: ({ messages }) => {
            const last = messages.at(-1)!
            if (last.content === lines.bread.said) {
              return way === "calls"
                ? { text: "Let me look.", calls: [{ name: "stock", arguments: { bread: "rye" } }] }
                : "Let me look.\n<<call:stock {\"bread\":\"rye\"}>>"
            }
            return last.content?.includes("\"loaves\":2") === true ? lines.bread.answer : "I do not know that."
          }
        })
        const tool = `
tools:
  stock:
    description: How many loaves of a bread are left.
    url: ${shop.url}/stock
    parameters: { properties: { bread: { type: string } }, required: [bread] }
`
        yield* withEngines(env, (both) =>
          Effect.gen(function*() {
            const conversation = yield* talk(both, ["bread"])
            const events = yield* conversation.over
            assert.deepStrictEqual(words(events), [
              `agent: ${greeting}`,
              `caller: ${lines.bread.said}`,
              `agent: Let me look. ${lines.bread.answer}`
            ])
            assert.deepStrictEqual(shop.received.map(({ body, method, path }) => [method, path, JSON.parse(body.toString())]), [
              ["POST", "/stock", { bread: "rye" }]
            ])
            assertTone((yield* answersIn(conversation.call))[0], `Let me look. ${lines.bread.answer}`)
            yield* noneOpen(stt, llm, tts, shop)
          }), tool)
      }), beside)
  }

  for (const stage of ["speechToText", "replyModel", "textToSpeech"] as const) {
    it.effect(`may die in the middle of a call: the embedded engine takes over (${stage})`, () =>
      Effect.gen(function*() {
        const { env, llm, stt, tts } = yield* three()
        const [variable, dying] = { speechToText: ["STT_URL", stt], replyModel: ["LLM_URL", llm], textToSpeech: ["TTS_URL", tts] }[stage] as
          [keyof typeof env, FakeHttpServer.FakeHttpServer]
        yield* withEngines({ ...env, [variable]: `${env[variable]},embedded` }, (both) =>
          Effect.gen(function*() {
            const [first, second] = yield* Effect.forEach(["bread", "hours"] as const, say)
            const conversation = yield* converse(both, ({ heardOut }) => [
              heardOut(),
              first,
              heardOut(),
              AwaitCue({
                isGiven: () => {
                  dying.stop()
                  return true
                },
                atMost: "1 second"
              }),
              second,
              heardOut(),
              HangUp()
            ])
            const events = yield* conversation.over
            const [asked, answered] = stage === "replyModel"
              ? [lines.hours.said, "The script says at eight."]
              // The embedded recognizer writes its own way, so the model knows no answer.
              : stage === "speechToText" ? ["when do you open on saturday", "I do not know that."] : [lines.hours.said, lines.hours.answer]
            assert.deepStrictEqual(words(events), [...wordsOf("bread"), `caller: ${asked}`, `agent: ${answered}`])
            const [before, after] = yield* answersIn(conversation.call)
            assertTone(before, saidAloud("bread"))
            if (stage === "textToSpeech") assertVoice(after)
            else assertTone(after, answered)

            const metrics = yield* both.service.metrics
            assert.isAtLeast(metrics("client_caller_engine_stand_ins_total", { stage, engine: "embedded" }), 1)
            assert.isAtLeast(metrics("client_caller_engine_requests_total", { stage, engine: nameOf(dying), outcome: "unavailable" }), 1)
            assert.strictEqual(metrics("client_caller_engine_up", { stage, engine: nameOf(dying) }), 0)
            const { engines, status } = yield* engineStates(both)
            assert.strictEqual(status, 200)
            assert.strictEqual(engines[`${stage} embedded`], "up")
            assert.include(["failing", "down"], engines[`${stage} ${nameOf(dying)}`])
          }))
      }), beside)
  }

  for (const stage of ["speechToText", "replyModel", "textToSpeech"] as const) {
    it.effect(`may be restarted in the middle of a turn, even without a fallback: the caller gets the answer (${stage})`, () =>
      Effect.gen(function*() {
        const { env, llm, stt, tts } = yield* three()
        const server = { speechToText: stt, replyModel: llm, textToSpeech: tts }[stage]
        yield* withEngines(env, (both) =>
          Effect.gen(function*() {
            const [first, second] = yield* Effect.forEach(["bread", "hours"] as const, say)
            const down = yield* Deferred.make<void>()
            // The question lasts about two seconds.
            yield* Effect.forkChild(Effect.andThen(Deferred.await(down), Effect.andThen(Effect.sleep("5 seconds"), server.start)))
            const conversation = yield* converse(both, ({ heardOut }) => [
              heardOut(),
              first,
              heardOut(),
              AwaitCue({
                isGiven: () => {
                  server.stop()
                  return Deferred.doneUnsafe(down, Effect.void)
                },
                atMost: "1 second"
              }),
              second,
              heardOut(),
              HangUp()
            ])
            assert.deepStrictEqual(words(yield* conversation.over), wordsOf("bread", "hours"))
            assert.isTrue(isQuiet(conversation))
          }))
      }), beside)
  }

  it.effect("may be absent at the start: the service reports that, and the embedded engines answer", () =>
    Effect.gen(function*() {
      const absent = yield* nobody
      const url = `${baseOf(absent)},embedded`
      yield* withEngines({ STT_URL: url, LLM_URL: url, TTS_URL: url }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* talk(both, ["hours"])
          assert.deepStrictEqual(words(yield* conversation.over), [
            `agent: ${greeting}`,
            "caller: when do you open on saturday",
            "agent: The script says at eight."
          ])
          assertVoice((yield* answersIn(conversation.call))[0])
          const states = yield* until(
            "the state of the absent ones",
            engineStates(both),
            ({ engines }) => Object.entries(engines).every(([name, state]) => name.endsWith(" embedded") ? state === "up" : state === "down")
          )
          assert.strictEqual(states.status, 200)
          assert.strictEqual(Object.keys(states.engines).length, 6)
        }))
    }), beside)

  it.effect("of one stage may all be down: the service is not ready, apologizes to the caller and ends the call", () =>
    Effect.gen(function*() {
      const stt = yield* ears
      const tts = yield* voice()
      const absent = yield* nobody
      yield* withEngines({ STT_URL: baseOf(stt), LLM_URL: baseOf(absent), TTS_URL: baseOf(tts) }, (both) =>
        Effect.gen(function*() {
          const { engines, problem } = yield* until("not ready", engineStates(both), ({ status }) => status === 503)
          assert.strictEqual(problem.name, "engines-down")
          assert.include(problem.detail, "replyModel")
          assert.strictEqual(engines[`replyModel ${nameOf(absent)}`], "down")

          const conversation = yield* talk(both, ["bread", "keep", "hours"], () => [])
          const apology = "Sorry, something went wrong. Please say that again."
          const failure = "Sorry, I have a problem here. Please call again later. Goodbye."
          const events = yield* conversation.over
          assert.deepStrictEqual(words(events), [
            `agent: ${greeting}`,
            ...[["bread", apology], ["keep", apology], ["hours", failure]].flatMap(([line, answer]) => [
              `caller: ${lines[line as Line].said}`,
              `agent: ${answer}`
            ])
          ])
          assert.deepStrictEqual(endOf(events), ["engineFailed"])
          const answers = yield* answersIn(conversation.call)
          assertTone(answers[0], apology)
          assertTone(answers[2], failure)
          assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
          yield* noneOpen(stt, tts)
        }), impatient)
    }), beside)

  it.effect("of text to speech may be gone: the service still says its prepared lines, and ends the call", () =>
    Effect.gen(function*() {
      const { env, tts } = yield* three()
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          tts.stop()
          const conversation = yield* talk(both, ["bread", "keep", "hours"], () => [])
          const events = yield* conversation.over
          const failure = "Sorry, I have a problem here. Please call again later. Goodbye."
          assert.strictEqual(words(events)[0], `agent: ${greeting}`)
          assert.strictEqual(words(events).at(-1), `agent: ${failure}`)
          assert.deepStrictEqual(endOf(events), ["engineFailed"])
          const { other, tone } = soundsIn(yield* conversation.call.heard)
          assert.isAtLeast(tone, 0.7 * 60 * (greeting.length + failure.length))
          assert.isAtMost(other, 0.2 * tone)
        }), impatient)
    }), beside)

  it.effect("of text to speech that are gone from the start end the call at once, so that nobody listens to silence", () =>
    Effect.gen(function*() {
      const absent = yield* nobody
      yield* withEngines({ TTS_URL: baseOf(absent) }, (both) =>
        Effect.gen(function*() {
          const conversation = yield* converse(both, () => [])
          assert.deepStrictEqual(endOf(yield* conversation.over), ["engineFailed"])
          assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
          assert.strictEqual(yield* conversation.call.settled, "completed")
        }), impatient)
    }), beside)

  it.effect("keep ten calls at once apart", () =>
    Effect.gen(function*() {
      const { env, llm, stt, tts } = yield* three()
      const order: ReadonlyArray<Line> = ["hours", "bread", "cake", "keep"]
      yield* withEngines(env, (both) =>
        Effect.gen(function*() {
          const conversations = yield* Effect.forEach(Array.from({ length: 10 }, (_, index) => index), (index) => {
            const said = [order[index % 4], order[(index + 1 + Math.floor(index / 4)) % 4]]
            return Effect.map(
              Effect.flatMap(Effect.forEach(said, say), ([first, second]) =>
                converse(both, ({ heardOut }) => [
                  Silence({ duration: `${index * 150} millis` }),
                  heardOut(),
                  first,
                  heardOut(),
                  second,
                  heardOut(),
                  HangUp()
                ], { from: `+141555502${index + 10}` })),
              (conversation) => ({ conversation, said })
            )
          })
          for (const { conversation, said } of conversations) {
            assert.deepStrictEqual(words(yield* conversation.over), wordsOf(...said))
            const answers = yield* answersIn(conversation.call)
            for (const [index, line] of said.entries()) assertTone(answers[index], saidAloud(line))
          }
          yield* noneOpen(stt, llm, tts)
        }))
    }), 120_000)
})
