/**
 * Decodes an agent file that may have problems. Each part that does not fit the schema is reported and removed, and the other
 * parts are decoded. So the author sees all problems of a file at once.
 */
import { Result } from "effect"
import { explain, nameOfPath, type SchemaProblem, schemaProblems } from "../../config/yaml/SchemaProblems.ts"
import type { Path } from "../../config/yaml/YamlPlaces.ts"
import { isObject, type Problem, type Source } from "../../config/yaml/YamlSource.ts"
import { type AgentFileContent, decode } from "./AgentSchema.ts"

/** The most characters of a text that is spoken (about two minutes of speech). Instructions are not spoken and may be longer. */
const maxSpokenCharacters = 2000

/** How often decoding is tried. If a part that was removed is required, the next attempt finds a new problem. */
const maxAttempts = 4

interface TolerantlyDecoded {
  readonly problems: ReadonlyArray<Problem>
  /** The content without the parts that have problems. Unset: nothing is left to decode. */
  readonly content?: AgentFileContent
  /** The paths that had problems, such as `intents.book.phrases`. Their absence is not reported again. */
  readonly leftOut: ReadonlySet<string>
}

/** The texts that are too long to be spoken, with their paths. */
const tooLongTexts = (data: unknown, path: Path = []): ReadonlyArray<readonly [path: Path, text: string]> => {
  if (typeof data === "string") return data.length > maxSpokenCharacters ? [[path, data]] : []
  if (Array.isArray(data)) return data.flatMap((item: unknown, index) => tooLongTexts(item, [...path, index]))
  if (!isObject(data)) return []
  return Object.entries(data).flatMap(([key, inner]) =>
    key === "phrases" || (path.length === 0 && key === "instructions") ? [] : tooLongTexts(inner, [...path, key]))
}

/** The path of the part to remove because of a problem: an unknown key, one key of an intent, a whole slot, or one key of another section. */
const pathToLeaveOut = ({ kind, path }: SchemaProblem): Path =>
  kind === "unknown" ? path : path.slice(0, path[0] === "intents" ? 3 : 2)

/** The data without the key at `path`. Items of lists are not removed. */
const without = (data: unknown, path: Path): unknown => {
  const [first, ...deeperPath] = path
  if (first === undefined || !isObject(data)) return data
  const { [first as string]: inner, ...others } = data
  // `inner` is missing if it was removed because of an earlier problem.
  return deeperPath.length === 0 || (path.length <= 2 && inner === undefined)
    ? others
    : { ...others, [first as string]: without(inner, deeperPath) }
}

/** Decodes the data of a parsed file. */
export const decodeTolerantly = (source: Source): TolerantlyDecoded => {
  const problems: Array<Problem> = []
  const leftOut = new Set<string>()
  let data = source.data
  for (const [path, { length }] of tooLongTexts(data)) {
    problems.push({
      ...source.place(path),
      message: `This text has ${length} characters. A text may have ${maxSpokenCharacters}, about two minutes of speech. `
        + "Write what a language model must know into \"instructions\"."
    })
    leftOut.add(nameOfPath(path))
    data = without(data, path)
  }
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const decoded = decode(data)
    if (Result.isSuccess(decoded)) return { problems, content: decoded.success, leftOut }
    for (const problem of schemaProblems(decoded.failure.issue)) {
      problems.push(explain(problem, source))
      leftOut.add(nameOfPath(problem.path))
      data = without(data, pathToLeaveOut(problem))
    }
    if (!isObject(data)) break
    if (!Object.hasOwn(data, "name")) data = { ...data, name: "unnamed" }
  }
  return { problems, leftOut }
}
