/**
 * Finds words in a recognizer's dictionary. Each line has a word and its phones. Further pronunciations of a word are named `word(2)`,
 * `word(3)`, ….
 *
 * The file has 135,000 words, and an agent needs a few hundred. A map of all words would take 20 MB. Instead the file is searched for the
 * words that the agent needs, which takes 20 ms.
 */

const newline = 0x0a
const space = 0x20
const tab = 0x09
const closingBracket = 0x29

/** The end of an entry's name, if the entry is a further pronunciation of a word. */
const numberSuffix = /\(\d+\)$/

/** The pronunciations of these words. A word's second pronunciation has the key `word(2)`, as in the dictionary's file. */
export const find = (bytes: Buffer, words: ReadonlySet<string>): Map<string, string> => {
  const found = new Map<string, string>()
  // The most bytes that the name of a wanted entry can have: the longest word and a suffix such as `(99)`. Longer names are not decoded.
  let maxNameBytes = 0
  for (const word of words) maxNameBytes = Math.max(maxNameBytes, Buffer.byteLength(word) + "(99)".length)
  for (let start = 0; start < bytes.length;) {
    const at = bytes.indexOf(newline, start)
    const end = at < 0 ? bytes.length : at
    let gap = start
    while (gap < end && bytes[gap] !== space && bytes[gap] !== tab) gap++
    if (gap > start && gap < end && gap - start <= maxNameBytes) {
      const name = bytes.toString("utf8", start, gap)
      const word = bytes[gap - 1] === closingBracket ? name.replace(numberSuffix, "") : name
      if (words.has(word)) found.set(name, bytes.toString("utf8", gap, end).trim())
    }
    start = end + 1
  }
  return found
}
