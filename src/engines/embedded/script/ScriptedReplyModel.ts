/**
 * The reply engine of this process: it follows the script of the agent's file. It is no language model: it
 * finds the file's phrases in what the caller said, and answers with the file's sentences. What is not in
 * the file it does not understand, and says so.
 *
 * It keeps nothing: what it knows of a dialogue is in the state that the conversation holds, so a reply that
 * is thrown away never was.
 */
import { Effect, Layer, Option, Schema, Stream } from "effect"
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import { type DialogueState, ReplyModel, type ReplyPart, type ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import { fill, type Intent, type NotUnderstood } from "../../../definition/DialogScript.ts"
import * as PhraseMatcher from "./PhraseMatcher.ts"
import * as SpokenText from "../SpokenText.ts"

/** The caller's words that are looked at; a monologue's end decides it, and its beginning is let go. */
const maxWords = 120

/** What it remembers from turn to turn. */
interface Dialogue {
  /** The intent whose needs are being asked for. */
  readonly intent: string | null
  /** What the caller has told, of this intent or of the one before. */
  readonly slots: { readonly [slot: string]: string }
  /** The yes/no question of `intent` was asked. */
  readonly isConfirming: boolean
  /** The last answer, to be repeated. */
  readonly last: string | null
  /** The intent that was answered last. */
  readonly after: string | null
  /** How often in a row the caller was not understood. */
  readonly strikes: number
  /** How often each intent was answered: the next of its answers comes next. */
  readonly counts: { readonly [intent: string]: number }
}

const Dialogue = Schema.Struct({
  intent: Schema.NullOr(Schema.String),
  slots: Schema.Record(Schema.String, Schema.String),
  isConfirming: Schema.Boolean,
  last: Schema.NullOr(Schema.String),
  after: Schema.NullOr(Schema.String),
  strikes: Schema.Int,
  counts: Schema.Record(Schema.String, Schema.Int)
})

const decode = Schema.decodeUnknownOption(Dialogue)

const initial: Dialogue = { intent: null, slots: {}, isConfirming: false, last: null, after: null, strikes: 0, counts: {} }

/** For a script that names none: English, as everything that is built in. */
const standardNotUnderstood: NotUnderstood = {
  first: "Sorry, I did not get that.",
  second: "Sorry, I still did not get that. Please say it in other words.",
  third: "I am sorry, I can't understand you. Please call again later. Goodbye.",
  next: "hangUp"
}

/** What is said, what is kept, and whether the call is over or goes on elsewhere. */
interface Decision {
  readonly text: string
  readonly state: Dialogue
  readonly hangUp: boolean
  readonly transfer?: string
}

/** What a script makes of what was said: a pure function. */
export type Follow = (said: string, state: DialogueState) => Decision

/** Keys as the conversation gives them: `1` or `1 2 #`. */
const keysOf = (said: string): string | undefined => {
  const keys = said.replace(/\s/g, "")
  return /^[0-9*#A-D]+$/.test(keys) ? keys : undefined
}

type Values = ReadonlyMap<string, string>

const has = (match: PhraseMatcher.Match | undefined): number => match?.score ?? 0

/** Reads the script once; what comes back is cheap and keeps nothing. */
export const make = (persona: Pick<AgentDefinition, "script" | "language" | "lines">): Follow => {
  const { language, lines, script } = persona
  const matcher = PhraseMatcher.make(script, language)
  const intents = script.intents.map((intent) => ({ intent, phrases: matcher.compile(intent.phrases) }))
  const byName = new Map(script.intents.map((intent) => [intent.name, intent]))
  const values = new Map((script.slots ?? []).map((slot) => [slot.name, new Set(slot.values.map(({ value }) => value))]))
  const yes = matcher.compile(script.yes ?? [])
  const no = matcher.compile(script.no ?? [])
  const notUnderstood = script.notUnderstood ?? standardNotUnderstood
  const prompt = script.prompt ?? notUnderstood.first

  /** What an older file or version left is kept as far as this script knows it. */
  const restore = (state: DialogueState): Dialogue => {
    const kept = Option.getOrElse(decode(state), () => initial)
    const intent = kept.intent !== null && byName.has(kept.intent) ? kept.intent : null
    return {
      ...kept,
      intent,
      slots: Object.fromEntries(Object.entries(kept.slots).filter(([slot, value]) => values.get(slot)?.has(value) === true)),
      isConfirming: kept.isConfirming && intent !== null,
      after: kept.after !== null && byName.has(kept.after) ? kept.after : null,
      strikes: Math.max(0, kept.strikes)
    }
  }

  const slotsOf = (dialogue: Dialogue): Map<string, string> => new Map(Object.entries(dialogue.slots))

  const missing = (intent: Intent, slots: Values) => intent.needs.find(({ slot }) => !slots.has(slot))

  /** What is still to be asked, as a question. */
  const question = (intent: Intent, slots: Values): string | undefined => {
    const ask = missing(intent, slots)?.ask ?? intent.confirm
    return ask === undefined ? undefined : fill(ask, slots)
  }

  const say = (text: string, state: Dialogue, hangUp = false): Decision => ({
    text,
    state: { ...state, last: text, strikes: 0 },
    hangUp
  })

  const answerOf = (intent: Intent, dialogue: Dialogue, slots: Values): string => {
    const count = Object.hasOwn(dialogue.counts, intent.name) ? Math.abs(dialogue.counts[intent.name]) : 0
    return fill(intent.answers[count % intent.answers.length] ?? "", slots)
  }

  const counted = (intent: Intent, dialogue: Dialogue): Dialogue["counts"] => ({
    ...dialogue.counts,
    [intent.name]: ((Object.hasOwn(dialogue.counts, intent.name) ? Math.abs(dialogue.counts[intent.name]) : 0) + 1) % 1_000_000
  })

  const repeated = (dialogue: Dialogue): Decision => {
    const last = dialogue.last ?? lines.greeting
    return say(last.trim() === "" ? prompt : last, dialogue)
  }

  /** All is known: the answer. */
  const finish = (intent: Intent, dialogue: Dialogue, slots: Values): Decision => {
    if (intent.after === "repeat") return repeated(dialogue)
    const state: Dialogue = {
      ...dialogue,
      intent: null,
      isConfirming: false,
      slots: intent.after === "startOver" ? {} : Object.fromEntries(slots),
      after: intent.name,
      counts: counted(intent, dialogue)
    }
    const decision = say(answerOf(intent, dialogue, slots), state, intent.after === "hangUp")
    return intent.after === "transfer" && intent.transfer !== undefined ? { ...decision, transfer: intent.transfer } : decision
  }

  /** Asks for what is missing, then whether it is right, then answers. */
  const advance = (intent: Intent, dialogue: Dialogue, slots: Values, before = ""): Decision => {
    const asked = question(intent, slots)
    if (asked === undefined) return finish(intent, dialogue, slots)
    return say(before === "" ? asked : `${before} ${asked}`, {
      ...dialogue,
      intent: intent.name,
      isConfirming: missing(intent, slots) === undefined,
      slots: Object.fromEntries(slots)
    })
  }

  /** A new wish. What was told for another one is forgotten. */
  const start = (intent: Intent, dialogue: Dialogue, slots: Values): Decision =>
    advance(intent, { ...dialogue, intent: null, isConfirming: false, slots: {} }, slots)

  const startNamed = (name: string | undefined, dialogue: Dialogue): Decision | undefined => {
    const intent = name === undefined ? undefined : byName.get(name)
    return intent === undefined ? undefined : start(intent, dialogue, new Map())
  }

  const strike = (dialogue: Dialogue): Decision => {
    const strikes = dialogue.strikes + 1
    if (strikes >= 3) {
      const { next, third } = notUnderstood
      const over: Dialogue = { ...initial, counts: dialogue.counts, last: dialogue.last }
      const offered = next === "hangUp" ? undefined : startNamed(next.intent, over)
      return offered === undefined ? { text: third, state: over, hangUp: true } : { ...offered, text: `${third} ${offered.text}`.trim() }
    }
    const said = strikes === 1 ? notUnderstood.first : notUnderstood.second
    const intent = dialogue.intent === null ? undefined : byName.get(dialogue.intent)
    const asked = intent === undefined ? undefined : question(intent, slotsOf(dialogue))
    // What is repeated is the last thing of substance.
    return { text: asked === undefined ? said : `${said} ${asked}`, state: { ...dialogue, strikes }, hangUp: false }
  }

  /** The values that are told, the last of each slot; of two that share their words, the first in this order. */
  const told = (order: ReadonlyArray<string>, words: ReadonlyArray<string>) => {
    const taken = new Set<number>()
    const slots = new Map<string, string>()
    let score = 0
    for (const slot of order) {
      const places = matcher.values(slot, words)
        .filter(({ end, start }) => !words.slice(start, end).some((_, offset) => taken.has(start + offset)))
      const last = places.at(-1)
      const value = last?.slots.get(slot)
      if (value === undefined) continue
      slots.set(slot, value)
      for (const place of places) {
        score += place.score
        for (let at = place.start; at < place.end; at++) taken.add(at)
      }
    }
    return { slots, score }
  }

  const toldFor = (intent: Intent, known: Values, words: ReadonlyArray<string>) => {
    const names = intent.needs.map(({ slot }) => slot)
    // What is asked for goes first: "ten" may be a time and a number.
    return told([...names.filter((slot) => !known.has(slot)), ...names.filter((slot) => known.has(slot))], words)
  }

  const wanted = (words: ReadonlyArray<string>) => {
    let best: { readonly intent: Intent; readonly match: PhraseMatcher.Match } | undefined
    for (const { intent, phrases } of intents) {
      const match = matcher.best(phrases, words)
      if (match !== undefined && (best === undefined || match.score > best.match.score)) best = { intent, match }
    }
    return best
  }

  /** A short word of consent inside a long sentence is none: "no idea where you are". */
  const said = (phrases: PhraseMatcher.Compiled, words: ReadonlyArray<string>): number => {
    const match = matcher.best(phrases, words, { strict: true })
    if (match === undefined) return 0
    const lead = words.slice(0, match.start)
    const fillers = SpokenText.fillersOf(language)
    return lead.every((word) => fillers.has(word)) || match.end - match.start >= words.length / 2 ? has(match) : 0
  }

  const restart = (intent: Intent, dialogue: Dialogue): Decision =>
    advance(intent, { ...dialogue, slots: {}, isConfirming: false }, new Map(), intent.denied ?? "")

  /** In the middle of asking: an answer, a correction, a yes or a no. */
  const goOn = (intent: Intent, dialogue: Dialogue, found: ReturnType<typeof told>, yesScore: number, noScore: number): Decision => {
    const known = slotsOf(dialogue)
    const slots = new Map([...known, ...found.slots])
    const changed = [...found.slots].filter(([slot, value]) => known.get(slot) !== value)
    if (changed.length > 0) return advance(intent, dialogue, slots)
    if (!dialogue.isConfirming) return found.slots.size > 0 ? advance(intent, dialogue, slots) : strike(dialogue)
    if (noScore > yesScore) {
      if (found.slots.size === 0) return restart(intent, dialogue)
      // "No, not on Tuesday."
      for (const slot of found.slots.keys()) slots.delete(slot)
      return advance(intent, dialogue, slots)
    }
    if (yesScore > 0) return finish(intent, dialogue, slots)
    return found.slots.size > 0 ? advance(intent, dialogue, slots) : strike(dialogue)
  }

  /** Answered by the way, without leaving the question that is open. */
  const isAside = (intent: Intent): boolean =>
    intent.needs.length === 0 && intent.confirm === undefined && intent.after === "listen" &&
    intent.yes === undefined && intent.no === undefined

  const other = (intent: Intent, slots: Values, current: Intent, dialogue: Dialogue): Decision => {
    if (intent.after === "repeat") return repeated(dialogue)
    if (!isAside(intent)) return start(intent, dialogue, slots)
    const aside = advance(
      current,
      { ...dialogue, counts: counted(intent, dialogue) },
      slotsOf(dialogue),
      answerOf(intent, dialogue, slots)
    )
    return aside
  }

  /** The needs of an intent among the slots that were said in its phrase. */
  const needed = (intent: Intent, slots: Values): Map<string, string> =>
    new Map([...slots].filter(([slot]) => intent.needs.some((need) => need.slot === slot)))

  return (text, given) => {
    const dialogue = restore(given)
    const words = SpokenText.wordsOf(text, language).slice(-maxWords)
    const keys = keysOf(text)
    const current = dialogue.intent === null ? undefined : byName.get(dialogue.intent)

    const found = current === undefined ? { slots: new Map<string, string>(), score: 0 } : toldFor(current, slotsOf(dialogue), words)
    // "2" is a key, unless it answers the question that was asked: some recognizers write digits.
    const asked = current === undefined ? undefined : missing(current, slotsOf(dialogue))?.slot
    if (keys !== undefined && (asked === undefined || !found.slots.has(asked))) {
      const chosen = script.intents.find(({ digits }) => digits === keys || digits === keys.replace(/#$/, ""))
      if (chosen !== undefined) return chosen.after === "repeat" ? repeated(dialogue) : start(chosen, dialogue, new Map())
    }
    if (words.length === 0) return strike(dialogue)

    const wish = wanted(words)
    const wishScore = has(wish?.match)
    const yesScore = said(yes, words)
    const noScore = said(no, words)

    if (current !== undefined) {
      if (wish !== undefined && wish.intent.name === current.name && wishScore > Math.max(yesScore, noScore)) {
        const slots = new Map([...slotsOf(dialogue), ...found.slots])
        return advance(current, dialogue, slots)
      }
      if (wish !== undefined && wish.intent.name !== current.name && wishScore > Math.max(found.score, yesScore, noScore)) {
        return other(wish.intent, needed(wish.intent, wish.match.slots), current, dialogue)
      }
      return goOn(current, dialogue, found, yesScore, noScore)
    }

    if (wish !== undefined && wishScore >= Math.max(yesScore, noScore)) {
      const slots = new Map([...needed(wish.intent, toldFor(wish.intent, new Map(), words).slots), ...needed(wish.intent, wish.match.slots)])
      return wish.intent.after === "repeat" ? repeated(dialogue) : start(wish.intent, dialogue, slots)
    }
    const last = dialogue.after === null ? undefined : byName.get(dialogue.after)
    if (last !== undefined && last.needs.length > 0) {
      const changes = toldFor(last, slotsOf(dialogue), words)
      // "Make it Wednesday", after all was settled.
      if (changes.slots.size > 0) return advance(last, dialogue, new Map([...slotsOf(dialogue), ...changes.slots]))
    }
    if (yesScore > 0 || noScore > 0) {
      const followed = startNamed(yesScore > noScore ? last?.yes : last?.no, dialogue)
      if (followed !== undefined) return followed
      if (yesScore > noScore) return say(prompt, dialogue)
      // Nothing more is wanted.
      const goodbye = last === undefined ? undefined : script.intents.find(({ after }) => after === "hangUp")
      if (goodbye !== undefined) return start(goodbye, dialogue, new Map())
    }
    return strike(dialogue)
  }
}

/** What the caller said last; nothing, if there is no such thing. */
const lastSaid = ({ history }: ReplyRequest): string => history.findLast(({ role }) => role === "caller")?.text ?? ""

const toParts = ({ hangUp, state, text, transfer }: Decision): ReadonlyArray<ReplyPart> => [
  { _tag: "State", state: state as unknown as DialogueState },
  ...(text === "" ? [] : [{ _tag: "Text" as const, text }]),
  ...(hangUp ? [{ _tag: "HangUp" as const }] : []),
  ...(transfer === undefined ? [] : [{ _tag: "Transfer" as const, to: transfer }])
]

export const layer: Layer.Layer<ReplyModel> = Layer.succeed(
  ReplyModel,
  ReplyModel.of({
    prepare: (persona) =>
      Effect.sync(() => {
        const follow = make(persona)
        return {
          answersUnheard: true,
          reply: (request: ReplyRequest) => Stream.suspend(() => Stream.fromIterable(toParts(follow(lastSaid(request), request.state))))
        }
      })
  })
)
