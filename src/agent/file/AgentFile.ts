/**
 * Reads an agent file (YAML) into an agent definition. `docs/agents.md` explains agent files to their authors.
 *
 * All problems of a file are reported at once, each with its line and advice. A problem can be in the keys, the types of values, the
 * phrases, or the names of slots and intents. It can also be an unknown voice, or a word that the recognizer does not know.
 */
import { Array, Context, Data, Duration, Effect, Layer, Result } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import * as YamlFile from "../../config/yaml/YamlFile.ts"
import { startOfFile } from "../../config/yaml/YamlPlaces.ts"
import type { Problem } from "../../config/yaml/YamlSource.ts"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import { SpeechToText } from "../../conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../../conversation/ports/TextToSpeech.ts"
import { type CompiledAgent, compile } from "./compiler/AgentCompiler.ts"
import { suggest } from "../../domain/DidYouMean.ts"

/** How many problems an error's message lists. Of the others, it gives only the number. */
const maxListedProblems = 50

/** The file has problems. The message has one line for each problem. */
export class AgentFileInvalid extends Data.TaggedError("AgentFileInvalid")<{
  readonly file: string
  /** In the order of their places in the file. */
  readonly problems: Array.NonEmptyReadonlyArray<Problem>
}> {
  override get message() {
    const lines = this.problems.slice(0, maxListedProblems).map((problem) => YamlFile.lineOf(this.file, problem))
    const unlisted = this.problems.length - lines.length
    return [...lines, ...unlisted > 0 ? [`${this.file}: and ${unlisted} more.`] : []].join("\n")
  }
}

/** The file itself can't be read. */
export class AgentFileUnreadable extends Data.TaggedError("AgentFileUnreadable")<{
  readonly file: string
  /** The end of a sentence that begins with the file's name. */
  readonly why: string
}> {
  override get message() {
    return `The agent's file ${this.file} ${this.why}`
  }
}

const fileAdvice = {
  missing: "Check AGENT, AGENT_NUMBERS and AGENTS_DIR; a relative path starts at the folder in which the service was started.",
  folder: "Set the path of one file. For a folder of agent files, set AGENTS_DIR."
}

/** Succeeds with the definition if the file has no problems. Otherwise fails with the problems. */
const definitionOrProblems = (
  file: string,
  definition: AgentDefinition | undefined,
  problems: ReadonlyArray<Problem>
): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const sorted = YamlFile.inOrder(problems)
  if (Array.isReadonlyArrayNonEmpty(sorted)) return Result.fail(new AgentFileInvalid({ file, problems: sorted }))
  return definition === undefined
    ? Result.fail(new AgentFileInvalid({ file, problems: [{ ...startOfFile, message: "This file does not describe an agent." }] }))
    : Result.succeed(definition)
}

/** Reads the text of an agent file without the engines. `file` is its name in errors. `maxCallMillis` is the service's limit for a call, in ms. */
export const parse = (text: string, file: string, maxCallMillis = Infinity): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const { definition, problems } = compile(text, maxCallMillis)
  return definitionOrProblems(file, definition, problems)
}

/** Reports a voice that the speech engine does not have. An engine that lists no voices accepts any name. */
const voiceProblems = ({ placeOfVoice }: CompiledAgent, { voice }: AgentDefinition, voices: ReadonlyArray<string>): ReadonlyArray<Problem> =>
  voice === undefined || voices.length === 0 || voices.includes(voice)
    ? []
    : [{ ...placeOfVoice, message: `There is no voice "${voice}". ${suggest(voice, voices)}` }]

/** One problem for each phrase of the file that has the word. If the word is only in the default phrases, it is reported at the key `language`. */
const unknownWordProblems = ({ placeOfLanguage, placesOfWord }: CompiledAgent, word: string): ReadonlyArray<Problem> => {
  const places = placesOfWord(word)
  const message = `The speech recognition does not know the word "${word}". Write it in other words, or as it sounds.`
  return (places.length === 0 ? [placeOfLanguage] : places).map((place) => ({ ...place, message }))
}

export class AgentFiles extends Context.Service<AgentFiles, {
  /** Reads the text of an agent file, and checks its words and its voice with the engines. `file` is the name of the text in errors. */
  readonly read: (text: string, file: string) => Effect.Effect<AgentDefinition, AgentFileInvalid | EngineFailed>
  /** Like `read`, but reads the text from a file of at most 256 KiB. */
  readonly load: (file: string) => Effect.Effect<AgentDefinition, AgentFileInvalid | AgentFileUnreadable | EngineFailed>
}>()("client-caller/agent/AgentFiles") {
  static readonly layer = Layer.effect(
    AgentFiles,
    Effect.gen(function*() {
      const { limits } = yield* AppConfig
      const speechToText = yield* SpeechToText
      const { voices } = yield* TextToSpeech
      const maxCallMillis = Duration.toMillis(limits.callDuration)

      const recognitionProblems = (compiled: CompiledAgent, { hints }: AgentDefinition) =>
        speechToText.unknownWords(hints).pipe(
          Effect.map((words) => words.flatMap((word) => unknownWordProblems(compiled, word))),
          Effect.catch((error) =>
            // `refused`: the engine does not support the language. Its advice says what the author can do.
            error.reason === "refused"
              ? Effect.succeed<ReadonlyArray<Problem>>([{ ...compiled.placeOfLanguage, message: error.advice }])
              : Effect.fail(error)
          )
        )

      const read = Effect.fn("AgentFiles.read")(function*(text: string, file: string) {
        const compiled = compile(text, maxCallMillis)
        const { definition } = compiled
        if (definition === undefined) return yield* Effect.fromResult(definitionOrProblems(file, undefined, compiled.problems))
        const problems = [
          ...compiled.problems,
          ...voiceProblems(compiled, definition, voices),
          ...yield* recognitionProblems(compiled, definition)
        ]
        return yield* Effect.fromResult(definitionOrProblems(file, definition, problems))
      })

      const load = Effect.fn("AgentFiles.load")(function*(file: string) {
        const text = yield* Effect.mapError(YamlFile.read(file, fileAdvice), ({ why }) => new AgentFileUnreadable({ file, why }))
        return yield* read(text, file)
      })

      return AgentFiles.of({ read, load })
    })
  )
}
