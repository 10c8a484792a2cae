/**
 * Decides whether words that the caller says during the agent's greeting are a greeting in return, or a request.
 *
 * People answer a telephone with "hello?", "yes?" or their name. These words ask for nothing, so the rest of the agent's greeting answers
 * them. Other words are a request.
 */
import * as PhonePhrases from "../../../definition/languages/PhonePhrases.ts"
import * as PhraseTiles from "./PhraseTiles.ts"

interface GreetingSettings {
  /** ISO 639-1. Unset: English. */
  readonly language?: string
  /** The agent's own phrases, in addition to those of its language. */
  readonly smallTalk?: ReadonlyArray<string>
  readonly backchannels?: ReadonlyArray<string>
  /** We placed the call. So the callee has no request yet, and may answer with only a name. */
  readonly isOutbound?: boolean
}

/** Whether the words ask for nothing. `isFirst`: the caller has said nothing before. */
export type IsBareGreeting = (text: string, isFirst: boolean) => boolean

/** A name, with its titles, has at most this many words: "Dr. Anna Maria Schmidt". */
const maxNameWords = 4

/** Prepares the phrases of a call's language. */
export const make = ({ backchannels = [], isOutbound = false, language = "en", smallTalk = [] }: GreetingSettings): IsBareGreeting => {
  const phrases = PhonePhrases.of(language)
  const openings = PhraseTiles.make(phrases.openings, smallTalk, backchannels)
  const before = PhraseTiles.make(phrases.beforeName)
  const after = PhraseTiles.make(phrases.afterName)
  const nonNames = new Set(phrases.nonNames)

  const mayBeName = ({ word }: PhraseTiles.Token): boolean => !nonNames.has(word) && !/\p{N}/u.test(word)

  const isName = (words: ReadonlyArray<PhraseTiles.Token>, acceptsUncased: boolean): boolean =>
    words.length > 0 && words.length <= maxNameWords &&
    words.every((token) => (token.isCapital || (acceptsUncased && token.isUncased)) && mayBeName(token))

  return (text, isFirst) => {
    const all = PhraseTiles.tokens(text)
    if (all.length === 0) return false
    const left = openings.strip(all)
    // An example: "Speaking."
    if (left.length === 0 || after.strip(left).length === 0) return true
    const isAnswering = isOutbound && isFirst
    const named = after.strip(before.strip(left))
    // "This is Anna" has a name, "this is urgent" has none. In a script without capitals only a callee's words count as a name.
    if (named.length < left.length && isName(named, isAnswering)) return true
    if (!isAnswering) return false
    // Some recognizers write no capitals, so a single word counts as a name too.
    return isName(left, false) || (left.length === 1 && mayBeName(left[0]))
  }
}

/** If the caller missed no more than this many words at the end of the greeting, the whole greeting counts as heard. */
export const maxWordsMissed = 2
