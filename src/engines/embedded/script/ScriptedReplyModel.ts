/**
 * The embedded reply engine. It is not a language model: it finds the phrases of the agent file's script in the caller's words, and
 * answers with the script's sentences. When it finds no phrase, it says that it did not understand.
 *
 * The engine itself has no state. The conversation stores the state of the dialogue, so a discarded reply changes nothing.
 */
import { Effect, Layer, Stream } from "effect"
import { embedded } from "../../../config/EngineSettings.ts"
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import * as EngineMeter from "../../../conversation/ports/EngineMeter.ts"
import { type DialogueState, ReplyModel, type ReplyPart, type ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import type { Intent } from "../../../definition/DialogScript.ts"
import * as Dialogue from "./Dialogue.ts"
import * as ScriptAnswers from "./ScriptAnswers.ts"
import * as ScriptUnderstanding from "./ScriptUnderstanding.ts"
import * as SpokenText from "../SpokenText.ts"

/** The number of words that are read, from the turn's end. The beginning of a longer monologue is ignored. */
const maxWords = 120

type Decision = ScriptAnswers.Decision

/** A decision with the dialogue's state as the conversation stores it. */
type Answer = Omit<Decision, "state"> & { readonly state: ReturnType<typeof Dialogue.toStored> }

/** The pressed keys, if the text is nothing else. The conversation writes keys as `1` or `1 2 #`. */
const keysOf = (text: string): string | undefined => {
  const keys = text.replace(/\s/g, "")
  return /^[0-9*#A-D]+$/.test(keys) ? keys : undefined
}

/** The values of the slots that the intent needs. */
const neededValues = (intent: Intent, slots: Dialogue.Values): Map<string, string> =>
  new Map([...slots].filter(([slot]) => intent.needs.some((need) => need.slot === slot)))

/** The meaning of the caller's turn. */
interface Understood {
  readonly words: ReadonlyArray<string>
  /** Values for the open intent. */
  readonly given: ScriptUnderstanding.GivenValues
  readonly wish: ScriptUnderstanding.Wish | undefined
  readonly yes: number
  readonly no: number
}

const nothingGiven: ScriptUnderstanding.GivenValues = { slots: new Map(), score: 0 }

/** Reads the script once. The returned function answers the caller's words by the script. It is pure and cheap to call. */
export const make = (definition: Pick<AgentDefinition, "script" | "language" | "lines">): (text: string, state: DialogueState) => Answer => {
  const { language, script } = definition
  const understanding = ScriptUnderstanding.make(script, language)
  const answers = ScriptAnswers.make(definition)
  const restore = Dialogue.makeRestore(script)

  /** Handles words that belong to the open intent: slot values, a correction, a yes or a no. */
  const handleAnswer = (intent: Intent, dialogue: Dialogue.Dialogue, { given, no, yes }: Understood): Decision => {
    const known = Dialogue.slotsOf(dialogue)
    const slots = new Map([...known, ...given.slots])
    const isChanged = [...given.slots].some(([slot, value]) => known.get(slot) !== value)
    const advanceOrSayNotUnderstood = () => given.slots.size > 0 ? answers.advance(intent, dialogue, slots) : answers.sayNotUnderstood(dialogue)
    if (isChanged || !dialogue.isConfirming) return advanceOrSayNotUnderstood()
    if (no > yes) {
      if (given.slots.size === 0) return answers.restart(intent, dialogue)
      // The caller says no and repeats the wrong value: "No, not on Tuesday." This value is dropped and asked for again.
      for (const slot of given.slots.keys()) slots.delete(slot)
      return answers.advance(intent, dialogue, slots)
    }
    return yes > 0 ? answers.finish(intent, dialogue, slots) : advanceOrSayNotUnderstood()
  }

  /** Handles words while an intent is open. They belong to this intent, or begin another intent. */
  const decideWhileOpen = (current: Intent, dialogue: Dialogue.Dialogue, understood: Understood): Decision => {
    const { given, no, wish, yes } = understood
    if (wish?.intent.name === current.name && wish.score > Math.max(yes, no)) {
      return answers.advance(current, dialogue, new Map([...Dialogue.slotsOf(dialogue), ...given.slots]))
    }
    if (wish !== undefined && wish.intent.name !== current.name && wish.score > Math.max(given.score, yes, no)) {
      return answers.interject(wish.intent, neededValues(wish.intent, wish.slots), current, dialogue)
    }
    return handleAnswer(current, dialogue, understood)
  }

  /** Handles words while no intent is open: a wish, a change to the last intent's values, a yes or a no. */
  const decideWhileIdle = (dialogue: Dialogue.Dialogue, { no, wish, words, yes }: Understood): Decision => {
    if (wish !== undefined && wish.score >= Math.max(yes, no)) {
      const { intent } = wish
      if (intent.after === "repeat") return answers.repeat(dialogue)
      const slots = new Map([...neededValues(intent, understanding.slotValues(intent, new Map(), words).slots), ...neededValues(intent, wish.slots)])
      return answers.start(intent, dialogue, slots)
    }
    const lastIntent = answers.intentOf(dialogue.lastIntent)
    if (lastIntent !== undefined && lastIntent.needs.length > 0) {
      const known = Dialogue.slotsOf(dialogue)
      const changes = understanding.slotValues(lastIntent, known, words)
      // The caller changes a value after the answer: "Make it Wednesday."
      if (changes.slots.size > 0) return answers.advance(lastIntent, dialogue, new Map([...known, ...changes.slots]))
    }
    if (yes === 0 && no === 0) return answers.sayNotUnderstood(dialogue)
    const followed = answers.startNamed(yes > no ? lastIntent?.yes : lastIntent?.no, dialogue)
    if (followed !== undefined) return followed
    if (yes > no) return answers.askOpenQuestion(dialogue)
    // The caller wants nothing more.
    const goodbye = lastIntent === undefined ? undefined : script.intents.find(({ after }) => after === "hangUp")
    return goodbye === undefined ? answers.sayNotUnderstood(dialogue) : answers.start(goodbye, dialogue, new Map())
  }

  /**
   * The intent that these keys choose. A text of digits may also be spoken, because some recognizers write numbers as digits. So if the text
   * gives a value for the slot that was asked for, it is an answer, not a key press: `undefined`.
   */
  const intentOfKeys = (keys: string | undefined, asked: string | undefined, given: ScriptUnderstanding.GivenValues): Intent | undefined =>
    keys === undefined || (asked !== undefined && given.slots.has(asked))
      ? undefined
      : script.intents.find(({ digits }) => digits === keys || digits === keys.replace(/#$/, ""))

  const decide = (text: string, dialogue: Dialogue.Dialogue): Decision => {
    const words = SpokenText.wordsOf(text, language).slice(-maxWords)
    const current = answers.intentOf(dialogue.intent)
    const known = Dialogue.slotsOf(dialogue)

    const given = current === undefined ? nothingGiven : understanding.slotValues(current, known, words)
    const asked = current === undefined ? undefined : answers.missing(current, known)
    const chosen = intentOfKeys(keysOf(text), asked, given)
    if (chosen !== undefined) return chosen.after === "repeat" ? answers.repeat(dialogue) : answers.start(chosen, dialogue, new Map())
    if (words.length === 0) return answers.sayNotUnderstood(dialogue)

    const understood: Understood = {
      words,
      given,
      wish: understanding.wish(words),
      yes: understanding.yes(words),
      no: understanding.no(words)
    }
    return current === undefined ? decideWhileIdle(dialogue, understood) : decideWhileOpen(current, dialogue, understood)
  }

  return (text, stored) => {
    const { state, ...decision } = decide(text, restore(stored))
    return { ...decision, state: Dialogue.toStored(state) }
  }
}

/** The caller's last turn; empty if there is none. */
const lastSaid = ({ history }: ReplyRequest): string => history.findLast(({ role }) => role === "caller")?.text ?? ""

/**
 * `isResumed`: the call's stream was lost while this reply was spoken, and the engine is asked for the rest. The script gives its whole text
 * at once, so nothing is missing. Only the state and the actions (`HangUp`, `Transfer`) are given again.
 */
const toParts = ({ hangUp, state, text, transfer }: Answer, isResumed = false): ReadonlyArray<ReplyPart> => [
  { _tag: "State", state },
  ...(text === "" || isResumed ? [] : [{ _tag: "Text" as const, text }]),
  ...(hangUp ? [{ _tag: "HangUp" as const }] : []),
  ...(transfer === undefined ? [] : [{ _tag: "Transfer" as const, to: transfer }])
]

export const layer: Layer.Layer<ReplyModel> = Layer.succeed(
  ReplyModel,
  ReplyModel.of({
    prepare: (definition) =>
      Effect.sync(() => {
        const answer = make(definition)
        return {
          answersUnintelligible: true,
          reply: (request: ReplyRequest) =>
            Stream.unwrap(Effect.as(
              EngineMeter.count({ stage: "reply", engine: embedded, requests: 1 }),
              Stream.suspend(() => Stream.fromIterable(toParts(answer(lastSaid(request), request.state), request.isResumed)))
            ))
        }
      })
  })
)
