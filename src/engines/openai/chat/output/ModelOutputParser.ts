/**
 * Reads what a language model writes, piece by piece: what is to be spoken, and between it what is to be done. No part of
 * a tool call, a thought, or a sign of a chat template is ever text; only what could still become one is held back. Where
 * the pieces are cut changes nothing.
 *
 * What there is to know of models stands in `text/`, a rule a file. This is the machine that asks them.
 */
import * as BareCalls from "./calls/BareCalls.ts"
import * as CallSigns from "./calls/CallSigns.ts"
import * as TurnEndSigns from "./TurnEndSigns.ts"
import * as Fences from "./Fences.ts"
import * as Harmony from "./Harmony.ts"
import * as KnownTools from "./calls/KnownTools.ts"
import * as LabelledCalls from "./calls/LabelledCalls.ts"
import * as ActionLines from "./ActionLines.ts"
import { type Piece, type OutputRule, type Skip, type Taken } from "./OutputRule.ts"
import * as Thoughts from "./Thoughts.ts"
import * as UnopenedThought from "./UnopenedThought.ts"

export type { Piece } from "./OutputRule.ts"

export interface Options {
  /** What may be called. */
  readonly tools: KnownTools.KnownTools
  /** The model begins with a thought whose beginning is not seen; see `UnopenedThought`. */
  readonly holdsStart?: boolean
}

export interface Reader {
  readonly options: Options
  /** Could be more than text, or be the beginning of the end of what is skipped. */
  readonly held: string
  readonly skip: Skip | undefined
  /** The last characters of the text; a line's end behind a sign. */
  readonly before: string
  /** Nothing was said or done yet. */
  readonly isUnsaid: boolean
  /** Whether the start of the reply may be a thought is decided. */
  readonly isStarted: boolean
  readonly channel: string | undefined
  readonly isStruck: boolean
  /** There was a thought. */
  readonly hasThought: boolean
  /** The end of a thought was seen, and not its beginning. */
  readonly hasLoneEnd: boolean
  /** The model has ended its turn; what it writes now is no reply. */
  readonly isOver: boolean
}

export const make = (options: Options): Reader => ({
  options,
  held: "",
  skip: undefined,
  before: "",
  isUnsaid: true,
  isStarted: false,
  channel: undefined,
  isStruck: false,
  hasThought: false,
  hasLoneEnd: false,
  isOver: false
})

export const empty: Reader = make({ tools: KnownTools.none })

/** Characters that are held back at most. */
const longestHeld = 4000

/** Characters of the text that a rule may look back at. */
const longestBefore = 12

const signRules: ReadonlyArray<OutputRule> = [
  ActionLines.rule,
  Thoughts.rule,
  CallSigns.rule,
  Harmony.rule,
  TurnEndSigns.strikethrough,
  TurnEndSigns.rule,
  Fences.rule,
  BareCalls.json,
  BareCalls.pythonList,
  BareCalls.python,
  LabelledCalls.rule
]

/** Rules for what begins with a letter. */
const wordRules: ReadonlyArray<OutputRule> = [Harmony.plain, CallSigns.rule, LabelledCalls.rule, Fences.language, TurnEndSigns.roleLine, BareCalls.python]

const candidates = /[<[{`◁✿]|[A-Za-z_]+/g
const isWordCharacter = /[\p{L}\p{N}_]/u

/** Whether the start is held back still; what is left of it if it is not. */
const started = (reader: Reader, text: string, isLast: boolean): { readonly isHeld: boolean; readonly rest: string; readonly isThought: boolean } => {
  const { holdsStart = false } = reader.options
  if (UnopenedThought.beginsWithSign(text)) return { isHeld: false, rest: text, isThought: false }
  const end = Thoughts.loneEnd(text)
  const thought = end === undefined ? text : text.slice(0, end.at)
  const isHeld = holdsStart || UnopenedThought.mayBeThought(thought, end !== undefined)
  if (isHeld && end !== undefined) return { isHeld: false, rest: text.slice(end.at + end.length), isThought: true }
  return { isHeld: isHeld && !isLast, rest: text, isThought: false }
}

/** One piece of text on its way through the rules. */
class Reading {
  readonly pieces: Array<Piece> = []
  readonly rest: string
  readonly isLast: boolean
  state: Reader
  at = 0
  text = ""

  constructor(state: Reader, rest: string, isLast: boolean) {
    this.state = { ...state, held: "" }
    this.rest = rest
    this.isLast = isLast
  }

  flush(): void {
    if (this.text !== "") this.pieces.push({ _tag: "Text", text: this.text })
    this.text = ""
  }

  /** The text up to there is spoken. */
  say(until: number): void {
    const more = this.rest.slice(this.at, until)
    this.at = until
    if (more === "") return
    this.text += more
    const { before, isUnsaid } = this.state
    this.state = { ...this.state, before: (before + more).slice(-longestBefore), isUnsaid: isUnsaid && !/\S/.test(more) }
  }

  /** All from here on waits for more. */
  hold(from: number): void {
    this.state = { ...this.state, held: this.rest.slice(from) }
    this.at = this.rest.length
  }

  take(found: Taken): void {
    const { channel, hasLoneEnd, hasThought, isStruck, isUnsaid } = this.state
    const { isLoneEnd = false, isThought = false, pieces = [], skip } = found
    this.at += found.length
    if (pieces.length > 0) this.flush()
    this.pieces.push(...pieces)
    this.state = {
      ...this.state,
      before: "\n",
      isUnsaid: isUnsaid && pieces.every(({ _tag }) => _tag === "Dropped"),
      skip,
      channel: found.channel ?? channel,
      isStruck: found.isStruck ?? isStruck,
      hasThought: hasThought || isThought || isLoneEnd,
      hasLoneEnd: hasLoneEnd || isLoneEnd && !hasThought,
      isOver: found.isEnd === true
    }
  }

  skip({ end, longest }: Skip): void {
    const found = end.exec(this.rest.slice(this.at))
    if (found === null) return this.hold(Math.max(this.at, this.rest.length - longest + 1))
    this.at += found.index + found[0].length
    this.state = { ...this.state, skip: undefined }
  }

  /** What begins here; undefined: it can't be told yet. */
  look(rules: ReadonlyArray<OutputRule>): Taken | "nothing" | undefined {
    const { before, channel, isStruck, isUnsaid, options: { tools } } = this.state
    const isAllOfIt = this.rest.length - this.at <= longestHeld
    const rest = this.rest.slice(this.at, this.at + longestHeld)
    const place = { rest, isLast: this.isLast && isAllOfIt, before, isUnsaid, channel, isStruck, tools }
    for (const rule of rules) {
      const found = rule.look(place)
      if (found._tag === "Taken") return found
      if (found._tag === "Nothing") continue
      if (isAllOfIt) return undefined
      if (found.otherwise !== undefined) return found.otherwise
    }
    return "nothing"
  }

  step(): void {
    if (this.state.skip !== undefined) return this.skip(this.state.skip)
    candidates.lastIndex = this.at
    const candidate = candidates.exec(this.rest)
    if (candidate === null) return this.say(this.rest.length)
    this.say(candidate.index)
    const [written] = candidate
    const isWord = isWordCharacter.test(written)
    // Within a word nothing begins.
    const found = isWord && isWordCharacter.test(this.state.before.at(-1) ?? "") ? "nothing" : this.look(isWord ? wordRules : signRules)
    if (found === undefined) this.hold(this.at)
    else if (found === "nothing") this.say(this.at + written.length)
    else this.take(found)
  }

  run(): readonly [Reader, ReadonlyArray<Piece>] {
    while (this.at < this.rest.length && !this.state.isOver) this.step()
    this.flush()
    return [this.state, this.pieces]
  }
}

const run = (reader: Reader, more: string, isLast: boolean): readonly [Reader, ReadonlyArray<Piece>] => {
  if (reader.isOver) return [reader, []]
  if (reader.isStarted) return new Reading(reader, reader.held + more, isLast).run()
  const rest = (reader.held + more).trimStart()
  const start = started(reader, rest, isLast)
  if (start.isHeld) return [{ ...reader, held: rest }, []]
  const { isThought } = start
  return new Reading(
    { ...reader, isStarted: rest !== "", hasThought: isThought, hasLoneEnd: isThought },
    start.rest,
    isLast
  ).run()
}

/** What is known now. */
export const read = (reader: Reader, text: string): readonly [Reader, ReadonlyArray<Piece>] =>
  text === "" ? [reader, []] : run(reader, text, false)

/**
 * What is left when the model has ended. `isCut`: it was ended by its limit; a start that was held back as a possible
 * thought is one then.
 */
export const finish = (reader: Reader, isCut = false): readonly [Reader, ReadonlyArray<Piece>] => {
  if (!reader.isStarted && isCut && reader.held.trim() !== "") return [{ ...reader, held: "", hasThought: true }, []]
  return reader.skip === undefined ? run(reader, "", true) : [reader, []]
}

/** The same, where the reader is not needed any more. */
export const end = (reader: Reader): ReadonlyArray<Piece> => finish(reader)[1]

/** The server tells thoughts apart, so the text has none. */
export const startedByServer = (reader: Reader): Reader =>
  reader.isStarted || reader.options.holdsStart !== true ? reader : { ...reader, options: { ...reader.options, holdsStart: false } }

/** Whether what is written now is, or may be, a thought. */
export const isInThought = (reader: Reader): boolean => reader.hasThought && reader.skip !== undefined || isHoldingStart(reader)

/** Whether all of the reply so far is held back, for it may be a thought. */
export const isHoldingStart = ({ held, isStarted }: Reader): boolean => !isStarted && held.trim() !== ""
