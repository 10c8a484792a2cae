/**
 * What a script says: the questions for what an intent needs, its answers, and what follows them. Nothing here reads the caller's words.
 */
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import { fill, type Intent, type NotUnderstood } from "../../../definition/DialogScript.ts"
import { counted, countOf, type Dialogue, initial, slotsOf, type Values } from "./Dialogue.ts"

/** For a script that names none: English, as everything that is built in. */
const standardNotUnderstood: NotUnderstood = {
  first: "Sorry, I did not get that.",
  second: "Sorry, I still did not get that. Please say it in other words.",
  third: "I am sorry, I can't understand you. Please call again later. Goodbye.",
  next: "hangUp"
}

/** What is said, what is kept, and whether the call is over or goes on elsewhere. */
export interface Decision {
  readonly text: string
  readonly state: Dialogue
  readonly hangUp: boolean
  readonly transfer?: string
}

interface ScriptAnswers {
  /** The intent of this name. */
  readonly intentOf: (name: string | null) => Intent | undefined
  /** The slot that is still to be asked for. */
  readonly missing: (intent: Intent, slots: Values) => string | undefined
  readonly prompt: (dialogue: Dialogue) => Decision
  /** Says the last answer again. */
  readonly repeat: (dialogue: Dialogue) => Decision
  /** All is known: the answer. */
  readonly finish: (intent: Intent, dialogue: Dialogue, slots: Values) => Decision
  /** Asks for what is missing, then whether it is right, then answers. `before`: said before a question. */
  readonly advance: (intent: Intent, dialogue: Dialogue, slots: Values, before?: string) => Decision
  /** Begins an intent. What was told for another one is forgotten. */
  readonly start: (intent: Intent, dialogue: Dialogue, slots: Values) => Decision
  readonly startNamed: (name: string | undefined, dialogue: Dialogue) => Decision | undefined
  /** The caller denied what was to be confirmed: asks again from the beginning. */
  readonly restart: (intent: Intent, dialogue: Dialogue) => Decision
  /** Another intent is asked for while `current` is open. One that needs nothing is answered by the way, and `current` goes on. */
  readonly interject: (intent: Intent, slots: Values, current: Intent, dialogue: Dialogue) => Decision
  /** The caller was not understood: says so, in other words each time; the third time the call ends or goes elsewhere. */
  readonly strike: (dialogue: Dialogue) => Decision
}

type Missing = Pick<Intent["needs"][number], "slot" | "ask">

const missing = (intent: Intent, slots: Values): Missing | undefined => intent.needs.find(({ slot }) => !slots.has(slot))

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

const answerOf = (intent: Intent, dialogue: Dialogue, slots: Values): string =>
  fill(intent.answers[countOf(dialogue, intent.name) % intent.answers.length] ?? "", slots)

/** It can be answered by the way, without leaving the question that is open. */
const isAside = (intent: Intent): boolean =>
  intent.needs.length === 0 && intent.confirm === undefined && intent.after === "listen" &&
  intent.yes === undefined && intent.no === undefined

export const make = ({ lines, script }: Pick<AgentDefinition, "script" | "lines">): ScriptAnswers => {
  const byName = new Map(script.intents.map((intent) => [intent.name, intent]))
  const notUnderstood = script.notUnderstood ?? standardNotUnderstood
  const promptText = script.prompt ?? notUnderstood.first

  const intentOf = (name: string | null) => name === null ? undefined : byName.get(name)

  const prompt = (dialogue: Dialogue) => say(promptText, dialogue)

  const repeat = (dialogue: Dialogue): Decision => {
    const last = dialogue.last ?? lines.greeting
    return say(last.trim() === "" ? promptText : last, dialogue)
  }

  const finish = (intent: Intent, dialogue: Dialogue, slots: Values): Decision => {
    if (intent.after === "repeat") return repeat(dialogue)
    const state: Dialogue = {
      ...dialogue,
      intent: null,
      isConfirming: false,
      slots: intent.after === "startOver" ? {} : Object.fromEntries(slots),
      after: intent.name,
      counts: counted(dialogue, intent.name)
    }
    const decision = say(answerOf(intent, dialogue, slots), state, intent.after === "hangUp")
    return intent.after === "transfer" && intent.transfer !== undefined ? { ...decision, transfer: intent.transfer } : decision
  }

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

  const start = (intent: Intent, dialogue: Dialogue, slots: Values): Decision =>
    advance(intent, { ...dialogue, intent: null, isConfirming: false, slots: {} }, slots)

  const startNamed = (name: string | undefined, dialogue: Dialogue): Decision | undefined => {
    const intent = intentOf(name ?? null)
    return intent === undefined ? undefined : start(intent, dialogue, new Map())
  }

  const restart = (intent: Intent, dialogue: Dialogue): Decision =>
    advance(intent, { ...dialogue, slots: {}, isConfirming: false }, new Map(), intent.denied ?? "")

  const interject = (intent: Intent, slots: Values, current: Intent, dialogue: Dialogue): Decision => {
    if (intent.after === "repeat") return repeat(dialogue)
    if (!isAside(intent)) return start(intent, dialogue, slots)
    return advance(current, { ...dialogue, counts: counted(dialogue, intent.name) }, slotsOf(dialogue), answerOf(intent, dialogue, slots))
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
    const intent = intentOf(dialogue.intent)
    const asked = intent === undefined ? undefined : question(intent, slotsOf(dialogue))
    // `last` stays: "repeat that" means the last answer, not this sentence.
    return { text: asked === undefined ? said : `${said} ${asked}`, state: { ...dialogue, strikes }, hangUp: false }
  }

  return {
    intentOf,
    missing: (intent, slots) => missing(intent, slots)?.slot,
    prompt,
    repeat,
    finish,
    advance,
    start,
    startNamed,
    restart,
    interject,
    strike
  }
}
