/**
 * Which calls count as one caller's, so that one caller can't take all lines: those with the same `From`, which is a number, a SIP
 * address or a client. Withheld callers are many people, so their calls are not counted together.
 */

/** What a network writes in place of a number. */
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
  // A part of a string keeps the whole string in memory, here the request's body: hence the copy.
  return isWithheld ? undefined : Buffer.from(address).toString()
}
