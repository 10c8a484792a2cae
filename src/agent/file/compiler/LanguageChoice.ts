/**
 * The language of an agent file, and the defaults of this language.
 *
 * A language without defaults uses those of English. A file in this language must contain its own lines, so that they are not spoken in
 * English.
 */
import { isObject } from "../../../config/yaml/YamlSource.ts"
import type { Lines } from "../../../definition/AgentDefinition.ts"
import type { AgentFileContent } from "../AgentSchema.ts"
import * as Defaults from "../Defaults.ts"
import { type LanguageDefaults, languageDefaults } from "../LanguageDefaults.ts"
import type { Compilation } from "./Compilation.ts"

interface LanguageChoice {
  /** A language code of ISO 639-1. */
  readonly language: string
  readonly defaults: LanguageDefaults
  readonly hasDefaults: boolean
}

const english = languageDefaults.get(Defaults.language)!

export const languageOf = ({ language = Defaults.language }: AgentFileContent): LanguageChoice => {
  const defaults = languageDefaults.get(language)
  return { language, defaults: defaults ?? english, hasDefaults: defaults !== undefined }
}

const requiredLines = ["idle", "idleGoodbye", "apology", "failure", "timeIsUp"] as const

/** Reports the lines that are missing in a file whose language has no defaults. */
export const checkOwnLines = ({ content, data, hasDefaults, problems }: Compilation, language: string): void => {
  if (hasDefaults) return
  const isWritten = (line: string) => isObject(data["lines"]) && Object.hasOwn(data["lines"], line)
  const missing = [
    ...content.greeting?.text === undefined ? ["greeting"] : [],
    ...requiredLines.filter((line) => !isWritten(line)).map((line) => `lines.${line}`),
    ...content.transfers !== undefined && content.lines?.transferFailed === undefined ? ["lines.transferFailed"] : [],
    ...content.recording === true && content.lines?.recorded === undefined ? ["lines.recorded"] : []
  ]
  if (missing.length === 0) return
  problems.atValue(
    ["language"],
    `Default lines exist only for ${[...languageDefaults.keys()].join(", ")}. For "${language}", write: ${missing.join(", ")}.`
  )
}

/** The lines of the agent. If its file lacks a line, the default line is used. */
export const compileLines = ({ content, defaults, hasDefaults }: Compilation): Lines => {
  // If the language has no defaults, these three lines are left out, so that they are not said in English. `recorded` is not left out, since
  // callers must be told that the call is recorded.
  const { hold: _hold, resumed: _resumed, transferFailed: _transferFailed, ...englishLines } = defaults.lines
  return {
    ...(hasDefaults ? defaults.lines : englishLines),
    ...content.lines,
    greeting: content.greeting?.text ?? defaults.lines.greeting,
    // In a language without defaults, the file's own apology asks the caller to repeat.
    notUnderstood: content.notUnderstood?.first ?? (hasDefaults ? undefined : content.lines?.apology) ?? defaults.notUnderstood.first
  }
}
