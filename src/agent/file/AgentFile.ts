/**
 * Agent files: YAML that is read into an agent definition. `docs/agents.md` explains them to their writers.
 *
 * All problems of a file are reported at once, each with its line and advice. They concern keys, types, phrases, names of
 * slots and intents, an unknown voice, or words that the recognizer does not know.
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

/** How many problems an error's message lists. It only counts the others. */
const maxListedProblems = 50

/** All problems of a file, one line each, for its writer. */
export class AgentFileInvalid extends Data.TaggedError("AgentFileInvalid")<{
  readonly file: string
  /** In the order of their places. */
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

const advice = {
  missing: "Check AGENT, AGENT_NUMBERS and AGENTS_DIR; a relative path begins where the service was started.",
  folder: "Name a file; AGENTS_DIR is for a folder of them."
}

/** The definition if the file has no problems, else the problems. */
const definitionOrProblems = (
  file: string,
  definition: AgentDefinition | undefined,
  problems: ReadonlyArray<Problem>
): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const sorted = YamlFile.inOrder(problems)
  if (Array.isReadonlyArrayNonEmpty(sorted)) return Result.fail(new AgentFileInvalid({ file, problems: sorted }))
  return definition === undefined
    ? Result.fail(new AgentFileInvalid({ file, problems: [{ ...startOfFile, message: "This file can't be read." }] }))
    : Result.succeed(definition)
}

/** Reads a text without asking the engines. `file` is its name in errors; no call lasts longer than `maxCallMillis`. */
export const parse = (text: string, file: string, maxCallMillis = Infinity): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const { definition, problems } = compile(text, maxCallMillis)
  return definitionOrProblems(file, definition, problems)
}

/** Reports a voice that the engine does not have. An engine that lists no voices accepts any name. */
const voiceProblems = ({ placeOfVoice }: CompiledAgent, { voice }: AgentDefinition, voices: ReadonlyArray<string>): ReadonlyArray<Problem> =>
  voice === undefined || voices.length === 0 || voices.includes(voice)
    ? []
    : [{ ...placeOfVoice, message: `There is no voice "${voice}". ${suggest(voice, voices)}` }]

/** One problem for each place of the word in the file. A word of the default phrases is reported at the key `language`. */
const unknownWordProblems = ({ placeOfLanguage, placesOfWord }: CompiledAgent, word: string): ReadonlyArray<Problem> => {
  const places = placesOfWord(word)
  const message = `The speech recognition does not know the word "${word}". Write it in other words, or as it sounds.`
  return (places.length === 0 ? [placeOfLanguage] : places).map((place) => ({ ...place, message }))
}

export class AgentFiles extends Context.Service<AgentFiles, {
  /** The definition in a text; `file` is its name in errors. Asks the engines which words and voices they know. */
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
            // The engine refuses the language, and its advice says what to do.
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
        const text = yield* Effect.mapError(YamlFile.read(file, advice), ({ why }) => new AgentFileUnreadable({ file, why }))
        return yield* read(text, file)
      })

      return AgentFiles.of({ read, load })
    })
  )
}
