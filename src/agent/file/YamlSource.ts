/**
 * A YAML text and where in it everything stands, so that a problem can point at its line.
 */
import { Array, Result } from "effect"
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml"

/** How often the aliases of a file may be followed: enough to write a thing once, too few for a bomb. */
const maxAliases = 100

export interface Problem {
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

export type Path = ReadonlyArray<PropertyKey>

export interface Place {
  readonly line: number
  readonly column: number
}

/** A text as parsed, and the place of everything in it. */
export interface Source {
  readonly data: unknown
  /** Of a value; `key`: of the key before it. What is not there is where it would be. */
  readonly place: (path: Path, at?: "key" | "value") => Place
  /** Of a character of the phrase number `index` at a path. */
  readonly phrase: (path: Path, index: number, character: number) => Place
}

/** Whether a line of a block of phrases is one: blank lines and comments are none. */
export const isPhraseLine = (line: string): boolean => line.trim() !== "" && !line.trim().startsWith("#")

const keyText = (key: unknown): string => String(isScalar(key) ? key.value ?? "" : key)

/** Reads a text; it fails with what makes it no YAML. */
export const parse = (text: string): Result.Result<Source & { readonly duplicates: ReadonlyArray<Problem> }, Array.NonEmptyReadonlyArray<Problem>> => {
  const counter = new LineCounter()
  const placeOf = (offset: number): Place => {
    const { col, line } = counter.linePos(Math.min(Math.max(0, offset), text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const read = Result.try(() => parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false, logLevel: "error" }))
  if (Result.isFailure(read) || read.success.errors.some(({ code, message }) => code === "RESOURCE_EXHAUSTION" || /overflow|call stack/i.test(message))) {
    return Result.fail([{ line: 1, column: 1, message: "This is no YAML that can be read: it nests too deeply." }])
  }
  const document = read.success
  // Those behind the first few follow from them.
  const broken = document.errors.slice(0, 3).map(({ code, message, pos }): Problem => ({
    ...placeOf(pos[0]),
    message: code === "MULTIPLE_DOCS"
      ? "A file is one agent. Take out the line \"---\", or make two files of it."
      : `This is not YAML: ${message.split("\n")[0]}.`.replace(/\.\.$/, ".") + adviceFor(code, message)
  }))
  if (Array.isArrayNonEmpty(broken)) return Result.fail(broken)

  const data = Result.try(() => document.toJS({ maxAliasCount: maxAliases }) as unknown)
  if (Result.isFailure(data)) {
    return Result.fail([{ line: 1, column: 1, message: "The aliases (*name) of this file stand for too much. Write out what they stand for." }])
  }

  const follow = (node: unknown): unknown => isAlias(node) ? node.resolve(document) : node
  const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]

  const find = (path: Path): { readonly node: unknown; readonly key: number; readonly value: number } => {
    let node: unknown = follow(document.contents)
    let key = offsetOf(node) ?? 0
    let value = key
    for (const step of path) {
      let next: unknown
      if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item.key) === String(step))
        if (pair === undefined) return { node: undefined, key, value: key }
        key = offsetOf(pair.key) ?? key
        next = pair.value
      } else if (isSeq(node)) {
        next = node.items[Number(step)]
        key = offsetOf(next) ?? key
      } else return { node: undefined, key, value: key }
      // Where an alias stands is what the reader looks for, not what it stands for.
      value = offsetOf(next) ?? key
      node = follow(next)
    }
    return { node, key, value }
  }

  const place: Source["place"] = (path, at = "value") => {
    const found = find(path)
    return placeOf(at === "key" ? found.key : found.value)
  }

  const phrase: Source["phrase"] = (path, index, character) => {
    const { node, value } = find(path)
    if (isSeq(node)) {
      const item = follow(node.items[index])
      const start = offsetOf(item) ?? value
      const isQuoted = isScalar(item) && (item.type === "QUOTE_DOUBLE" || item.type === "QUOTE_SINGLE")
      return placeOf(start + character + (isQuoted ? 1 : 0))
    }
    if (isScalar(node) && node.type === "BLOCK_LITERAL" && node.range) {
      let lineStart = text.indexOf("\n", node.range[0]) + 1
      for (let seen = 0; lineStart > 0 && lineStart < text.length;) {
        const end = text.indexOf("\n", lineStart)
        const line = text.slice(lineStart, end < 0 ? text.length : end)
        if (isPhraseLine(line) && seen++ === index) return placeOf(lineStart + line.search(/\S/) + character)
        lineStart = end < 0 ? 0 : end + 1
      }
    }
    const isQuoted = isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE")
    return placeOf(value + (index === 0 ? character + (isQuoted ? 1 : 0) : 0))
  }

  const duplicates: Array<Problem> = []
  visit(document, {
    Map: (_, map) => {
      const seen = new Map<string, Place>()
      for (const { key } of map.items) {
        const name = keyText(key)
        const at = placeOf(offsetOf(key) ?? 0)
        const first = seen.get(name)
        if (first === undefined) seen.set(name, at)
        else duplicates.push({ ...at, message: `"${name}" is here for the second time; the first is in line ${first.line}. Give one of them another name.` })
      }
    }
  })
  return Result.succeed({ data: data.success, place, phrase, duplicates })
}

/** The most usual mistakes: brackets of a phrase that YAML takes for its own, and a colon in a text. */
const adviceFor = (code: string, message: string): string =>
  code === "BLOCK_AS_IMPLICIT_KEY" || /implicit key|Nested mappings/i.test(message)
    ? " A text with a colon in it has to be put in quotes."
    : code === "BAD_ALIAS" || code === "UNEXPECTED_TOKEN" || code === "MISSING_CHAR" || code === "BAD_INDENT" || /flow/i.test(message)
    ? " A phrase that begins with [, ( or { has to be put in quotes, or on a line of its own below \"phrases: |\"."
    : code === "TAB_AS_INDENT"
    ? " Indent with blanks."
    : ""
