/**
 * Parses the YAML of a file. Each value and each problem has its place (line and column) in the text.
 */
import { Array, Data, Result } from "effect"
import { type Document, LineCounter, parseDocument, visit, type YAMLError } from "yaml"
import { type Place, startOfFile, textOfKey, YamlPlaces } from "./YamlPlaces.ts"

/** How often the aliases of a file may be expanded. With aliases of aliases, a small file could expand to gigabytes. */
const maxAliases = 100

/** Only the first errors are reported, because later ones usually follow from them. */
const maxReportedErrors = 3

/** A problem for the author of a file, with its place. */
export interface Problem extends Place {
  /** Whole sentences: what is wrong, and what to do. */
  readonly message: string
}

/** The text is not YAML, or has more than one document. */
class YamlInvalid extends Data.TaggedError("YamlInvalid")<{ readonly problems: Array.NonEmptyReadonlyArray<Problem> }> {
  override get message() {
    return this.problems.map(({ line, message }) => `Line ${line}: ${message}`).join("\n")
  }
}

/** A parsed YAML text: its data, the place of each value, and the repeated keys. */
export interface Source extends Pick<YamlPlaces, "place" | "placeInText"> {
  readonly advice: FileAdvice
  /** Plain objects, lists and scalars, with aliases expanded. The last value of a repeated key counts. */
  readonly data: unknown
  /** A problem for each repeated key. */
  readonly duplicates: ReadonlyArray<Problem>
}

/** Messages for the author of one kind of file, in whole sentences. */
export interface FileAdvice {
  /** The message for a file with several documents. */
  readonly severalDocuments: string
  /** The message for a file without keys: it is empty, a text or a list. */
  readonly noKeys: string
  /** A sentence to add if brackets do not match. Unset: the parser's message is enough. */
  readonly brackets?: string
}

/** Whether a value has keys. */
export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value)

/** Advice for the most common mistakes. Brackets and colons have a meaning in YAML, so a text that contains them needs quotes. */
const adviceFor = ({ brackets }: FileAdvice, code: string, message: string): string =>
  code === "BLOCK_AS_IMPLICIT_KEY" || /implicit key|Nested mappings/i.test(message)
    ? " Put a text with a colon in it in quotes."
    : brackets !== undefined && (code === "BAD_ALIAS" || code === "UNEXPECTED_TOKEN" || code === "MISSING_CHAR" || code === "BAD_INDENT" || /flow/i.test(message))
    ? ` ${brackets}`
    : code === "TAB_AS_INDENT"
    ? " Indent with spaces."
    : ""

const explainError = ({ code, message, pos }: YAMLError, advice: FileAdvice, places: YamlPlaces): Problem => ({
  ...places.at(pos[0]),
  message: code === "MULTIPLE_DOCS"
    ? advice.severalDocuments
    : `This is not YAML: ${message.split("\n")[0]}.`.replace(/\.\.$/, ".") + adviceFor(advice, code, message)
})

const repeatedKeys = (document: Document, places: YamlPlaces): ReadonlyArray<Problem> => {
  const repeated: Array<Problem> = []
  visit(document, {
    Map: (_, map) => {
      const firstPlaces = new Map<string, Place>()
      for (const { key } of map.items) {
        const name = textOfKey(key)
        const place = places.ofNode(key)
        const first = firstPlaces.get(name)
        if (first === undefined) firstPlaces.set(name, place)
        else {
          repeated.push({
            ...place,
            message: `"${name}" is here for the second time; the first is in line ${first.line}. Give one of them another name.`
          })
        }
      }
    }
  })
  return repeated
}

/** The parser recurses, so a text that nests deeply may overflow the stack. */
const isTooDeep = ({ code, message }: YAMLError): boolean => code === "RESOURCE_EXHAUSTION" || /overflow|call stack/i.test(message)

const refuseFile = (message: string) => Result.fail(new YamlInvalid({ problems: [{ ...startOfFile, message }] }))

export const parse = (text: string, advice: FileAdvice): Result.Result<Source, YamlInvalid> => {
  const lines = new LineCounter()
  const parsed = Result.try(() => parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: "error" }))
  if (Result.isFailure(parsed) || parsed.success.errors.some(isTooDeep)) {
    return refuseFile("This YAML can't be read: it nests too deeply.")
  }
  const document = parsed.success
  const places = new YamlPlaces(text, document, lines)
  const errors = document.errors.slice(0, maxReportedErrors).map((error) => explainError(error, advice, places))
  if (Array.isArrayNonEmpty(errors)) return Result.fail(new YamlInvalid({ problems: errors }))

  const data = Result.try(() => document.toJS({ maxAliasCount: maxAliases }) as unknown)
  if (Result.isFailure(data)) {
    return refuseFile("The aliases (*name) of this file expand to too much text. Write their values out.")
  }
  const { place, placeInText } = places
  return Result.succeed({ data: data.success, advice, place, placeInText, duplicates: repeatedKeys(document, places) })
}
