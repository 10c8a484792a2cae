/**
 * Reads one value that a model wrote as JSON, or as a literal of Python or JavaScript: with single quotes, `True` and `None`, keys
 * without quotes, a trailing comma, line ends inside of strings, or the quotes of Gemma 4 and FunctionGemma. Pure.
 */
import type { Schema } from "effect"

type ParsedLiteral =
  /** `end`: the place after the value. */
  | { readonly _tag: "Value"; readonly value: Schema.Json; readonly end: number }
  /** The text ends before the value does. */
  | { readonly _tag: "Incomplete" }
  /** The text is not a value, and further text can't change that. `at`: the place of the first character that cannot belong to a value. */
  | { readonly _tag: "Invalid"; readonly at: number }

/** The most levels of nested objects and arrays. A deeper value is invalid. */
const maxDepth = 32

const constants: Readonly<Record<string, Schema.Json>> = { true: true, True: true, false: false, False: false, null: null, None: null }

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" }

/** Longer quotes come first, so that `"` is not found in place of `"""`. */
const quotes = ["<|\"|>", "<escape>", "\"\"\"", "'''", "\"", "'"]

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** A number at the end of the text, which more text may continue. */
const partOfNumber = /-?\d+(?:\.\d*)?(?:[eE][+-]?\d*)?$/y
const identifier = /[A-Za-z_$][\w$-]*/y
const bareWord = /[^\s,{}[\]"'<>][^,{}[\]"'<>\n]*/y

/** The result for a value that cannot be read. */
const unreadable = Symbol("unreadable")
type Read<A> = A | typeof unreadable

/** Reads values from a text. `at` is the place of the next character. */
class Cursor {
  readonly text: string
  readonly takesBareWords: boolean
  at: number
  /** The text ends before the value does. */
  endsEarly = false

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

  /** The value cannot be read. At the end of the text, more text could change that, so the value only ends early. */
  fail(): typeof unreadable {
    if (this.at >= this.text.length) this.endsEarly = true
    return unreadable
  }

  /** The value goes on after the end of the text. */
  failAtEnd(): typeof unreadable {
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
      if (quote.length > 1 && quote.startsWith(rest) && this.at + rest.length === this.text.length) return this.failAtEnd()
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
          return unreadable
        }
        value += String.fromCharCode(parseInt(digits, 16))
        this.at += 4
      } else value += escapes[escaped] ?? escaped
    }
    return this.failAtEnd()
  }

  key(): Read<string> {
    const quote = this.quote()
    if (quote === unreadable) return unreadable
    if (quote !== undefined) return this.string(quote)
    const name = this.match(identifier)
    if (name === undefined) return this.fail()
    this.at += name.length
    return name
  }

  /** The quote at this place; `unreadable` while more text could make it a longer quote. */
  quote(): Read<string | undefined> {
    const rest = this.text.slice(this.at, this.at + 10)
    if (this.at + rest.length === this.text.length && quotes.some((quote) => quote.length > rest.length && quote.startsWith(rest))) {
      // `""` and `''` may be empty strings.
      if (rest !== "\"\"" && rest !== "''") return this.failAtEnd()
    }
    return quotes.find((quote) => rest.startsWith(quote))
  }

  /** Reads entries up to the closing bracket; false if one of them cannot be read. */
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
      if (key === unreadable) return false
      this.blanks()
      if (this.text[this.at] !== ":") {
        this.fail()
        return false
      }
      this.at++
      const value = this.value(depth + 1)
      if (value === unreadable) return false
      entries.push([key, value])
      return true
    })
    return isRead ? Object.fromEntries(entries) : unreadable
  }

  array(depth: number): Read<Schema.Json> {
    const items: Array<Schema.Json> = []
    const isRead = this.entries("]", () => {
      const value = this.value(depth + 1)
      if (value === unreadable) return false
      items.push(value)
      return true
    })
    return isRead ? items : unreadable
  }

  value(depth: number): Read<Schema.Json> {
    this.blanks()
    if (depth > maxDepth) return unreadable
    const first = this.text[this.at]
    if (first === undefined) return this.fail()
    if (first === "{") return this.object(depth)
    if (first === "[") return this.array(depth)
    const quote = this.quote()
    if (quote === unreadable) return unreadable
    if (quote !== undefined) return this.string(quote)
    return this.scalar()
  }

  scalar(): Read<Schema.Json> {
    if (this.match(partOfNumber) !== undefined) return this.failAtEnd()
    const digits = this.match(number)
    const word = this.match(identifier) ?? ""
    const bare = this.takesBareWords ? this.match(bareWord) : undefined
    const found = bare ?? digits ?? word
    if (found === "") return this.text[this.at] === "-" ? this.failAtEnd() : this.fail()
    // More text may continue a word or number at the end.
    if (this.at + found.length >= this.text.length) return this.failAtEnd()
    const written = found.trim()
    if (written in constants) {
      this.at += found.length
      return constants[written]
    }
    if (digits !== undefined && digits === written) {
      this.at += found.length
      // A leading zero is part of a telephone number or postcode.
      return /^-?0\d/.test(digits) ? digits : Number(digits)
    }
    if (bare === undefined) return unreadable
    this.at += found.length
    return written
  }
}

/**
 * Reads the value that begins at `from`, after any blanks. `takesBareWords`: text without quotes, up to a comma or bracket, is read as a
 * string.
 */
export const parse = (text: string, from = 0, options: { readonly takesBareWords?: boolean } = {}): ParsedLiteral => {
  const cursor = new Cursor(text, from, options.takesBareWords === true)
  const value = cursor.value(0)
  if (value !== unreadable) return { _tag: "Value", value, end: cursor.at }
  return cursor.endsEarly ? { _tag: "Incomplete" } : { _tag: "Invalid", at: cursor.at }
}
