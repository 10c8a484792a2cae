/**
 * Normalises the recognized words and the agent's phrases before they are compared. "I'd like 10:30 a.m.!" and "i would like ten thirty
 * a m" become the same words.
 *
 * Numbers and contractions are spelled out only in English. In other languages only case, punctuation and Unicode form are normalised.
 */

const belowTwenty = [
  "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
  "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"
]
const tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
const ordinals: Readonly<Record<string, string>> = {
  one: "first", two: "second", three: "third", five: "fifth", eight: "eighth", nine: "ninth", twelve: "twelfth"
}

/** A number from 0 to 9999 in words. A larger number, or a number with a leading zero, is read digit by digit, like a telephone number. */
const cardinal = (digits: string): string => {
  const number = Number(digits)
  if (digits.length > 4 || (digits.length > 1 && digits.startsWith("0"))) {
    return [...digits].map((digit) => belowTwenty[Number(digit)]).join(" ")
  }
  if (number < 20) return belowTwenty[number]
  if (number < 100) return number % 10 === 0 ? tens[number / 10] : `${tens[Math.floor(number / 10)]} ${belowTwenty[number % 10]}`
  const [unit, name] = number < 1000 ? [100, "hundred"] : [1000, "thousand"]
  const remainder = number % unit
  return `${cardinal(String(Math.floor(number / unit)))} ${name}${remainder === 0 ? "" : ` ${cardinal(String(remainder))}`}`
}

const ordinal = (digits: string): string =>
  cardinal(digits).replace(/\S+$/, (last) => ordinals[last] ?? (last.endsWith("y") ? `${last.slice(0, -1)}ieth` : `${last}th`))

/** A time of day as it is spoken: "10:05" becomes "ten oh five". */
const timeOfDay = (hour: string, minute: string): string => {
  const minutes = Number(minute)
  const spoken = minutes === 0 ? "" : minutes < 10 ? ` oh ${belowTwenty[minutes]}` : ` ${cardinal(minute)}`
  return cardinal(String(Number(hour))) + spoken
}

/** "'s" stands for "is" after these words: "what's", but not "today's". */
const wordsBeforeIs = "what|that|it|where|who|when|how|there|here|he|she|everything|something"

/** The rules for English, which are applied in this order. */
const englishRules: ReadonlyArray<readonly [RegExp, string | ((...groups: Array<string>) => string)]> = [
  [/\b(\d{1,2}):(\d{2})\b/g, (_, hour, minute) => timeOfDay(hour, minute)],
  [/\b(\d{1,2})\.(\d{2})(?=\s*[ap]\.?\s?m\b)/g, (_, hour, minute) => timeOfDay(hour, minute)],
  [/\b(\d{1,2})(?:st|nd|rd|th)\b/g, (_, digits) => ordinal(digits)],
  [/(\d)(?=[ap]\.?\s?m\b)/g, "$1 "],
  [/\b([ap])\.?\s?m\b\.?/g, "$1m"],
  [/(\d),(?=\d{3}\b)/g, "$1"],
  [/\d+/g, (digits) => ` ${cardinal(digits)} `],
  [/\bcan't\b|\bcannot\b/g, "can not"],
  [/\bwon't\b/g, "will not"],
  [/\blet's\b/g, "let us"],
  [/n't\b/g, " not"],
  [/\bi'm\b/g, "i am"],
  [/'re\b/g, " are"],
  [/'ve\b/g, " have"],
  [/'ll\b/g, " will"],
  [/'d\b/g, " would"],
  [new RegExp(`\\b(${wordsBeforeIs})'s\\b`, "g"), "$1 is"],
  [/\bwanna\b/g, "want to"],
  [/\bgonna\b/g, "going to"],
  [/\bok\b/g, "okay"]
]

const isWord = /[\p{L}\p{N}]/u

/** Words that do not change the meaning of a request. They may stand between the words of a phrase. */
const fillers: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["en", new Set(["uh", "um", "er", "erm", "ah", "hm", "hmm", "oh", "please", "well", "just", "actually", "then"])],
  ["fr", new Set(["euh", "ben", "bah", "alors", "donc"])]
])

const noFillers: ReadonlySet<string> = new Set()

/** `language`: ISO 639-1. */
export const fillersOf = (language: string): ReadonlySet<string> => fillers.get(language) ?? noFillers

/** Normalises a text or a part of a phrase. Brackets stay. */
const normalise = (text: string, language: string): string => {
  const plain = text.normalize("NFKC").toLowerCase().replace(/[‘’‛]/g, "'")
  return language !== "en" ? plain : englishRules.reduce(
    (spoken, [pattern, replacement]) =>
      // TypeScript has no overload of `replace` that takes a string or a function, so both branches are the same.
      typeof replacement === "string" ? spoken.replace(pattern, replacement) : spoken.replace(pattern, replacement),
    plain
  )
}

const withoutApostrophes = (word: string): string => word.replace(/'/g, "")

/** Normalises a phrase as {@link wordsOf} normalises a text. `{slots}` and brackets stay. */
export const normalisePhrase = (phrase: string, language: string): string =>
  phrase.split(/(\{[^}]*\})/).map((part) => part.startsWith("{") ? part : normalise(part, language)).join("")

/** The words of a normalised text, split at blanks, hyphens and other marks, and without apostrophes. "ten-thirty" becomes two words. */
export const splitWords = (text: string): ReadonlyArray<string> => text.split(/[^\p{L}\p{N}\p{M}']+/u).filter((word) => isWord.test(word)).map(withoutApostrophes)

/** The caller's words, normalised and without punctuation. */
export const wordsOf = (text: string, language: string): ReadonlyArray<string> => splitWords(normalise(text, language))
