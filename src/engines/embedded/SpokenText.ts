/**
 * Text as it is said: what a recognizer wrote and what a phrase says are brought to the same words before
 * they are compared. "I'd like 10:30 a.m., please!" and "i would like ten thirty a m" have the same ones.
 *
 * Numbers and contractions are English; of other languages only case, punctuation and accents' encoding
 * are evened out.
 */

const small = [
  "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
  "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"
]
const tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
const ordinals: Readonly<Record<string, string>> = {
  one: "first", two: "second", three: "third", five: "fifth", eight: "eighth", nine: "ninth", twelve: "twelfth"
}

/** 0 to 9999; a larger number is read digit by digit, as a telephone number is. */
const cardinal = (digits: string): string => {
  const number = Number(digits)
  if (digits.length > 4 || (digits.length > 1 && digits.startsWith("0"))) {
    return [...digits].map((digit) => small[Number(digit)]).join(" ")
  }
  if (number < 20) return small[number]
  if (number < 100) return number % 10 === 0 ? tens[number / 10] : `${tens[Math.floor(number / 10)]} ${small[number % 10]}`
  const [unit, name] = number < 1000 ? [100, "hundred"] : [1000, "thousand"]
  const rest = number % unit
  return `${cardinal(String(Math.floor(number / unit)))} ${name}${rest === 0 ? "" : ` ${cardinal(String(rest))}`}`
}

const ordinal = (digits: string): string =>
  cardinal(digits).replace(/\S+$/, (last) => ordinals[last] ?? (last.endsWith("y") ? `${last.slice(0, -1)}ieth` : `${last}th`))

const clock = (hour: string, minute: string): string => {
  const minutes = Number(minute)
  const spoken = minutes === 0 ? "" : minutes < 10 ? ` oh ${small[minutes]}` : ` ${cardinal(minute)}`
  return cardinal(String(Number(hour))) + spoken
}

/** "today's" keeps its s; these are "… is". */
const withIs = "what|that|it|where|who|when|how|there|here|he|she|everything|something"

const english: ReadonlyArray<readonly [RegExp, string | ((...groups: Array<string>) => string)]> = [
  [/\b(\d{1,2}):(\d{2})\b/g, (_, hour, minute) => clock(hour, minute)],
  [/\b(\d{1,2})\.(\d{2})(?=\s*[ap]\.?\s?m\b)/g, (_, hour, minute) => clock(hour, minute)],
  [/(\d)(st|nd|rd|th)\b/g, "$1$2"],
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
  [new RegExp(`\\b(${withIs})'s\\b`, "g"), "$1 is"],
  [/\bwanna\b/g, "want to"],
  [/\bgonna\b/g, "going to"],
  [/\bok\b/g, "okay"]
]

const isWord = /[\p{L}\p{N}]/u

/** Says nothing of what is wanted; may stand anywhere between other words. */
const fillers: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["en", new Set(["uh", "um", "er", "erm", "ah", "hm", "hmm", "oh", "please", "well", "just", "actually", "then"])],
  ["fr", new Set(["euh", "ben", "bah", "alors", "donc"])]
])

const noFillers: ReadonlySet<string> = new Set()

export const fillersOf = (language: string): ReadonlySet<string> => fillers.get(language) ?? noFillers

/** The same for text and for phrases, whose brackets it leaves alone. */
const even = (text: string, language: string): string => {
  const plain = text.normalize("NFKC").toLowerCase().replace(/[‘’‛]/g, "'")
  return language !== "en" ? plain : english.reduce(
    (spoken, [pattern, replacement]) =>
      typeof replacement === "string" ? spoken.replace(pattern, replacement) : spoken.replace(pattern, replacement),
    plain
  )
}

const tidy = (word: string): string => word.replace(/'/g, "")

/** A phrase in the words that {@link wordsOf} gives; `{slots}` and brackets stay. */
export const evenPhrase = (phrase: string, language: string): string =>
  phrase.split(/(\{[^}]*\})/).map((part) => part.startsWith("{") ? part : even(part, language)).join("")

/** One word of a phrase, which may be several here. */
export const wordsOfPhrase = (text: string): ReadonlyArray<string> => text.split(/[^\p{L}\p{N}\p{M}']+/u).filter((word) => isWord.test(word)).map(tidy)

/** The words of what a caller said; punctuation is none. */
export const wordsOf = (text: string, language: string): ReadonlyArray<string> => wordsOfPhrase(even(text, language))
