/**
 * E-mail addresses, web addresses, file names and handles. Their signs are named, and letters that do not form a word are spelled.
 */
import { type Language, match, type Rule, stickyPattern } from "./Rule.ts"

const label = "[\\p{L}\\p{N}](?:[\\p{L}\\p{N}_-]*[\\p{L}\\p{N}])?"

const vowel = /[aeiouyáàâäéèêëíìîïóòôöúùûüæœąęó]/i

/** Up to four letters without a vowel are spelled. The two letters of a country at the end of a host are always spelled. */
const isSpelled = (letters: string, before: string, after: string): boolean =>
  (letters.length === 2 && before.endsWith(".") && !/^[.\p{L}\p{N}_-]/u.test(after)) || (letters.length <= 4 && !vowel.test(letters))

export const make = ({ rules: { signs }, words }: Language): Rule => {
  const email = stickyPattern(`[\\p{L}\\p{N}](?:[\\p{L}\\p{N}._%+-]*[\\p{L}\\p{N}_+-])?@${label}(?:\\.${label})+`)
  const web = stickyPattern(
    `(?:https?:\\/\\/|www\\.)${label}(?:\\.${label})*(?::\\d+)?(?:\\/[^\\s"'<>()]*[^\\s"'<>().,;:!?])?\\/?`,
    "i"
  )
  // The last label is only in lower case or only in capitals: "report.PDF", but not "over.Then".
  const webOrFileName = stickyPattern(
    `[\\p{L}\\p{N}][\\p{L}\\p{N}_-]+(?:\\.[\\p{L}\\p{N}][\\p{L}\\p{N}_-]*)*\\.(?:\\p{Ll}[\\p{Ll}\\d]{1,9}|\\p{Lu}[\\p{Lu}\\d]{1,4})(?![\\p{L}\\p{N}_])(?:\\/[^\\s"'<>()]*[^\\s"'<>().,;:!?])?`
  )
  const underscoredName = stickyPattern("\\/?[\\p{L}\\p{N}]+(?:[_][\\p{L}\\p{N}]+)+(?![\\p{L}\\p{N}_])")
  const path = stickyPattern("(?:\\/[\\p{L}\\p{N}_-][\\p{L}\\p{N}._-]*)+\\/?(?![\\p{L}\\p{N}])")
  const handle = stickyPattern("@([\\p{L}_](?:[\\p{L}\\p{N}_.]*[\\p{L}\\p{N}_])?)")
  const hashtag = stickyPattern("#(\\p{L}[\\p{L}\\p{N}_]*)")

  const signNames: Readonly<Record<string, string>> = {
    "@": signs.at, ".": signs.dotInAddress, "/": signs.slash, "-": signs.dash, "_": signs.underscore, ":": signs.colon, "+": signs.plus, "%": "%",
    "=": signs.equals, "#": signs.hash, "?": "", "&": "", "~": ""
  }

  const spell = (address: string): string =>
    Array.from(address.matchAll(/\p{L}[\p{L}\p{M}]*|\d+|\p{N}|./gu), ({ 0: part, index }) => {
      if (/^\p{N}/u.test(part)) return /^\d/.test(part) ? words.digits(part) : part
      if (/^\p{L}/u.test(part)) {
        const isLetters = isSpelled(part, address.slice(0, index), address.slice(index + part.length))
        return isLetters ? Array.from(part.toUpperCase()).join(" ") : part
      }
      return signNames[part] ?? ""
    }).filter((part) => part.length > 0).join(" ")

  return (text, at) => {
    const sign = text[at]
    if (sign === "@") {
      const found = match(handle, text, at)
      return found === null ? undefined : { length: found[0].length, words: `${signs.at} ${spell(found[1])}` }
    }
    if (sign === "#") {
      const found = match(hashtag, text, at)
      return found === null ? undefined : { length: found[0].length, words: `${signs.hashtag} ${spell(found[1])}` }
    }
    if (sign === "/") {
      const found = /[\p{L}\p{N}]/u.test(text[at - 1] ?? "") ? null : match(path, text, at)
      return found === null || !/\p{L}/u.test(found[0]) ? undefined : { length: found[0].length, words: spell(found[0]) }
    }
    const address = match(email, text, at) ?? match(web, text, at)
    if (address !== null) {
      const spoken = address[0].replace(/^https?:\/\/(?:www\.)?/i, "").replace(/\/$/, "").replace(/[?#].*$/, "")
      return { length: address[0].length, words: spell(spoken) }
    }
    const name = match(webOrFileName, text, at)
    if (name !== null && /\p{L}/u.test(name[0].replace(/\.[^.]*$/, ""))) return { length: name[0].length, words: spell(name[0]) }
    // A name from program code, such as `max_value`, is read word by word.
    const underscored = match(underscoredName, text, at)
    if (underscored === null) return undefined
    const parts = underscored[0].match(/\p{L}[\p{L}\p{M}]*|\d+|\p{N}/gu) ?? []
    return { length: underscored[0].length, words: parts.map((part) => /^\d+$/.test(part) ? words.digits(part) : part).join(" ") }
  }
}
