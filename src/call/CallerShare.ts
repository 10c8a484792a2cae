/**
 * Decides which calls count as one caller's, so that one caller can't take all lines. They have the same `From`: a number, a SIP address or
 * a client. Calls with a withheld number come from many people, so they are not counted together.
 */

/** What a network writes in place of a withheld number. */
const withheldWords = [
  "anonymous",
  "restricted",
  "unavailable",
  "blocked",
  "unknown",
  "private",
  "withheld",
  "noname",
  "nocallerid",
  "unidentified",
  "nonumber"
]

const keys = ["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"]

/** The word on a telephone's keys: Twilio writes +266696687 for "anonymous". */
const onKeys = (word: string) => [...word].map((letter) => keys.findIndex((letters) => letters.includes(letter)) + 2).join("")

/** Twilio's other number for a withheld caller. Twilio does not say which word it stands for. */
const unnamed = "464"

const words = new Set(withheldWords)
const numbers = new Set([...withheldWords.map(onKeys), unnamed])

/** The user of an address, without its scheme, host and parameters: `alice` of `sip:alice@example.com`. */
const userOf = (address: string) => address.replace(/^(?:sips?|client|tel):/, "").replace(/[@;?].*$/s, "")

/** The most characters of an address. No network writes longer ones; a longer address is cut. */
const maxLength = 256

/**
 * The key of the caller that Twilio names as `From`; `undefined` for a withheld one.
 *
 * @param from Twilio's parameter, of any type
 */
export const keyOf = (from: unknown): string | undefined => {
  if (typeof from !== "string") return undefined
  const address = from.trim().slice(0, maxLength).toLowerCase()
  const user = userOf(address)
  const name = user.replaceAll(/[^\p{L}\p{N}]/gu, "")
  // In a SIP address a number without a plus is an extension: 464 is a telephone there.
  const isNumber = user === address || user.startsWith("+")
  const isWithheld = /^0*$/.test(name) || words.has(name) || (isNumber && numbers.has(name))
  // A copy, because a substring would keep the whole body of the request in memory.
  return isWithheld ? undefined : Buffer.from(address).toString()
}
