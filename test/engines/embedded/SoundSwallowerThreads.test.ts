import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import * as SoundSwallowerThreads from "../../../src/engines/embedded/SoundSwallowerThreads.ts"
import { Speech } from "../../../src/simulator/Speech.ts"

const grammar = {
  name: "test",
  jsgf: "#JSGF V1.0;\ngrammar test;\npublic <said> = (yes | no)+;\n",
  words: [["yes", "Y EH S"], ["no", "N OW"]] as const,
  modelBase: join(dirname(createRequire(import.meta.url).resolve("soundswallower")), "model/"),
  model: "en-us",
  wordInsertion: 0.1
}

const tenth = 800

it.live("a thread that has much to do is waited for, and not taken for one that hangs", () =>
  Effect.gen(function*() {
    const { speak } = yield* Speech
    const yes = yield* speak("yes", "rms")
    const threads = yield* SoundSwallowerThreads.make(2000)
    yield* threads.load(grammar)
    const hearing = yield* threads.hear(grammar)
    // Minutes of sound all at once: seconds of work, and a small part of one for each piece.
    for (let at = 0, length = 0; length < 1_440_000; length += tenth) {
      yield* hearing.push(yes.slice(at, at + tenth))
      at = at + 2 * tenth > yes.length ? 0 : at + tenth
    }
    assert.match(yield* hearing.words, /yes/)
  }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(Speech.layer, NodeServices.layer))), 120_000)
