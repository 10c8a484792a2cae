/**
 * The rest of a sentence that a model's limit cut off, once the model was asked for it. Models begin such an answer where
 * they please: with the next word, with the words before it, or with the whole sentence again. What was said is not said
 * twice, and nothing is said behind the end of the sentence. Pure.
 */

/** Tokens of a rest. */
export const maxTokens = 60

const sentence = /^[^]*?(?:[.!?…]["'”’»)\]]*(?=\s|$)|[。！？])/u

const wordsOf = (text: string): ReadonlyArray<{ readonly word: string; readonly end: number }> =>
  [...text.matchAll(/[\p{L}\p{N}]+/gu)].map((match) => ({ word: match[0].toLowerCase(), end: match.index + match[0].length }))

/** How much of `more` says again what `said` ends with. */
const repeated = (said: string, more: string): number => {
  const before = wordsOf(said).map(({ word }) => word)
  const after = wordsOf(more)
  for (let count = Math.min(before.length, after.length); count > 0; count--) {
    const isSame = after.slice(0, count).every(({ word }, at) => word === before[before.length - count + at])
    if (isSame) return after[count - 1].end
  }
  return 0
}

/** What is still to be said, with the space before it; nothing, where no sentence comes to its end. */
export const restOf = (said: string, more: string): string | undefined => {
  const text = more.replace(/^[\s…(]+|^\.{3}\s*/u, "")
  const rest = text.slice(repeated(said, text)).replace(/^\s+/, "")
  const [found] = sentence.exec(rest) ?? []
  if (found === undefined || !/[\p{L}\p{N}]/u.test(found)) return undefined
  return /\s$/.test(said) || /^[\p{P}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(rest) ? found : ` ${found}`
}
