import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Stream } from "effect"
import { type SpeechRequest, type SpokenTurn, TextToSpeech } from "../../../src/conversation/ports/TextToSpeech.ts"
import * as VerbalizedTextToSpeech from "../../../src/engines/VerbalizedTextToSpeech.ts"

/** An engine that records its requests, and is ready with the lines that it has prepared. */
const recording = Effect.gen(function*() {
  const spoken = yield* Ref.make<ReadonlyArray<SpeechRequest>>([])
  const prepared = new Set<string>()
  const engine = TextToSpeech.of({
    voices: ["one"],
    contextMillis: 10_000,
    speak: (request) =>
      Stream.unwrap(Effect.as(Ref.update(spoken, (requests) => [...requests, request]), Stream.empty)),
    prepare: (requests) => Effect.sync(() => requests.forEach(({ text }) => prepared.add(text))),
    isReady: ({ text }) => prepared.has(text)
  })
  return { engine, spoken, prepared }
})

describe("a speech engine behind the verbalizer", () => {
  it.effect("gets texts as people say them in the request's language, and everything else unchanged", () =>
    Effect.gen(function*() {
      const { engine, spoken } = yield* recording
      const verbalized = VerbalizedTextToSpeech.make(engine)
      const requests: ReadonlyArray<SpeechRequest> = [
        { text: "Am 3. Mai", language: "de", voice: "one" },
        { text: "20 %", language: "fr" },
        { text: "9点", language: "zh" }
      ]
      for (const request of requests) yield* Stream.runDrain(verbalized.speak(request))
      assert.deepStrictEqual(yield* Ref.get(spoken), [
        { text: "Am dritten Mai", language: "de", voice: "one" },
        { text: "vingt pour cent", language: "fr" },
        { text: "9点", language: "zh" }
      ])
      assert.deepStrictEqual(verbalized.voices, ["one"])
      assert.strictEqual(verbalized.contextMillis, 10_000)
    }))

  it.effect("finds its fixed lines by their written text", () =>
    Effect.gen(function*() {
      const { engine, prepared } = yield* recording
      const verbalized = VerbalizedTextToSpeech.make(engine)
      const line: SpeechRequest = { text: "We open at 9:00.", language: "en" }
      assert.strictEqual(verbalized.isReady?.(line), false)
      yield* verbalized.prepare([line])
      assert.strictEqual(verbalized.isReady?.(line), true)
      assert.deepStrictEqual([...prepared], ["We open at nine o'clock."])
    }))

  it.effect("gets the agent's earlier turns as they were spoken, and the same turn as the same object", () =>
    Effect.gen(function*() {
      const { engine, spoken } = yield* recording
      const verbalized = VerbalizedTextToSpeech.make(engine)
      const context: ReadonlyArray<SpokenTurn> = [
        { role: "caller", text: "at 9:00?", sound: [], sampleRate: 8000 },
        { role: "agent", text: "At 9:00.", sound: [], sampleRate: 8000 }
      ]
      for (const text of ["Yes.", "Yes, at 9:00."]) yield* Stream.runDrain(verbalized.speak({ text, language: "en", context }))
      const [first, second] = yield* Ref.get(spoken)
      assert.deepStrictEqual(first.context?.map(({ text }) => text), ["at 9:00?", "At nine o'clock."])
      assert.strictEqual(first.context?.[0], context[0])
      assert.strictEqual(first.context?.[1], second.context?.[1])
    }))
})
