import { NodeServices } from "@effect/platform-node"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, FileSystem, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import type { Worker } from "node:worker_threads"
import { parse } from "../../../../../src/agent/file/AgentFile.ts"
import { receptionistFile } from "../../../../../src/agent/Agents.ts"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import type { DialogueState } from "../../../../../src/conversation/ports/ReplyModel.ts"
import type { RecognitionHints } from "../../../../../src/definition/RecognitionHints.ts"
import { type Recognizer, SpeechToText } from "../../../../../src/conversation/ports/SpeechToText.ts"
import * as Scripted from "../../../../../src/engines/embedded/script/ScriptedReplyModel.ts"
import * as SoundSwallower from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerSpeechToText.ts"
import * as Spoken from "../../../../support/conversation/Spoken.ts"

const receptionist = Result.getOrThrow(parse(readFileSync(receptionistFile, "utf8"), "receptionist.yaml"))

const shop: RecognitionHints = {
  language: "en",
  phrases: ["(i would like | give me) {count} [red] apples [please]", "where are you", "yes [please]", "no"],
  slots: { count: ["one", "two", "seven [or eight]"] }
}

const prepare = Effect.fnUntraced(function*(hints: RecognitionHints) {
  return yield* (yield* SpeechToText).prepare(hints)
})

const begin = Effect.fnUntraced(function*(recognizer: Recognizer, sound: Pcm<8000>) {
  const utterance = yield* recognizer.begin
  yield* Effect.forEach(Spoken.frames(sound), utterance.push, { discard: true })
  return utterance
})

/** The transcript of one utterance. */
const transcribe = (recognizer: Recognizer, sound: Pcm<8000>) =>
  Effect.scoped(Effect.flatMap(begin(recognizer, sound), ({ transcribe }) => transcribe))

const hear = Effect.fnUntraced(function*(recognizer: Recognizer, text: string, voice?: Parameters<typeof Spoken.spoken>[1]) {
  return yield* transcribe(recognizer, yield* Spoken.spoken(text, voice))
})

/** The same hiss in each run; `level` in dB of full scale. */
const hiss = (millis: number, level: number): Pcm<8000> => {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const amplitude = 32_768 * 10 ** (level / 20)
  return Spoken.silence(millis).map(() => Math.round(amplitude * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())))
}

const engines = Layer.mergeAll(SoundSwallower.layer.pipe(Layer.provide(NodeServices.layer)), Spoken.layer)

layer(engines, { timeout: 60_000 })("SoundSwallower", (it) => {
  it.effect.each([
    ["I would like two apples.", "i would like two apples"],
    ["Give me seven or eight red apples, please.", "give me seven or eight red apples please"],
    ["Where are you?", "where are you"],
    ["Yes, please.", "yes please"]
  ])("understands %j by a grammar of phrases and slots", ([say, text]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* hear(yield* prepare(shop), say), { text, ending: "complete" })
    }))

  it.effect("hears that a phrase breaks off before its slot", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      assert.deepStrictEqual(yield* hear(recognizer, "I would like."), { text: "i would like", ending: "trailing" })
    }))

  it.effect("understands only the agent's own phrases: another agent's are foreign speech", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* prepare(shop), yield* prepare({ language: "en", phrases: ["what time is it", "good morning"], slots: {} })]
      const said = "What time is it?"
      assert.strictEqual((yield* hear(other, said)).text, "what time is it")
      assert.strictEqual((yield* hear(one, said)).text, "")
    }))

  it.effect("keeps apart utterances that come at the same time, frame by frame", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      const texts = ["I would like one apples.", "Give me two red apples.", "Where are you?", "I would like seven apples, please.", "No."]
      const expected = ["i would like one apples", "give me two red apples", "where are you", "i would like seven apples please", "no"]
      const sounds = yield* Effect.forEach(texts, (text) => Effect.map(Spoken.spoken(text), Spoken.frames))
      const utterances = yield* Effect.forEach(texts, () => recognizer.begin)
      for (let frame = 0; frame < Math.max(...sounds.map(({ length }) => length)); frame++) {
        for (const [index, utterance] of utterances.entries()) {
          const piece = sounds[index][frame]
          if (piece !== undefined) yield* utterance.push(piece)
        }
      }
      const heard = yield* Effect.forEach(utterances, ({ transcribe }) => transcribe, { concurrency: "unbounded" })
      assert.deepStrictEqual(heard.map(({ text }) => text), expected)
    }).pipe(Effect.scoped))

  it.effect("gives the words in a pause, and all words again when more has come", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      const utterance = yield* begin(recognizer, yield* Spoken.spoken("I would like."))
      assert.strictEqual((yield* utterance.transcribe).text, "i would like")
      assert.strictEqual((yield* utterance.transcribe).text, "i would like")
      yield* Effect.forEach(Spoken.frames(yield* Spoken.spoken("Two apples.")), utterance.push)
      assert.deepStrictEqual(yield* utterance.transcribe, { text: "i would like two apples", ending: "complete" })
      assert.strictEqual((yield* utterance.transcribe).text, "i would like two apples")
    }).pipe(Effect.scoped))

  it.effect("may be asked again after an interruption", () =>
    Effect.gen(function*() {
      const utterance = yield* begin(yield* prepare(shop), yield* Spoken.spoken("Give me two apples."))
      const asking = yield* Effect.forkChild(utterance.transcribe, { startImmediately: true })
      yield* Fiber.interrupt(asking)
      assert.strictEqual((yield* utterance.transcribe).text, "give me two apples")
    }).pipe(Effect.scoped))

  it.effect("gives the same words however the sound is cut into pieces", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      const sound = yield* Spoken.spoken("Give me two red apples, please.")
      const texts = yield* Effect.forEach([160, 333, sound.length], (size) =>
        Effect.scoped(Effect.gen(function*() {
          const utterance = yield* recognizer.begin
          for (let at = 0; at < sound.length; at += size) yield* utterance.push(sound.slice(at, at + size))
          return (yield* utterance.transcribe).text
        })))
      assert.deepStrictEqual(texts, Array.from({ length: 3 }, () => "give me two red apples please"))
    }))

  it.effect.each([
    ["no sound at all", Spoken.silence(0)],
    ["a single sample", new Int16Array(1)],
    ["20 ms", Spoken.silence(20)],
    ["a second of silence", Spoken.silence(1000)],
    ["three seconds of silence", Spoken.silence(3000)],
    ["a second of hiss", hiss(1000, -50)],
    ["a click", Spoken.join(Spoken.silence(300), new Int16Array(40).fill(9000), Spoken.silence(300))]
  ] as const)("hears nothing in %s, and does not take it for speech", ([, sound]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* transcribe(yield* prepare(shop), sound), { text: "", ending: "unknown" })
    }))

  it.effect("tells foreign speech from silence", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      for (const said of ["The museum has a new exhibition about robots.", "My sister works as a lawyer in Chicago."]) {
        assert.deepStrictEqual(yield* hear(recognizer, said), { text: "", isUnintelligible: true, ending: "unknown" })
      }
    }))

  it.effect("understands a voice through a hiss 25 dB below it", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      for (const [say, text] of [["Give me two red apples, please.", "give me two red apples please"], ["Where are you?", "where are you"]] as const) {
        const speech = yield* Spoken.spoken(say)
        const noise = hiss(Math.ceil(speech.length / 8), -45)
        assert.strictEqual((yield* transcribe(recognizer, speech.map((sample, index) => sample + noise[index]))).text, text)
      }
    }))

  it.effect("lists the words that its dictionary lacks, each once, in order", () =>
    Effect.gen(function*() {
      const { prepare, unknownWords } = yield* SpeechToText
      const hints: RecognitionHints = { language: "en", phrases: ["a blorptang [please]", "{thing} blorptang"], slots: { thing: ["zzyx", "book"] } }
      assert.deepStrictEqual(yield* unknownWords(hints), ["blorptang", "zzyx"])
      assert.deepStrictEqual(yield* unknownWords(shop), [])
      const failure = yield* Effect.flip(prepare(hints))
      assert.deepStrictEqual([failure.stage, failure.reason], ["speechToText", "refused"])
      assert.match(failure.advice, /blorptang, zzyx/)
    }))

  it.effect("refuses a language that it does not have, and says what to do", () =>
    Effect.gen(function*() {
      const { prepare, unknownWords } = yield* SpeechToText
      const hints: RecognitionHints = { ...shop, language: "de" }
      for (const failure of [yield* Effect.flip(prepare(hints)), yield* Effect.flip(unknownWords(hints))]) {
        assert.strictEqual(failure.reason, "refused")
        assert.match(failure.advice, /"de"\. Set STT_URL/)
      }
    }))

  it.effect("has French: its words, its phones, and foreign speech", () =>
    Effect.gen(function*() {
      const { unknownWords } = yield* SpeechToText
      const hints: RecognitionHints = { language: "fr", phrases: ["bonjour", "je voudrais un rendez vous [{jour}]", "merci", "au revoir"], slots: { jour: ["lundi", "mardi"] } }
      assert.deepStrictEqual(yield* unknownWords({ ...hints, phrases: [...hints.phrases, "xyzzyque"] }), ["xyzzyque"])
      const recognizer = yield* prepare(hints)
      // Flite has no French, so English is the foreign speech.
      assert.deepStrictEqual(yield* hear(recognizer, "The museum has a new exhibition about robots."), { text: "", isUnintelligible: true, ending: "unknown" })
      assert.strictEqual((yield* transcribe(recognizer, Spoken.silence(1000))).text, "")
    }))

  it.effect("takes all speech for foreign if the agent has no phrases", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare({ language: "en", phrases: [], slots: {} })
      assert.deepStrictEqual(yield* hear(recognizer, "Give me two red apples, please."), { text: "", isUnintelligible: true, ending: "unknown" })
    }))

  it.effect("leaves out a phrase whose slot has no values, and understands the others", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare({ ...shop, phrases: [...shop.phrases, "paint it {color}"], slots: { ...shop.slots, color: [] } })
      assert.strictEqual((yield* hear(recognizer, "Give me two apples.")).text, "give me two apples")
    }))

  it.effect("unloads an agent, even in the middle of an utterance, and understands the others", () =>
    Effect.gen(function*() {
      const recognizer = yield* prepare(shop)
      const utterance = yield* Effect.scoped(Effect.gen(function*() {
        return yield* begin(yield* prepare(receptionist.hints), yield* Spoken.spoken("Where are you?"))
      }))
      // The utterance fails, or has ended with its agent.
      yield* Effect.exit(utterance.transcribe)
      assert.strictEqual((yield* hear(recognizer, "Where are you?")).text, "where are you")
    }).pipe(Effect.scoped))
})

it.effect("SoundSwallower's dictionary is read once for agents that are loaded together, and then forgotten", () =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    let read = 0
    const counting = Layer.succeed(FileSystem.FileSystem, { ...fs, readFile: (path) => Effect.suspend(() => (read++, fs.readFile(path))) })
    const speechToText = Layer.provide(SoundSwallower.layer, counting)
    yield* Effect.gen(function*() {
      const { unknownWords } = yield* SpeechToText
      yield* unknownWords(shop)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* unknownWords({ ...shop, phrases: ["a blorptang"] }), ["blorptang"])
      assert.strictEqual(read, 1)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* unknownWords(shop), [])
      assert.strictEqual(read, 2)
    }).pipe(Effect.provide(speechToText))
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

layer(engines, { timeout: 60_000 })("a thread of SoundSwallower that crashes", (it) => {
  it.effect("is replaced; only running requests fail, and its utterances can be asked again", () =>
    Effect.gen(function*() {
      const workers: Array<Worker> = []
      const onWorker = (worker: Worker) => void workers.push(worker)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("worker", onWorker)),
        () => Effect.sync(() => process.off("worker", onWorker))
      )
      const recognizer = yield* prepare(shop)
      const started = workers.length
      assert.isAbove(started, 0)
      const sound = yield* Spoken.spoken("Give me two red apples, please.")
      const utterance = yield* begin(recognizer, sound)
      // Enough work that no thread finishes it before it is stopped.
      const long = yield* begin(recognizer, Spoken.join(...Array.from({ length: 15 }, () => sound)))
      const asking = yield* Effect.forkChild(Effect.all([utterance.transcribe, long.transcribe].map(Effect.exit), { concurrency: "unbounded" }), {
        startImmediately: true
      })
      yield* Effect.promise(() => Promise.all(workers.slice(0, started).map((worker) => worker.terminate())))
      const exits = yield* Fiber.join(asking)
      assert.isTrue(exits.some(Exit.isFailure))
      for (const exit of exits) {
        if (Exit.isFailure(exit)) assert.match(String(exit.cause), /broken/)
      }
      assert.strictEqual((yield* utterance.transcribe).text, "give me two red apples please")
      assert.strictEqual((yield* hear(recognizer, "Where are you?")).text, "where are you")
      assert.isAbove(workers.length, started)
    }).pipe(Effect.scoped))
})

const booking = "book an appointment"

/** A small part of what `bench/recognition` measures: a sentence, its voice, and the caller's turns before. */
const own: ReadonlyArray<readonly [say: string, voice: "rms" | "awb", before?: ReadonlyArray<string>]> = [
  ["What are your opening hours?", "rms"],
  ["Are you open on Saturday?", "awb"],
  ["What's your address?", "awb"],
  ["How do I get to you?", "rms"],
  ["Where can I park?", "awb"],
  ["I would like to book an appointment.", "rms"],
  ["I need an appointment on Friday at eleven.", "awb"],
  ["On Monday.", "awb", [booking]],
  ["At eleven o'clock.", "rms", [booking, "on monday"]],
  ["Yes, please.", "awb", [booking, "on monday", "at ten"]],
  ["Can I speak to a person?", "rms"],
  ["Goodbye.", "awb"]
]

const foreign: ReadonlyArray<readonly [say: string, voice: "rms" | "awb"]> = [
  ["My neighbour bought a yellow bicycle last summer.", "rms"],
  ["The train to Boston leaves from platform seven.", "awb"],
  ["How much does the large pizza cost?", "rms"],
  ["Do you sell winter tyres?", "awb"],
  ["My printer does not print in colour.", "rms"],
  ["What is the capital of Australia?", "awb"],
  ["We watched a film about penguins.", "rms"],
  ["The recipe needs two eggs and some butter.", "rms"],
  ["Where did you put the scissors?", "awb"],
  ["How many calories are in a banana?", "rms"],
  ["The battery of my telephone is empty.", "awb"],
  ["It rained so hard that the cellar was flooded.", "awb"]
]

const follow = Scripted.make(receptionist)

const stateAfter = (lines: ReadonlyArray<string>): DialogueState =>
  lines.reduce<DialogueState>((state, line) => follow(line, state).state as unknown as DialogueState, null)

layer(engines, { timeout: 60_000 })("the receptionist", (it) => {
  it.effect.each(own)("understands %j as %s says it", ([say, voice, before = []]) =>
    Effect.gen(function*() {
      const { text } = yield* hear(yield* prepare(receptionist.hints), say, voice)
      const state = stateAfter(before)
      assert.deepStrictEqual(follow(text, state), follow(say, state), text)
    }))

  it.effect.each(foreign)("refuses %j as %s says it", ([say, voice]) =>
    Effect.gen(function*() {
      const { text } = yield* hear(yield* prepare(receptionist.hints), say, voice)
      assert.strictEqual(follow(text, null).state.strikes, 1, text)
    }))
})
