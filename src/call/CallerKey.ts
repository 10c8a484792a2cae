/**
 * Decides which calls count as calls of one caller, so that one caller can't take all lines. Calls count together if they have the same
 * `From`: a number, a SIP address or a client. Calls with a withheld number come from many people, so they do not count together.
 */

/** Words that networks write in place of a withheld number. */
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

/** The letters on the keys 2 to 9 of a telephone. */
const keypad = ["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"]

/** The word as digits of the keypad: Twilio writes +266696687 for "anonymous". */
const keypadDigits = (word: string) => [...word].map((letter) => keypad.findIndex((letters) => letters.includes(letter)) + 2).join("")

/** Twilio also writes this number for a withheld caller. Twilio does not say which word it stands for. */
const otherWithheldNumber = "464"

const words = new Set(withheldWords)
const numbers = new Set([...withheldWords.map(keypadDigits), otherWithheldNumber])

/** The user part of an address, without scheme, host and parameters: `alice` of `sip:alice@example.com`. */
const userOf = (address: string) => address.replace(/^(?:sips?|client|tel):/, "").replace(/[@;?].*$/s, "")

/** The longest address, in characters. A longer one is cut; networks do not write longer ones. */
const maxLength = 256

/**
 * The key of a caller. Calls with the same key count together. `undefined`: the number is withheld.
 *
 * @param from the parameter `From` of Twilio's webhook, of any type
 */
export const of = (from: unknown): string | undefined => {
  if (typeof from !== "string") return undefined
  const address = from.trim().slice(0, maxLength).toLowerCase()
  const user = userOf(address)
  const name = user.replaceAll(/[^\p{L}\p{N}]/gu, "")
  // In a SIP address a number without a plus is an extension. There 464 is an ordinary telephone.
  const isNumber = user === address || user.startsWith("+")
  const isWithheld = /^0*$/.test(name) || words.has(name) || (isNumber && numbers.has(name))
  // A copy, because a substring would keep the whole body of the request in memory.
  return isWithheld ? undefined : Buffer.from(address).toString()
}
