/**
 * Finds the rest of a sentence that the token limit cut off. The rest is in the model's answer to the request to go on.
 *
 * Models begin this answer with the next word, with some words before it, or with the whole sentence again. Words that the caller has
 * heard are left out. Text after the end of the sentence is left out, too. Pure.
 */

/** The most tokens of the rest. */
export const maxTokens = 60

/** All text up to the end of the first sentence, with the closing quotes and brackets after it. */
const firstSentence = /^[^]*?(?:[.!?…]["'”’»)\]]*(?=\s|$)|[。！？])/u

const wordsOf = (text: string): ReadonlyArray<{ readonly word: string; readonly end: number }> =>
  [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((match) => ({ word: match[0].toLowerCase(), end: match.index + match[0].length }))

/** How many characters at the start of `answer` repeat the last words of `said`. */
const repeatedLength = (said: string, answer: string): number => {
  const saidWords = wordsOf(said).map(({ word }) => word)
  const answerWords = wordsOf(answer)
  for (let count = Math.min(saidWords.length, answerWords.length); count > 0; count--) {
    const isSame = answerWords.slice(0, count).every(({ word }, at) => word === saidWords[saidWords.length - count + at])
    if (isSame) return answerWords[count - 1].end
  }
  return 0
}

/** The text to speak after `said`, with a space before it if needed; undefined if `answer` does not end the sentence. */
export const restOf = (said: string, answer: string): string | undefined => {
  const text = answer.replace(/^[\s…(]+|^\.{3}\s*/u, "")
  const newText = text.slice(repeatedLength(said, text)).replace(/^\s+/, "")
  const [sentence] = firstSentence.exec(newText) ?? []
  if (sentence === undefined || !/[\p{L}\p{N}]/u.test(sentence)) return undefined
  return /\s$/.test(said) || /^[\p{P}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(newText) ? sentence : ` ${sentence}`
}
