/**
 * An agent's file: YAML, read into a persona. `docs/agents.md` explains it to those who write one.
 *
 * Everything that is wrong with a file is reported at once, each with its line and what to do: keys, types,
 * phrases, names of slots and intents, and what the engines can't say or hear.
 */
import { Array, Context, Data, Duration, Effect, Layer, Result } from "effect"
import { AppConfig } from "../../config/AppConfig.ts"
import * as Files from "../../config/Files.ts"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import { SpeechToText } from "../../conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../../conversation/ports/TextToSpeech.ts"
import { type Draft, draft, nowhere } from "./AgentCompiler.ts"
import { suggest } from "../../domain/DidYouMean.ts"
import type { Problem } from "./YamlSource.ts"

/** The largest file that is read, in bytes. */
export const maxBytes = 262_144

/** Problems of one file that its error's message tells. */
const shown = 50

/** All that is wrong with a file: one line each, fit to be shown to whoever wrote it. */
export class AgentFileInvalid extends Data.TaggedError("AgentFileInvalid")<{
  readonly file: string
  readonly problems: Array.NonEmptyReadonlyArray<Problem>
}> {
  override get message() {
    const lines = this.problems.slice(0, shown).map(({ column, line, message }) => `${this.file}:${line}:${column}: ${message}`)
    const more = this.problems.length - lines.length
    return [...lines, ...more > 0 ? [`${this.file}: and ${more} more.`] : []].join("\n")
  }
}

/** The file itself can't be had. */
export class AgentFileUnreadable extends Data.TaggedError("AgentFileUnreadable")<{ readonly file: string; readonly why: string }> {
  override get message() {
    return `The agent's file ${this.file} ${this.why}`
  }
}

/** Why a file can't be read, and what to do: the end of a sentence that begins with its name. */
const advice: Readonly<Record<Files.FileUnreadable["why"], string>> = {
  missing: "can't be found. Check AGENT, AGENT_NUMBERS and AGENTS_DIR; a relative path begins where the service was started.",
  folder: "is a folder. Name a file; AGENTS_DIR is for a folder of them.",
  notAFile: "is a pipe, a device or a socket. Name a file.",
  tooLarge: `has more than ${maxBytes / 1024} KiB. Make it smaller.`,
  forbidden: "can't be read. Check its permissions.",
  failed: "can't be read. Check its disk and its permissions."
}

const inOrder = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.toSorted((one, other) => one.line - other.line || one.column - other.column)

const settle = (file: string, persona: AgentDefinition | undefined, problems: ReadonlyArray<Problem>): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const sorted = inOrder(problems)
  if (Array.isReadonlyArrayNonEmpty(sorted)) return Result.fail(new AgentFileInvalid({ file, problems: sorted }))
  return persona === undefined
    ? Result.fail(new AgentFileInvalid({ file, problems: [{ ...nowhere, message: "This file can't be read." }] }))
    : Result.succeed(persona)
}

/** Reads a text, without asking the engines. `file` is its name in errors, `limit` the longest call in ms. */
export const parse = (text: string, file: string, limit = Infinity): Result.Result<AgentDefinition, AgentFileInvalid> => {
  const { persona, problems } = draft(text, limit)
  return settle(file, persona, problems)
}

export class AgentFiles extends Context.Service<AgentFiles, {
  /** The persona of a text; `file` is its name in errors. */
  readonly read: (text: string, file: string) => Effect.Effect<AgentDefinition, AgentFileInvalid | EngineFailed>
  readonly load: (file: string) => Effect.Effect<AgentDefinition, AgentFileInvalid | AgentFileUnreadable | EngineFailed>
}>()("client-caller/agent/AgentFiles") {
  static readonly layer = Layer.effect(
    AgentFiles,
    Effect.gen(function*() {
      const { limits } = yield* AppConfig
      const speechToText = yield* SpeechToText
      const textToSpeech = yield* TextToSpeech
      const limit = Duration.toMillis(limits.callDuration)

      const unheard = Effect.fnUntraced(function*({ languageAt, wordAt }: Draft, { hints }: AgentDefinition) {
        const words = yield* speechToText.unknownWords(hints).pipe(
          Effect.map((words) => ({ words, refusal: undefined })),
          // The engine's own sentence says what to do.
          Effect.catch((error) => error.reason === "refused" ? Effect.succeed({ words: [], refusal: error.advice }) : Effect.fail(error))
        )
        return [
          ...words.refusal === undefined ? [] : [{ ...languageAt, message: words.refusal }],
          ...words.words.flatMap((word): ReadonlyArray<Problem> => {
            const places = wordAt(word)
            const message = `The speech recognition does not know the word "${word}". Write it in other words, or as it sounds.`
            return (places.length === 0 ? [languageAt] : places).map((at) => ({ ...at, message }))
          })
        ]
      })

      const read = Effect.fn("AgentFiles.read")(function*(text: string, file: string) {
        const found = draft(text, limit)
        if (found.persona === undefined) return yield* Effect.fromResult(settle(file, undefined, found.problems))
        const { voice } = found.persona
        const { voices } = textToSpeech
        const unsaid = voice === undefined || voices.length === 0 || voices.includes(voice)
          ? []
          : [{ ...found.voiceAt, message: `There is no voice "${voice}". ${suggest(voice, voices)}` }]
        const problems = [...found.problems, ...unsaid, ...yield* unheard(found, found.persona)]
        return yield* Effect.fromResult(settle(file, found.persona, problems))
      })

      const load = Effect.fn("AgentFiles.load")(function*(file: string) {
        const unreadable = (why: string) => new AgentFileUnreadable({ file, why })
        const { text } = yield* Effect.mapError(Files.read(file, maxBytes), ({ why }) => unreadable(advice[why]))
        return yield* read(text, file)
      })

      return AgentFiles.of({ read, load })
    })
  )
}
