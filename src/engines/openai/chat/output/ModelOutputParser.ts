/**
 * Parses the text of a language model as it arrives: words to speak, and actions between them.
 *
 * No part of a tool call, a thought or a special token of a chat template is spoken. Text that could still become one of these is held
 * back. Other text is not held back. The server may cut the text into pieces anywhere.
 *
 * Each format has a rule (`OutputRule`). The parser applies the rules.
 */
import * as ActionLines from "./ActionLines.ts"
import * as BareCalls from "./calls/BareCalls.ts"
import * as DelimitedCalls from "./calls/DelimitedCalls.ts"
import * as FencedCalls from "./calls/FencedCalls.ts"
import type { KnownTools } from "./calls/KnownTools.ts"
import * as LabelledCalls from "./calls/LabelledCalls.ts"
import * as Harmony from "./Harmony.ts"
import type { Match, OutputPiece, OutputRule, Skip } from "./OutputRule.ts"
import * as TemplateTokens from "./TemplateTokens.ts"
import * as Thoughts from "./Thoughts.ts"
import * as UnopenedThought from "./UnopenedThought.ts"

export interface ParserOptions {
  /** The tools that the text may call. */
  readonly tools: KnownTools
  /** The text may begin inside of a thought, so all of it is held back until the thought ends; see `UnopenedThought`. */
  readonly holdsStart?: boolean
}

export interface ParserState {
  readonly options: ParserOptions
  /** Text that is held back, because it may begin a call, a thought or a token, or may end the text that is skipped. */
  readonly held: string
  readonly skip: Skip | undefined
  /** The last characters of spoken text. A line end stands for anything that is not spoken. */
  readonly before: string
  /** The reply has neither text nor actions so far. */
  readonly isReplyEmpty: boolean
  /** Whether the parser has decided if the text began inside of a thought. */
  readonly isStarted: boolean
  readonly channel: string | undefined
  readonly isStrikethroughOpen: boolean
  readonly hasThought: boolean
  /** A thought ended that had not begun in the text. */
  readonly hasUnopenedThought: boolean
  /** The model has ended its turn. Further text is not part of the reply. */
  readonly isOver: boolean
}

/** The state before the first text. */
export const make = (options: ParserOptions): ParserState => ({
  options,
  held: "",
  skip: undefined,
  before: "",
  isReplyEmpty: true,
  isStarted: false,
  channel: undefined,
  isStrikethroughOpen: false,
  hasThought: false,
  hasUnopenedThought: false,
  isOver: false
})

const maxHeldCharacters = 4000

/** The number of characters of spoken text that rules may look back at. */
const maxBeforeCharacters = 12

/** Rules for places that begin with a bracket, a quote or another sign. If several match, the first counts. */
const signRules: ReadonlyArray<OutputRule> = [
  ActionLines.rule,
  Thoughts.rule,
  DelimitedCalls.rule,
  Harmony.rule,
  TemplateTokens.strikethrough,
  TemplateTokens.rule,
  FencedCalls.rule,
  BareCalls.json,
  BareCalls.pythonList,
  BareCalls.python,
  LabelledCalls.rule
]

/** Rules for places that begin with a letter. */
const wordRules: ReadonlyArray<OutputRule> = [
  Harmony.plain,
  DelimitedCalls.rule,
  LabelledCalls.rule,
  FencedCalls.languageLine,
  TemplateTokens.roleLine,
  BareCalls.python
]

/** Places where something other than words may begin. */
const candidates = /[<[{`◁✿]|[A-Za-z_]+/g
const isWordCharacter = /[\p{L}\p{N}_]/u

interface Start {
  /** Further text must show whether the text is a thought, so the text is held back. */
  readonly isHeld: boolean
  /** The text without the thought. */
  readonly rest: string
  readonly isThought: boolean
}

/** Decides whether the text so far began inside of a thought. */
const startOf = ({ options: { holdsStart = false } }: ParserState, text: string, isComplete: boolean): Start => {
  if (UnopenedThought.beginsWithSign(text)) return { isHeld: false, rest: text, isThought: false }
  const end = Thoughts.firstEnd(text)
  const thought = end === undefined ? text : text.slice(0, end.at)
  const mayBeThought = holdsStart || UnopenedThought.mayBeThought(thought, end !== undefined)
  if (mayBeThought && end !== undefined) return { isHeld: false, rest: text.slice(end.at + end.length), isThought: true }
  return { isHeld: mayBeThought && !isComplete, rest: text, isThought: false }
}

/** One pass over the text that was held back and the text that has just arrived. */
class Pass {
  readonly pieces: Array<OutputPiece> = []
  readonly text: string
  readonly isComplete: boolean
  state: ParserState
  /** The place in `text`. */
  at = 0
  /** Words since the last piece. */
  words = ""

  constructor(state: ParserState, text: string, isComplete: boolean) {
    this.state = { ...state, held: "" }
    this.text = text
    this.isComplete = isComplete
  }

  run(): readonly [ParserState, ReadonlyArray<OutputPiece>] {
    while (this.at < this.text.length && !this.state.isOver) this.step()
    this.endWords()
    return [this.state, this.pieces]
  }

  step(): void {
    if (this.state.skip !== undefined) return this.skip(this.state.skip)
    candidates.lastIndex = this.at
    const candidate = candidates.exec(this.text)
    if (candidate === null) return this.say(this.text.length)
    this.say(candidate.index)
    const [written] = candidate
    const isWord = isWordCharacter.test(written)
    const isInsideWord = isWord && isWordCharacter.test(this.state.before.at(-1) ?? "")
    const result = isInsideWord ? "words" : this.applyRules(isWord ? wordRules : signRules)
    if (result === "hold") this.hold(this.at)
    else if (result === "words") this.say(this.at + written.length)
    else this.apply(result)
  }

  /** The first match at this place; `hold` if more text is needed, `words` if no rule matches. */
  applyRules(rules: ReadonlyArray<OutputRule>): Match | "hold" | "words" {
    const { before, channel, isReplyEmpty, isStrikethroughOpen, options: { tools } } = this.state
    const isAllOfRest = this.text.length - this.at <= maxHeldCharacters
    const rest = this.text.slice(this.at, this.at + maxHeldCharacters)
    const place = { rest, isComplete: this.isComplete && isAllOfRest, before, isReplyEmpty, channel, isStrikethroughOpen, tools }
    for (const rule of rules) {
      const result = rule(place)
      if (result._tag === "Match") return result
      if (result._tag === "NoMatch") continue
      if (isAllOfRest) return "hold"
      if (result.ifTooLong !== undefined) return result.ifTooLong
    }
    return "words"
  }

  /** Speaks the text up to this place. */
  say(until: number): void {
    const more = this.text.slice(this.at, until)
    this.at = until
    if (more === "") return
    this.words += more
    const { before, isReplyEmpty } = this.state
    this.state = { ...this.state, before: (before + more).slice(-maxBeforeCharacters), isReplyEmpty: isReplyEmpty && !/\S/.test(more) }
  }

  endWords(): void {
    if (this.words !== "") this.pieces.push({ _tag: "Text", text: this.words })
    this.words = ""
  }

  /** Holds back all text from this place on, until more text arrives. */
  hold(from: number): void {
    this.state = { ...this.state, held: this.text.slice(from) }
    this.at = this.text.length
  }

  apply(match: Match): void {
    const { channel, hasThought, hasUnopenedThought, isReplyEmpty, isStrikethroughOpen } = this.state
    const { endsUnopenedThought = false, isThought = false, pieces = [], skip } = match
    this.at += match.length
    if (pieces.length > 0) this.endWords()
    this.pieces.push(...pieces)
    this.state = {
      ...this.state,
      before: "\n",
      isReplyEmpty: isReplyEmpty && pieces.every(({ _tag }) => _tag === "DroppedCall"),
      skip,
      channel: match.channel ?? channel,
      isStrikethroughOpen: match.isStrikethroughOpen ?? isStrikethroughOpen,
      hasThought: hasThought || isThought || endsUnopenedThought,
      hasUnopenedThought: hasUnopenedThought || endsUnopenedThought && !hasThought,
      isOver: match.endsTurn === true
    }
  }

  skip({ end, maxEndLength }: Skip): void {
    const found = end.exec(this.text.slice(this.at))
    if (found === null) return this.hold(Math.max(this.at, this.text.length - maxEndLength + 1))
    this.at += found.index + found[0].length
    this.state = { ...this.state, skip: undefined }
  }
}

const parse = (state: ParserState, more: string, isComplete: boolean): readonly [ParserState, ReadonlyArray<OutputPiece>] => {
  if (state.isOver) return [state, []]
  if (state.isStarted) return new Pass(state, state.held + more, isComplete).run()
  const text = (state.held + more).trimStart()
  const { isHeld, isThought, rest } = startOf(state, text, isComplete)
  if (isHeld) return [{ ...state, held: text }, []]
  return new Pass({ ...state, isStarted: text !== "", hasThought: isThought, hasUnopenedThought: isThought }, rest, isComplete).run()
}

/** Reads more text. Further text can't change the returned pieces. */
export const read = (state: ParserState, text: string): readonly [ParserState, ReadonlyArray<OutputPiece>] =>
  text === "" ? [state, []] : parse(state, text, false)

/**
 * Reads the text that is still held back when the answer has ended. `isCut`: the token limit ended the answer. Then a start of the answer
 * that may be a thought counts as a thought.
 */
export const finish = (state: ParserState, isCut = false): readonly [ParserState, ReadonlyArray<OutputPiece>] => {
  if (!state.isStarted && isCut && state.held.trim() !== "") return [{ ...state, held: "", hasThought: true }, []]
  return state.skip === undefined ? parse(state, "", true) : [state, []]
}

/** The state that no longer holds back the start. The server sends thoughts in a field of their own, so the text has none. */
export const withoutHeldStart = (state: ParserState): ParserState =>
  state.isStarted || state.options.holdsStart !== true ? state : { ...state, options: { ...state.options, holdsStart: false } }

const isHoldingStart = ({ held, isStarted }: ParserState): boolean => !isStarted && held.trim() !== ""

/** Whether the text read last is, or may be, part of a thought. */
export const isInThought = (state: ParserState): boolean => state.hasThought && state.skip !== undefined || isHoldingStart(state)
