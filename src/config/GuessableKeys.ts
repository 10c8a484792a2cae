/**
 * Finds API keys that somebody could guess. Practically no random key counts as guessable.
 */

/** The key of `.env.example`, which everybody knows. */
export const example = "replace-me-with-a-long-random-secret"

/** The shortest key that is accepted, in characters. 22 random base64 characters have 132 bits. */
const minLength = 22

/** The smallest number of different characters. Of 10^8 random keys of 22 hexadecimal digits, about three have fewer. */
const minDistinctCharacters = 6

/** Placeholders that people and templates write instead of a key. Each alternative is so long that no random key contains it. */
const placeholder =
  /^<.*>$|^\$\{?\w+\}?$|(?:replace|change)[-_ .]?(?:me|this|it)|(?:fill|put|insert|enter|set)[-_ .](?:me|this|it|in|your)|your[-_ .]?(?:own[-_ .]?)?(?:api|secret|key|token|password)|placeholder|example|default[-_ .]?(?:key|secret|password)|(?:secret|password|passwort|api[-_ .]?key|qwert[yz]|letmein)[-_ .]?(?:\d{0,4}|key|here)$/i

/** Whether a text repeats a shorter one: "abcabcabc", "aaaa". */
const isRepeated = (text: string): boolean => {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true
  }
  return false
}

/** Whether the characters mostly count up, or mostly count down: "0123456789", "zyxwv". */
const isSequence = (text: string): boolean => {
  const codes = [...text].map((character) => character.charCodeAt(0))
  const steps = codes.slice(1).map((code, at) => code - codes[at])
  return [1, -1].some((direction) => steps.filter((step) => step === direction).length > 0.6 * steps.length)
}

/** Why a key can be guessed, as a clause that follows `API_KEY`. `undefined` for a key that can't be guessed. */
export const weakness = (key: string): string | undefined => {
  if (key === example) return "is still the example of .env.example, which everybody knows"
  if (placeholder.test(key)) return "is a placeholder or a word that attackers try first"
  if (key.length < minLength) return `is shorter than ${minLength} characters`
  if (new Set(key).size < minDistinctCharacters || isRepeated(key)) return "repeats the same characters over and over"
  return isSequence(key) ? "is a sequence of characters" : undefined
}

/** How to get a key that can't be guessed. */
export const advice = "Make a key with: openssl rand -base64 24. Or set no API_KEY: a key is then made at the first start and kept in DATA_DIR."
