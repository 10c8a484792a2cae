/**
 * The notation of phrases in an agent file. A phrase has lower-case words. `[words]` may be left out, `(this | that)` is one of several
 * alternatives, and `{slot}` is a value of a slot. Brackets can be nested.
 */
import { Data, Result } from "effect"

export type Phrase =
  | { readonly _tag: "Word"; readonly word: string }
  | { readonly _tag: "Slot"; readonly name: string }
  | { readonly _tag: "Sequence"; readonly parts: ReadonlyArray<Phrase> }
  | { readonly _tag: "Choice"; readonly options: ReadonlyArray<Phrase> }
  | { readonly _tag: "Optional"; readonly phrase: Phrase }

/** A phrase can't be read. `at`: the index of the wrong character, from 0. */
class PhraseError extends Data.TaggedError("PhraseError")<{ readonly at: number; readonly problem: string }> {
  override get message() {
    return `${this.problem} (character ${this.at + 1})`
  }
}

interface Token {
  readonly text: string
  readonly at: number
}

const tokenPattern = /[[\]()|]|\{[a-z_][a-z0-9_]*\}|[\p{Ll}\p{Lo}\p{M}0-9][\p{Ll}\p{Lo}\p{M}0-9'’.-]*/uy

const tokenize = (text: string): Result.Result<ReadonlyArray<Token>, PhraseError> => {
  const found: Array<Token> = []
  let at = 0
  while (true) {
    while (/\s/.test(text[at] ?? "")) at++
    if (at >= text.length) return Result.succeed(found)
    tokenPattern.lastIndex = at
    const match = tokenPattern.exec(text)
    if (match === null) {
      const character = text[at]
      return Result.fail(
        new PhraseError({
          at,
          problem: /\p{Lu}/u.test(character)
            ? "Words are written in lower case"
            : character === "{"
            ? "A slot is written as {name}, in lower case"
            : /[.,!?;:]/.test(character)
            ? `Punctuation is not said: leave out "${character}"`
            : `"${character}" has no meaning here`
        })
      )
    }
    found.push({ text: match[0].replaceAll("’", "'"), at })
    at += match[0].length
  }
}

const sequence = (parts: ReadonlyArray<Phrase>): Phrase => (parts.length === 1 ? parts[0] : { _tag: "Sequence", parts })

export const parse = (text: string): Result.Result<Phrase, PhraseError> => {
  const tokenized = tokenize(text)
  if (Result.isFailure(tokenized)) return Result.fail(tokenized.failure)
  const tokens = tokenized.success
  let next = 0
  let error: PhraseError | undefined
  const fail = (problem: string, token = tokens[next]) => {
    error ??= new PhraseError({ at: token?.at ?? text.length, problem })
  }

  /** Reads the alternatives up to `closer`, or up to the end of the text. */
  const readChoice = (closer: string | undefined): Phrase => {
    const options: Array<Phrase> = []
    let parts: Array<Phrase> = []
    const opener = tokens[next - 1]
    const add = () => {
      if (parts.length === 0) fail("Words are missing here")
      options.push(sequence(parts))
      parts = []
    }
    while (true) {
      if (error !== undefined) break
      const token = tokens[next]
      if (token === undefined) {
        if (closer !== undefined) fail(`"${opener.text}" is not closed by "${closer}"`, opener)
        break
      }
      if (token.text === "]" || token.text === ")") {
        if (token.text !== closer) fail(`"${token.text}" closes nothing`)
        break
      }
      next++
      if (token.text === "|") add()
      else if (token.text === "[") {
        parts.push({ _tag: "Optional", phrase: readChoice("]") })
        next++
      } else if (token.text === "(") {
        parts.push(readChoice(")"))
        next++
      } else if (token.text.startsWith("{")) parts.push({ _tag: "Slot", name: token.text.slice(1, -1) })
      else parts.push({ _tag: "Word", word: token.text })
    }
    if (error === undefined) add()
    return options.length === 1 ? options[0] : { _tag: "Choice", options }
  }

  const phrase = readChoice(undefined)
  return error === undefined ? Result.succeed(phrase) : Result.fail(error)
}

/** All words and slots of a phrase, in order. */
export const wordsAndSlots = (phrase: Phrase): ReadonlyArray<Extract<Phrase, { readonly _tag: "Word" | "Slot" }>> => {
  switch (phrase._tag) {
    case "Word":
    case "Slot":
      return [phrase]
    case "Sequence":
      return phrase.parts.flatMap(wordsAndSlots)
    case "Choice":
      return phrase.options.flatMap(wordsAndSlots)
    case "Optional":
      return wordsAndSlots(phrase.phrase)
  }
}

export const words = (phrase: Phrase): ReadonlyArray<string> =>
  wordsAndSlots(phrase).flatMap((part) => (part._tag === "Word" ? [part.word] : []))

export const slots = (phrase: Phrase): ReadonlyArray<string> =>
  wordsAndSlots(phrase).flatMap((part) => (part._tag === "Slot" ? [part.name] : []))

/** Whether all parts of a phrase may be left out. A phrase without words can't be recognized. */
export const mayBeEmpty = (phrase: Phrase): boolean => {
  switch (phrase._tag) {
    case "Word":
    case "Slot":
      return false
    case "Sequence":
      return phrase.parts.every(mayBeEmpty)
    case "Choice":
      return phrase.options.some(mayBeEmpty)
    case "Optional":
      return true
  }
}

const escape = (word: string): string => word.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&")

/**
 * The source of a regular expression for the phrase. The expression matches lower-case words with one space before each: ` on monday`.
 * `slot` returns the source for a slot.
 */
export const toPattern = (phrase: Phrase, slot: (name: string) => string): string => {
  switch (phrase._tag) {
    case "Word":
      return `${escape(plain(phrase.word))}(?![^ ])`
    case "Slot":
      return slot(phrase.name)
    case "Sequence":
      return phrase.parts.map((part) => toPattern(part, slot)).join("")
    case "Choice":
      return `(?:${phrase.options.map((option) => toPattern(option, slot)).join("|")})`
    case "Optional":
      return `(?:${toPattern(phrase.phrase, slot)})?`
  }
}

/** A text in the form that {@link toPattern} matches: lower case, no punctuation, a space before each word. */
export const plain = (text: string): string => {
  const unpunctuated = text.toLowerCase().replaceAll("’", "'").replace(/[^\p{L}\p{M}\p{N}'.\s-]/gu, " ").replace(/[.'-]+(?=\s|$)|(?<=^|\s)[.'-]+/gu, " ")
  const words = unpunctuated.replace(/\s+/g, " ").trim()
  return words === "" ? "" : ` ${words}`
}
