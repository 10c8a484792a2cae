/**
 * Finds words in a recognizer's dictionary: lines of a word and its phones; further ways to say it are `word(2)`, `word(3)`, ….
 *
 * An agent needs some hundred of its 135,000 words. All of them as a map would take 20 MB, so the file is looked through for those
 * that are asked for, which takes 20 ms.
 */

const newline = 0x0a
const space = 0x20
const tab = 0x09
const closingBracket = 0x29

/** What stands behind a word's name, when it is another way to say it. */
const number = /\(\d+\)$/

/** The pronunciations of these words. A word's second one has the key `word(2)`, as in the dictionary's file. */
export const find = (bytes: Buffer, words: ReadonlySet<string>): Map<string, string> => {
  const found = new Map<string, string>()
  // Names that are longer in bytes are none of the words; most of the file is not made to text.
  let longest = 0
  for (const word of words) longest = Math.max(longest, Buffer.byteLength(word) + "(99)".length)
  for (let start = 0; start < bytes.length;) {
    const at = bytes.indexOf(newline, start)
    const end = at < 0 ? bytes.length : at
    let gap = start
    while (gap < end && bytes[gap] !== space && bytes[gap] !== tab) gap++
    if (gap > start && gap < end && gap - start <= longest) {
      const name = bytes.toString("utf8", start, gap)
      const word = bytes[gap - 1] === closingBracket ? name.replace(number, "") : name
      if (words.has(word)) found.set(name, bytes.toString("utf8", gap, end).trim())
    }
    start = end + 1
  }
  return found
}
