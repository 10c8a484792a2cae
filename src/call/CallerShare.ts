/**
 * Whose calls are counted together, so that one caller can't take all lines: those with the same `From`, be it a number, a SIP address or
 * a client. Withheld callers are many people, and each of their calls stands for itself.
 */

/** Where a network writes a word in place of a number. */
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

/** Twilio's other one, whose word it does not tell. */
const unnamed = "464"

const words = new Set(withheldWords)
const numbers = new Set([...withheldWords.map(onKeys), unnamed])

/** Who is meant by an address, without its scheme, host and parameters: `alice` of `sip:alice@example.com`. */
const userOf = (address: string) => address.replace(/^(?:sips?|client|tel):/, "").replace(/[@;?].*$/s, "")

/** No network writes longer ones; what is longer is cut. */
const maxLength = 256

/**
 * The key of the caller that Twilio names as `From`, in memory of its own, for it is kept; unset for a withheld one.
 *
 * @param from as it came, in any form
 */
export const keyOf = (from: unknown): string | undefined => {
  if (typeof from !== "string") return undefined
  const address = from.trim().slice(0, maxLength).toLowerCase()
  const user = userOf(address)
  const name = user.replaceAll(/[^\p{L}\p{N}]/gu, "")
  // In a SIP address a number without a plus is an extension of somebody's own: 464 is a telephone there.
  const isNumber = user === address || user.startsWith("+")
  const isWithheld = /^0*$/.test(name) || words.has(name) || (isNumber && numbers.has(name))
  // A piece of a text keeps the whole text in memory: the request's body.
  return isWithheld ? undefined : Buffer.from(address).toString()
}
