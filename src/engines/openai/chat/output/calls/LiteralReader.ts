/**
 * Reads one value that a model wrote as JSON, or as a Python or JavaScript literal: single quotes, `True` and `None`,
 * keys without quotes, a comma too many, line ends inside of strings, and the quotes of Gemma 4 and FunctionGemma.
 */
import type { Schema } from "effect"

export type Parsed =
  | { readonly _tag: "Value"; readonly value: Schema.Json; readonly end: number }
  /** The text ends before the value does. */
  | { readonly _tag: "Incomplete" }
  /** The text is no value; `at` is where it stopped being one. */
  | { readonly _tag: "Invalid"; readonly at: number }

/** Values inside of values; a deeper one is refused. */
const deepest = 32

const constants: Readonly<Record<string, Schema.Json>> = { true: true, True: true, false: false, False: false, null: null, None: null }

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" }

/** Quotes of single characters come last, so that a longer one is found first. */
const quotes = ["<|\"|>", "<escape>", "\"\"\"", "'''", "\"", "'"]

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** A number that more text may make longer. */
const partOfNumber = /-?\d+(?:\.\d*)?(?:[eE][+-]?\d*)?$/y
const identifier = /[A-Za-z_$][\w$-]*/y
const bareWord = /[^\s,{}[\]"'<>][^,{}[\]"'<>\n]*/y

/** What a reading function answers instead of a value. */
const nothing = Symbol("nothing")
type Read<A> = A | typeof nothing

class Cursor {
  readonly text: string
  readonly takesBareWords: boolean
  at: number
  isShort = false

  constructor(text: string, at: number, takesBareWords: boolean) {
    this.text = text
    this.at = at
    this.takesBareWords = takesBareWords
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    return pattern.exec(this.text)?.[0]
  }

  blanks(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++
  }

  /** The value can't be read; whether more text could change that is told by how much there is. */
  fail(): typeof nothing {
    if (this.at >= this.text.length) this.isShort = true
    return nothing
  }

  short(): typeof nothing {
    this.at = this.text.length
    return this.fail()
  }

  string(quote: string): Read<string> {
    this.at += quote.length
    let value = ""
    while (this.at < this.text.length) {
      const rest = this.text.slice(this.at, this.at + quote.length)
      if (rest === quote) {
        this.at += quote.length
        return value
      }
      if (quote.length > 1 && quote.startsWith(rest) && this.at + rest.length === this.text.length) return this.short()
      const character = this.text[this.at++]
      if (character !== "\\") {
        value += character
        continue
      }
      const escaped = this.text[this.at++]
      if (escaped === undefined) break
      if (escaped === "u") {
        const digits = this.text.slice(this.at, this.at + 4)
        if (digits.length < 4) break
        if (!/^[0-9a-f]{4}$/i.test(digits)) {
          this.at -= 2
          return nothing
        }
        value += String.fromCharCode(parseInt(digits, 16))
        this.at += 4
      } else value += escapes[escaped] ?? escaped
    }
    return this.short()
  }

  key(): Read<string> {
    const quote = this.quote()
    if (quote === nothing) return nothing
    if (quote !== undefined) return this.string(quote)
    const name = this.match(identifier)
    if (name === undefined) return this.fail()
    this.at += name.length
    return name
  }

  /** The quote that stands here; nothing while more text decides which. */
  quote(): Read<string | undefined> {
    const rest = this.text.slice(this.at, this.at + 10)
    if (this.at + rest.length === this.text.length && quotes.some((quote) => quote.length > rest.length && quote.startsWith(rest))) {
      // An empty string may be all that was meant.
      if (rest !== "\"\"" && rest !== "''") return this.short()
    }
    return quotes.find((quote) => rest.startsWith(quote))
  }

  /** The entries between brackets, each read by `entry`. */
  entries(close: string, entry: () => boolean): boolean {
    this.at++
    for (;;) {
      this.blanks()
      if (this.text[this.at] === close) {
        this.at++
        return true
      }
      if (!entry()) return false
      this.blanks()
      if (this.text[this.at] === ",") this.at++
      else if (this.text[this.at] !== close) {
        this.fail()
        return false
      }
    }
  }

  object(depth: number): Read<Schema.Json> {
    const entries: Array<readonly [string, Schema.Json]> = []
    const isRead = this.entries("}", () => {
      const key = this.key()
      if (key === nothing) return false
      this.blanks()
      if (this.text[this.at] !== ":") {
        this.fail()
        return false
      }
      this.at++
      const value = this.value(depth + 1)
      if (value === nothing) return false
      entries.push([key, value])
      return true
    })
    return isRead ? Object.fromEntries(entries) : nothing
  }

  array(depth: number): Read<Schema.Json> {
    const items: Array<Schema.Json> = []
    const isRead = this.entries("]", () => {
      const value = this.value(depth + 1)
      if (value === nothing) return false
      items.push(value)
      return true
    })
    return isRead ? items : nothing
  }

  value(depth: number): Read<Schema.Json> {
    this.blanks()
    if (depth > deepest) return nothing
    const first = this.text[this.at]
    if (first === undefined) return this.fail()
    if (first === "{") return this.object(depth)
    if (first === "[") return this.array(depth)
    const quote = this.quote()
    if (quote === nothing) return nothing
    if (quote !== undefined) return this.string(quote)
    return this.scalar()
  }

  scalar(): Read<Schema.Json> {
    if (this.match(partOfNumber) !== undefined) return this.short()
    const digits = this.match(number)
    const word = this.match(identifier) ?? ""
    const bare = this.takesBareWords ? this.match(bareWord) : undefined
    const found = bare ?? digits ?? word
    if (found === "") return this.text[this.at] === "-" ? this.short() : this.fail()
    // What stands at the very end may go on.
    if (this.at + found.length >= this.text.length) return this.short()
    const written = found.trim()
    if (written in constants) {
      this.at += found.length
      return constants[written]
    }
    if (digits !== undefined && digits === written) {
      this.at += found.length
      // A telephone number's zero in front is meant.
      return /^-?0\d/.test(digits) ? digits : Number(digits)
    }
    if (bare === undefined) return nothing
    this.at += found.length
    return written
  }
}

/** Reads the value that begins at `from`, blanks before it included. */
export const parse = (text: string, from = 0, options: { readonly takesBareWords?: boolean } = {}): Parsed => {
  const cursor = new Cursor(text, from, options.takesBareWords === true)
  const value = cursor.value(0)
  if (value !== nothing) return { _tag: "Value", value, end: cursor.at }
  return cursor.isShort ? { _tag: "Incomplete" } : { _tag: "Invalid", at: cursor.at }
}
