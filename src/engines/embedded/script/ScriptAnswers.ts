/**
 * Chooses what the agent says next (a question, or an intent's answer) and the next state of the dialogue. The caller's words are not read
 * here, but in `ScriptUnderstanding`.
 */
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import { fill, type Intent, type NotUnderstood } from "../../../definition/DialogScript.ts"
import { countOf, countsAfter, type Dialogue, initial, slotsOf, type Values } from "./Dialogue.ts"

/** The sentences for a script without `notUnderstood`. They are English, like all built-in texts. */
const standardNotUnderstood: NotUnderstood = {
  first: "Sorry, I did not get that.",
  second: "Sorry, I still did not get that. Please say it in other words.",
  third: "I am sorry, I can't understand you. Please call again later. Goodbye.",
  next: "hangUp"
}

/** The agent's text, the next state, and whether the call ends or is transferred. */
export interface Decision {
  readonly text: string
  readonly state: Dialogue
  readonly hangUp: boolean
  readonly transfer?: string
}

interface ScriptAnswers {
  readonly intentOf: (name: string | null) => Intent | undefined
  /** The first slot of the intent that has no value. */
  readonly missing: (intent: Intent, slots: Values) => string | undefined
  readonly askOpenQuestion: (dialogue: Dialogue) => Decision
  /** Says the last question or answer again. Before the first of them, the greeting, or the open question if there is no greeting. */
  readonly repeat: (dialogue: Dialogue) => Decision
  /** Answers the intent. All its slots must have values. */
  readonly finish: (intent: Intent, dialogue: Dialogue, slots: Values) => Decision
  /**
   * Asks for the first missing slot. If no slot is missing, asks the intent's yes/no question (`confirm`). If it has none, answers the
   * intent. `before`: a sentence before the question.
   */
  readonly advance: (intent: Intent, dialogue: Dialogue, slots: Values, before?: string) => Decision
  /** Begins an intent and drops the slot values of the previous intent. */
  readonly start: (intent: Intent, dialogue: Dialogue, slots: Values) => Decision
  readonly startNamed: (name: string | undefined, dialogue: Dialogue) => Decision | undefined
  /** Asks for all slots again, because the caller said no to the confirmation. */
  readonly restart: (intent: Intent, dialogue: Dialogue) => Decision
  /**
   * Handles another intent that the caller asks for while `current` is open. An intent with `after: "repeat"` repeats the last question or
   * answer. An intent that asks nothing and leads nowhere (`isAside`) is answered, and the question of `current` is asked again. Any other
   * intent replaces `current`.
   */
  readonly interject: (intent: Intent, slots: Values, current: Intent, dialogue: Dialogue) => Decision
  /**
   * Says that the caller was not understood. The first, second and third time in a row have different sentences. After the third, the call
   * ends or another intent begins.
   */
  readonly sayNotUnderstood: (dialogue: Dialogue) => Decision
}

type Missing = Pick<Intent["needs"][number], "slot" | "ask">

const missing = (intent: Intent, slots: Values): Missing | undefined => intent.needs.find(({ slot }) => !slots.has(slot))

/** The question that the intent asks next, for a missing slot or for confirmation; undefined if it has none. */
const questionOf = (intent: Intent, slots: Values): string | undefined => {
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

/** The intent has no slots to ask for, no confirmation, no `yes`/`no`, and the caller may speak after it. */
const isAside = (intent: Intent): boolean =>
  intent.needs.length === 0 && intent.confirm === undefined && intent.after === "listen" &&
  intent.yes === undefined && intent.no === undefined

export const make = ({ lines, script }: Pick<AgentDefinition, "script" | "lines">): ScriptAnswers => {
  const byName = new Map(script.intents.map((intent) => [intent.name, intent]))
  const notUnderstood = script.notUnderstood ?? standardNotUnderstood
  const openQuestion = script.openQuestion ?? notUnderstood.first

  const intentOf = (name: string | null) => name === null ? undefined : byName.get(name)

  const askOpenQuestion = (dialogue: Dialogue) => say(openQuestion, dialogue)

  const repeat = (dialogue: Dialogue): Decision => {
    const last = dialogue.last ?? lines.greeting
    return say(last.trim() === "" ? openQuestion : last, dialogue)
  }

  const finish = (intent: Intent, dialogue: Dialogue, slots: Values): Decision => {
    if (intent.after === "repeat") return repeat(dialogue)
    const state: Dialogue = {
      ...dialogue,
      intent: null,
      isConfirming: false,
      slots: intent.after === "startOver" ? {} : Object.fromEntries(slots),
      lastIntent: intent.name,
      counts: countsAfter(dialogue, intent.name)
    }
    const decision = say(answerOf(intent, dialogue, slots), state, intent.after === "hangUp")
    return intent.after === "transfer" && intent.transfer !== undefined ? { ...decision, transfer: intent.transfer } : decision
  }

  const advance = (intent: Intent, dialogue: Dialogue, slots: Values, before = ""): Decision => {
    const asked = questionOf(intent, slots)
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
    advance(intent, { ...dialogue, slots: {}, isConfirming: false }, new Map(), intent.denialReply ?? "")

  const interject = (intent: Intent, slots: Values, current: Intent, dialogue: Dialogue): Decision => {
    if (intent.after === "repeat") return repeat(dialogue)
    if (!isAside(intent)) return start(intent, dialogue, slots)
    return advance(current, { ...dialogue, counts: countsAfter(dialogue, intent.name) }, slotsOf(dialogue), answerOf(intent, dialogue, slots))
  }

  const sayNotUnderstood = (dialogue: Dialogue): Decision => {
    const strikes = dialogue.strikes + 1
    if (strikes >= 3) {
      const { next, third } = notUnderstood
      const restarted: Dialogue = { ...initial, counts: dialogue.counts, last: dialogue.last }
      const offered = next === "hangUp" ? undefined : startNamed(next.intent, restarted)
      return offered === undefined ? { text: third, state: restarted, hangUp: true } : { ...offered, text: `${third} ${offered.text}`.trim() }
    }
    const apology = strikes === 1 ? notUnderstood.first : notUnderstood.second
    const intent = intentOf(dialogue.intent)
    const asked = intent === undefined ? undefined : questionOf(intent, slotsOf(dialogue))
    // `last` is not changed: a caller who says "repeat that" means the question or answer before this sentence.
    return { text: asked === undefined ? apology : `${apology} ${asked}`, state: { ...dialogue, strikes }, hangUp: false }
  }

  return {
    intentOf,
    missing: (intent, slots) => missing(intent, slots)?.slot,
    askOpenQuestion,
    repeat,
    finish,
    advance,
    start,
    startNamed,
    restart,
    interject,
    sayNotUnderstood
  }
}
