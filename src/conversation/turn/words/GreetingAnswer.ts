/**
 * What is said into the agent's greeting: a greeting in return, or a request?
 *
 * Who takes up a telephone says "hello?", "yes?" or a name. That asks for nothing: the rest of the agent's greeting is the answer
 * to it. Anything else is a request, and is answered.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "./PhraseTiles.ts"

export interface GreetingSettings {
  /** ISO 639-1. Unset: English. */
  readonly language?: string
  /** The agent's own phrases beside those of its language. */
  readonly attention?: ReadonlyArray<string>
  readonly backchannels?: ReadonlyArray<string>
  /** We placed the call: who takes it up can't want anything of us yet, and may say a bare name. */
  readonly isOutbound?: boolean
}

/** Whether this asks for nothing. `isFirst`: the caller has said nothing before. */
export type IsBareGreeting = (text: string, isFirst: boolean) => boolean

/** Words of a name, with titles: "Dr. Anna Maria Schmidt". */
const longestName = 4

export const make = ({ attention = [], backchannels = [], isOutbound = false, language = "en" }: GreetingSettings): IsBareGreeting => {
  const phrases = PhonePhrases.of(language)
  const openings = PhraseTiles.make([...phrases.openings, ...attention, ...backchannels])
  const before = PhraseTiles.make(phrases.beforeName)
  const behind = PhraseTiles.make(phrases.behindName)
  const noNames = new Set(phrases.noNames)

  const mayBeName = ({ word }: PhraseTiles.Token): boolean => !noNames.has(word) && !/\p{N}/u.test(word)

  const isName = (words: ReadonlyArray<PhraseTiles.Token>, isUncasedTaken: boolean): boolean =>
    words.length > 0 && words.length <= longestName &&
    words.every((token) => (token.isCapital || (isUncasedTaken && token.isUncased)) && mayBeName(token))

  return (text, isFirst) => {
    const all = PhraseTiles.tokens(text)
    if (all.length === 0) return false
    const left = openings.strip(all)
    // "Speaking."
    if (left.length === 0 || behind.strip(left).length === 0) return true
    const isAnswering = isOutbound && isFirst
    const named = behind.strip(before.strip(left))
    // "This is Anna", and not "this is urgent". Where a script has no capitals, only who was called surely tells a name.
    if (named.length < left.length && isName(named, isAnswering)) return true
    if (!isAnswering) return false
    // A single word counts as a name also from a recognizer that writes no capitals.
    return isName(left, false) || (left.length === 1 && mayBeName(left[0]))
  }
}

/** Words of the greeting's end that do not matter to who has not heard them. */
export const lastWords = 2
