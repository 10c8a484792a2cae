/**
 * The state while one agent file is compiled. The compilers of its parts share this state.
 */
import { nameOfPath } from "../../../config/yaml/SchemaProblems.ts"
import type { Path } from "../../../config/yaml/YamlPlaces.ts"
import { isObject, type Source } from "../../../config/yaml/YamlSource.ts"
import { type AgentFileContent } from "../AgentSchema.ts"
import type { LanguageDefaults } from "../LanguageDefaults.ts"
import { FileProblems } from "./FileProblems.ts"
import { PhraseChecker } from "./PhraseChecker.ts"

/** The names that a file declares. The names of parts with problems are included, since a reference to such a part is valid. */
interface DeclaredNames {
  readonly intents: ReadonlyArray<string>
  readonly slots: ReadonlyArray<string>
  readonly transfers: ReadonlyArray<string>
}

export interface Compilation {
  readonly content: AgentFileContent
  /** The parsed file, including the parts that have problems. */
  readonly data: Readonly<Record<string, unknown>>
  readonly declared: DeclaredNames
  readonly problems: FileProblems
  readonly phraseChecker: PhraseChecker
  /** The defaults of the agent's language, or of English if the agent's language has no defaults. */
  readonly defaults: LanguageDefaults
  /** Whether the agent's language has defaults. */
  readonly hasDefaults: boolean
  /** Whether the key at `path` was removed because of a problem. The absence of this key is not reported. */
  readonly isLeftOut: (path: Path) => boolean
}

/** Whether a name is valid for an intent or a transfer. */
export const isName = (name: string): boolean => /^[a-z][a-z0-9_-]{0,63}$/.test(name)

const namesOf = (section: unknown): ReadonlyArray<string> => isObject(section) ? Object.keys(section) : []

const declaredNames = (data: Readonly<Record<string, unknown>>): DeclaredNames => ({
  intents: namesOf(data["intents"]),
  slots: namesOf(data["slots"]),
  transfers: namesOf(data["transfers"])
})

/** The state at the beginning. `leftOut`: the paths that had problems. */
export const make = (
  source: Source,
  content: AgentFileContent,
  leftOut: ReadonlySet<string>,
  languageDefaults: Pick<Compilation, "defaults" | "hasDefaults">
): Compilation => {
  const data = isObject(source.data) ? source.data : {}
  const declared = declaredNames(data)
  const problems = new FileProblems(source)
  return {
    ...languageDefaults,
    content,
    data,
    declared,
    problems,
    phraseChecker: new PhraseChecker(source, problems, declared.slots),
    isLeftOut: (path) => leftOut.has(nameOfPath(path))
  }
}
