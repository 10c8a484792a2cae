/**
 * The recognition hints of an agent: the phrases that its callers are likely to say. They come from its script and from the defaults of its
 * language.
 */
import type { DialogScript, Intent, Slot } from "../../../definition/DialogScript.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import type { Compilation } from "./Compilation.ts"

/**
 * The phrases with which callers fill or correct a slot of an intent: the slot's phrases, optionally followed by the phrases of the
 * intent's other slots.
 */
const slotAnswers = (intent: Intent, slots: ReadonlyMap<string, Slot>, beforeValue: string): ReadonlyArray<string> => {
  const choices = intent.needs.flatMap(({ slot }) => {
    const phrases = slots.get(slot)?.phrases ?? []
    return phrases.length === 0 ? [] : [`(${phrases.join(" | ")})`]
  })
  return choices.map((choice) => {
    const others = choices.filter((other) => other !== choice)
    return `${beforeValue} ${choice}${others.length === 0 ? "" : ` [${others.join(" | ")}]`}`.trim()
  })
}

export const compileHints = (
  { defaults, hasDefaults }: Compilation,
  language: string,
  script: DialogScript,
  backchannels: ReadonlyArray<string>
): RecognitionHints => {
  const { intents, no = [], slots = [], yes = [] } = script
  const slotByName = new Map(slots.map((slot) => [slot.name, slot]))
  return {
    language,
    phrases: [
      ...new Set([
        ...intents.flatMap(({ phrases }) => phrases),
        ...intents.flatMap((intent) => slotAnswers(intent, slotByName, hasDefaults ? defaults.beforeValue : "")),
        ...yes,
        ...no,
        ...backchannels,
        ...hasDefaults ? [...defaults.greetings, ...defaults.holdRequests] : []
      ])
    ],
    slots: Object.fromEntries(slots.map(({ name, values }) => [name, [...new Set(values.flatMap(({ ways }) => ways))]]))
  }
}
