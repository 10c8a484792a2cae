/**
 * Where in a YAML text each key and value stands, so that a problem can point at its line and column.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Scalar } from "yaml"

/** Keys, and indexes of list items, from the top of a file to one of its values. */
export type Path = ReadonlyArray<PropertyKey>

/** A line and a column of a file, both counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The place of a problem that concerns the whole file. */
export const startOfFile: Place = { line: 1, column: 1 }

/** Whether a line counts as a text, in a block with one text per line. Blank lines and comments do not count. */
export const isTextLine = (line: string): boolean => line.trim() !== "" && !line.trim().startsWith("#")

/** A map's key as text. */
export const textOfKey = (key: unknown): string => String(isScalar(key) ? key.value ?? "" : key)

/** Where a node begins, in characters from the start of the YAML text. */
const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]

/** The number of characters before a scalar's text: 1 if the scalar is in quotes. */
const quoteLength = (node: unknown): number =>
  isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") ? 1 : 0

/** `key` and `value` are offsets. If nothing is at the path, `node` is `undefined`, and both are the offset of the path's last existing key. */
interface Found {
  readonly node: unknown
  readonly key: number
  readonly value: number
}

export class YamlPlaces {
  readonly #text: string
  readonly #document: Document
  readonly #lines: LineCounter

  /** `document` and `lines` come from parsing `text`. */
  constructor(text: string, document: Document, lines: LineCounter) {
    this.#text = text
    this.#document = document
    this.#lines = lines
  }

  /** The place of the value at `path`, or of its key. A missing value has the place of the last key that exists. */
  readonly place = (path: Path, part: "key" | "value" = "value"): Place => {
    const found = this.#find(path)
    return this.at(part === "key" ? found.key : found.value)
  }

  /**
   * The place of a character in one of several texts at `path`. The texts are the items of a list, or the lines of a block. `index` (the text)
   * and `character` count from 0.
   */
  readonly placeInText = (path: Path, index: number, character: number): Place => {
    const { node, value } = this.#find(path)
    if (isSeq(node)) {
      const item = this.#follow(node.items[index])
      return this.at((offsetOf(item) ?? value) + character + quoteLength(item))
    }
    if (isScalar(node) && node.type === "BLOCK_LITERAL") {
      const place = this.#lineInBlock(node, index, character)
      if (place !== undefined) return place
    }
    return this.at(value + (index === 0 ? character + quoteLength(node) : 0))
  }

  readonly ofNode = (node: unknown): Place => this.at(offsetOf(node) ?? 0)

  /** The place of a character, by its offset from the start of the text. */
  at(offset: number): Place {
    const { col, line } = this.#lines.linePos(Math.min(Math.max(0, offset), this.#text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  #lineInBlock(block: Scalar, index: number, character: number): Place | undefined {
    const text = this.#text
    if (!block.range) return undefined
    let lineStart = text.indexOf("\n", block.range[0]) + 1
    for (let texts = 0; lineStart > 0 && lineStart < text.length;) {
      const end = text.indexOf("\n", lineStart)
      const line = text.slice(lineStart, end < 0 ? text.length : end)
      if (isTextLine(line) && texts++ === index) return this.at(lineStart + line.search(/\S/) + character)
      lineStart = end < 0 ? 0 : end + 1
    }
    return undefined
  }

  #follow(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  #find(path: Path): Found {
    let node: unknown = this.#follow(this.#document.contents)
    let key = offsetOf(node) ?? 0
    let value = key
    for (const step of path) {
      let next: unknown
      if (isMap(node)) {
        const pair = node.items.find((item) => textOfKey(item.key) === String(step))
        if (pair === undefined) return { node: undefined, key, value: key }
        key = offsetOf(pair.key) ?? key
        next = pair.value
      } else if (isSeq(node)) {
        next = node.items[Number(step)]
        key = offsetOf(next) ?? key
      } else return { node: undefined, key, value: key }
      // The place of an alias is its own place, not that of its value.
      value = offsetOf(next) ?? key
      node = this.#follow(next)
    }
    return { node, key, value }
  }
}
