import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { readFileSync } from "node:fs"
import { parse } from "../../../../../src/agent/file/AgentFile.ts"
import { receptionistFile } from "../../../../../src/agent/Agents.ts"
import { languageDefaults } from "../../../../../src/agent/file/LanguageDefaults.ts"
import { SpeechToText } from "../../../../../src/conversation/ports/SpeechToText.ts"
import * as SoundSwallower from "../../../../../src/engines/embedded/soundswallower/SoundSwallowerSpeechToText.ts"

const files: ReadonlyArray<readonly [string, string]> = [
  ["the receptionist", readFileSync(receptionistFile, "utf8")],
  ...[...languageDefaults.keys()].map((language) => [`the standard phrases of ${language}`, `name: x\nlanguage: ${language}`] as const)
]

layer(SoundSwallower.layer.pipe(Layer.provide(NodeServices.layer)))("the embedded recognizer", (it) => {
  it.effect.each(files)("knows every word of %s", ([, text]) =>
    Effect.gen(function*() {
      const definition = parse(text, "file.yaml")
      if (Result.isFailure(definition)) return assert.fail(definition.failure.message)
      const { unknownWords } = yield* SpeechToText
      assert.deepStrictEqual(yield* unknownWords(definition.success.hints), [])
    }))
})
