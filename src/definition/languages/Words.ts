/**
 * Works with the words of a text in any language: splits, counts and joins them, and estimates how long they take to say.
 *
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without spaces between words. In these languages `Intl.Segmenter` finds the
 * words by its dictionaries. In other languages a word is the text between two spaces, with its punctuation: "half-past", "o'clock,".
 */

/** Scripts without spaces between words. */
const unspaced = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}"
const hasUnspaced = new RegExp(`[${unspaced}]`, "u")
/** Match the end and the beginning of a text that need no space: a letter of these scripts with its marks, or full-width punctuation. */
const unspacedEnd = new RegExp(`[${unspaced}\\u3000-\\u303F\\uFF00-\\uFFEF]\\p{M}*$`, "u")
const unspacedBegin = new RegExp(`^[${unspaced}\\u3000-\\u303F\\uFF00-\\uFFEF]`, "u")

/** Scripts in which a character is a syllable or more. */
const syllabic = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u

/** The segmenter's language hardly changes its results. The language is fixed, so that the machine's language has no influence. */
const segmenter = new Intl.Segmenter("en", { granularity: "word" })

/**
 * How long a character takes to say, counted in Latin letters. A second of speech has about 15 Latin letters, or about 5 characters of
 * Chinese, Japanese or Korean. A figure is spoken as a word.
 */
const lettersOf = (character: string): number => character.length * (syllabic.test(character) ? 3 : /\p{Nd}/u.test(character) ? 4 : 1)

/** How long a text takes to say, counted in Latin letters. */
export const spokenLetters = (text: string): number => {
  let sum = 0
  for (const character of text) sum += lettersOf(character)
  return sum
}

/** The length of the longest beginning of a text that takes no longer to say than this many Latin letters. */
export const lengthWithin = (text: string, letters: number): number => {
  let sum = 0
  let length = 0
  for (const character of text) {
    sum += lettersOf(character)
    if (sum > letters) break
    length += character.length
  }
  return length
}

/** The number of words. Punctuation alone is not a word. */
export const count = (text: string): number => {
  let words = 0
  for (const run of text.split(/\s+/)) {
    if (!/[\p{L}\p{N}]/u.test(run)) continue
    if (!hasUnspaced.test(run)) words++
    else for (const { isWordLike } of segmenter.segment(run)) if (isWordLike === true) words++
  }
  return words
}

/** The index after each word. Punctuation belongs to the word before it, and spaces belong to the word after them. */
const endsOf = (text: string): ReadonlyArray<number> => {
  const ends: Array<number> = []
  for (const { 0: run, index } of text.matchAll(/\S+/g)) {
    if (hasUnspaced.test(run)) {
      let isAfterOpening = true
      for (const { index: at, isWordLike, segment } of segmenter.segment(run)) {
        // An opening bracket or quotation mark belongs to the word after it.
        const isOpening = /^[\p{Ps}\p{Pi}]/u.test(segment)
        if ((isWordLike === true || isOpening) && !isAfterOpening) ends.push(index + at)
        isAfterOpening = isOpening
      }
    }
    ends.push(index + run.length)
  }
  return ends
}

/** The first words of a text that together take at most `share` (0 to 1) of its speaking time. */
export const cut = (text: string, share: number): string => {
  if (share >= 1) return text
  const limit = spokenLetters(text) * Math.max(0, share)
  let said = 0
  let from = 0
  let end = 0
  for (const next of endsOf(text)) {
    said += spokenLetters(text.slice(from, next))
    if (said > limit) break
    from = next
    end = next
  }
  return text.slice(0, end).trimEnd()
}

/** This many characters at the end of a text contain its last letter with all its marks. */
const lastCharacters = 16

const needsNoSpace = (before: string, after: string): boolean =>
  unspacedEnd.test(before.slice(-lastCharacters)) && unspacedBegin.test(after)

/** Joins texts, with a space between them if their script has spaces between words. */
export const joinAll = (texts: ReadonlyArray<string>): string => {
  let joined = ""
  let last = ""
  for (const text of texts) {
    if (text === "") continue
    joined += last === "" || needsNoSpace(last, text) ? text : ` ${text}`
    last = text
  }
  return joined
}

export const join = (...texts: ReadonlyArray<string>): string => joinAll(texts)

/** Whether a text consists of `begun` and further words: "I am" continues "I", and "It" does not. */
export const continues = (text: string, begun: string): boolean => {
  if (!text.startsWith(begun) || text.length === begun.length) return false
  const added = text.slice(begun.length)
  return added.startsWith(" ") || needsNoSpace(begun, added)
}

/** The form in which short answers are compared: lower case, no punctuation, and spaces only if the script has spaces between words. */
export const plain = (text: string): string => {
  const words = text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{M}\p{N}\s'-]/gu, " ").replace(/\s+/g, " ").trim().split(" ")
  return joinAll(words)
}
