/**
 * Compiles the text of an agent file to an agent definition. Reports all problems that can be found without the engines.
 */
import { Result } from "effect"
import { type Path, type Place, startOfFile } from "../../../config/yaml/YamlPlaces.ts"
import * as YamlSource from "../../../config/yaml/YamlSource.ts"
import type { Problem } from "../../../config/yaml/YamlSource.ts"
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import type { DialogScript } from "../../../definition/DialogScript.ts"
import * as Defaults from "../Defaults.ts"
import { decodeTolerantly } from "../TolerantDecoder.ts"
import * as Compilation from "./Compilation.ts"
import { compileHints } from "./HintsCompiler.ts"
import { checkIntentName, compileIntents } from "./IntentCompiler.ts"
import { checkOwnLines, compileLines, languageOf } from "./LanguageChoice.ts"
import { compileFillers, compileIdle, compileTools, compileTransfers } from "./SettingsCompiler.ts"
import { compileSlots } from "./SlotCompiler.ts"

/** A compiled file. The places in it are for problems that the engines find later. */
export interface CompiledAgent {
  /** The problems, in no particular order. */
  readonly problems: ReadonlyArray<Problem>
  /** The definition without the parts that have problems. Unset: the file has too few valid parts for an agent. */
  readonly definition?: AgentDefinition
  readonly placeOfVoice: Place
  readonly placeOfLanguage: Place
  /** The place of a word in each of the file's phrases that has it. Empty for a word that is only in the default phrases. */
  readonly placesOfWord: (word: string) => ReadonlyArray<Place>
}

const fileAdvice: YamlSource.FileAdvice = {
  severalDocuments: "A file describes one agent. Remove the line \"---\", or make two files of it.",
  noKeys: "An agent's file consists of keys with values, such as \"name: receptionist\".",
  brackets: "If a phrase begins with \"[\" or \"{\", put the phrase in quotes, or write it on a line of its own below \"phrases: |\"."
}

const withoutDefinition = (problems: ReadonlyArray<Problem>): CompiledAgent => ({
  problems,
  placeOfVoice: startOfFile,
  placeOfLanguage: startOfFile,
  placesOfWord: () => []
})

/**
 * The file's phrases at `path`. If the file does not have this key, the default phrases of the agent's language, or none if the language
 * has no defaults.
 */
const phrasesOrDefault = (
  { hasDefaults, phraseChecker }: Compilation.Compilation,
  path: Path,
  phrases: ReadonlyArray<string> | undefined,
  defaults: ReadonlyArray<string>
): ReadonlyArray<string> => phrases === undefined ? hasDefaults ? defaults : [] : phraseChecker.usablePhrases(path, phrases, "forbidden")

const compileScript = (compilation: Compilation.Compilation): DialogScript => {
  const { content, defaults } = compilation
  const slots = compileSlots(compilation)
  const { intents, names } = compileIntents(compilation)
  const { first, next = "hang up", second, third } = content.notUnderstood ?? {}
  if (next !== "hang up") checkIntentName(compilation, ["notUnderstood", "next"], next, ["hang up", ...names])
  return {
    intents,
    slots,
    yes: phrasesOrDefault(compilation, ["yes"], content.yes, defaults.yes),
    no: phrasesOrDefault(compilation, ["no"], content.no, defaults.no),
    openQuestion: content.prompt ?? defaults.openQuestion,
    notUnderstood: {
      first: first ?? defaults.notUnderstood.first,
      second: second ?? defaults.notUnderstood.second,
      third: third ?? defaults.notUnderstood.third,
      next: next === "hang up" ? "hangUp" : { intent: next }
    }
  }
}

const compileDefinition = (compilation: Compilation.Compilation, language: string, maxCallMillis: number): AgentDefinition => {
  const { content, defaults, hasDefaults } = compilation
  const script = compileScript(compilation)
  const backchannels = phrasesOrDefault(
    compilation,
    ["interruption", "backchannels"],
    content.interruption?.backchannels,
    defaults.backchannels
  )
  const fillers = compileFillers(compilation)
  const transfers = compileTransfers(compilation)
  const tools = compileTools(compilation)
  return {
    name: content.name,
    language,
    ...(content.region === undefined ? {} : { region: content.region }),
    ...(content.voice === undefined ? {} : { voice: content.voice }),
    ...(content.recording === undefined ? {} : { isRecorded: content.recording }),
    instructions: content.instructions ?? Defaults.instructions,
    lines: compileLines(compilation),
    script,
    hints: compileHints(compilation, language, script, backchannels),
    endpointing: { ...Defaults.endpointing, ...content.endpointing },
    interruption: {
      minSpeech: content.interruption?.minSpeech ?? Defaults.minSpeech,
      backchannels,
      ...(content.greeting?.interruptible === false ? { greeting: false } : {})
    },
    smallTalk: hasDefaults ? defaults.smallTalk : [],
    idle: compileIdle(compilation),
    timeouts: { ...Defaults.timeouts, ...content.timeouts },
    ...(content.timeouts === undefined ? {} : { ownTimeouts: content.timeouts }),
    ...(fillers === undefined ? {} : { fillers }),
    ...(Object.keys(transfers).length === 0 ? {} : { transfers }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(content.store === undefined ? {} : { keepsWords: content.store }),
    ...(content.webhook === undefined ? {} : { webhookUrl: content.webhook }),
    maxDuration: Math.min(content.maxDuration ?? Defaults.maxDuration, maxCallMillis)
  }
}

/** Compiles the text of a file. `maxCallMillis`: the service's limit for a call, which also limits the agent's `maxDuration`. */
export const compile = (text: string, maxCallMillis: number): CompiledAgent => {
  const parsed = YamlSource.parse(text, fileAdvice)
  if (Result.isFailure(parsed)) return withoutDefinition(parsed.failure.problems)
  const source = parsed.success
  const decoded = decodeTolerantly(source)
  const found = [...source.duplicates, ...decoded.problems]
  if (decoded.content === undefined) return withoutDefinition(found)

  const { language, ...languageDefaults } = languageOf(decoded.content)
  const compilation = Compilation.make(source, decoded.content, decoded.leftOut, languageDefaults)
  checkOwnLines(compilation, language)
  const definition = compileDefinition(compilation, language, maxCallMillis)
  return {
    problems: [...found, ...compilation.problems.all],
    definition,
    placeOfVoice: source.place(["voice"]),
    placeOfLanguage: source.place(["language"]),
    placesOfWord: compilation.phraseChecker.placesOfWord
  }
}
