/**
 * The prompt of Whisper: a few words that Whisper should expect, which are the agent's names and rare words. Pure.
 *
 * Whisper invents more with a long prompt, or with everyday words in it. So the prompt has only values of slots, without everyday words.
 */
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import * as PhraseNotation from "../../../definition/PhraseNotation.ts"

/** The limits of a prompt. */
const maxWords = 12
const maxCharacters = 120

/** The fewest letters of a word in the prompt. Shorter words are rarely names, and never hard to recognize. */
const minWordLength = 4

/** Days, months, numbers, times and other common words. Whisper writes them better if they are not in the prompt. */
const everydayWords = new Set(
  ("monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday tonight morning afternoon evening "
    + "noon midnight night january february march april june july august september october november december zero three "
    + "four five seven eight nine eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty "
    + "forty fifty sixty seventy eighty ninety hundred thousand first second third fourth fifth half quarter past o'clock "
    + "week month year hour minute next this that with from please about around before after small medium large yeah none "
    + "lundi mardi mercredi jeudi vendredi samedi dimanche aujourd'hui demain matin midi soir janvier février mars avril "
    + "juin juillet août septembre octobre novembre décembre deux trois quatre cinq sept huit neuf onze douze heure heures "
    + "montag dienstag mittwoch donnerstag freitag samstag sonntag heute morgen mittag abend januar februar märz juni juli "
    + "oktober dezember eins zwei drei vier fünf sechs sieben acht neun zehn zwölf")
    .split(" ")
)

/** The prompt; undefined if the agent has no rare words. */
export const prompt = (hints: RecognitionHints): string | undefined => {
  const words = new Set<string>()
  let length = 0
  for (const notation of Object.values(hints.slots).flat()) {
    const parsed = PhraseNotation.parse(notation)
    if (parsed._tag === "Failure") continue
    for (const part of PhraseNotation.wordsAndSlots(parsed.success)) {
      if (part._tag !== "Word" || part.word.length < minWordLength || everydayWords.has(part.word) || words.has(part.word)) continue
      if (words.size === maxWords || length + part.word.length + 2 > maxCharacters) break
      words.add(part.word)
      length += part.word.length + 2
    }
  }
  return words.size === 0 ? undefined : `${[...words].join(", ")}.`
}
