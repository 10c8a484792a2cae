/**
 * Which API keys could be guessed. A key of random characters never looks like one of these.
 */

/** The key of `.env.example`: everybody knows it. */
export const example = "replace-me-with-a-long-random-secret"

/** 22 characters of base64 are 131 random bits. */
export const shortest = 22

/** Different characters of a key, at least: of 22 random hexadecimal digits fewer are seen three times in 10^8. */
const fewestCharacters = 6

/** What is written where a key should be put, by people and by their templates; nothing so short that a random key may hold it. */
const placeholder =
  /^<.*>$|^\$\{?\w+\}?$|(?:replace|change)[-_ .]?(?:me|this|it)|(?:fill|put|insert|enter|set)[-_ .](?:me|this|it|in|your)|your[-_ .]?(?:own[-_ .]?)?(?:api|secret|key|token|password)|placeholder|example|default[-_ .]?(?:key|secret|password)|(?:secret|password|passwort|api[-_ .]?key|qwert[yz]|letmein)[-_ .]?(?:\d{0,4}|key|here)$/i

/** Whether a text is a shorter one over and over: "abcabcabc", "aaaa". */
const isRepeated = (text: string): boolean => {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true
  }
  return false
}

/** Whether most characters are the one after the one before, up or down: "0123456789", "zyxwv". */
const isSequence = (text: string): boolean => {
  const codes = [...text].map((character) => character.charCodeAt(0))
  const steps = codes.slice(1).map((code, at) => code - codes[at])
  return [1, -1].some((step) => steps.filter((one) => one === step).length > 0.6 * steps.length)
}

/** Why a key can be guessed, as a clause behind `API_KEY`; `undefined` where it can't. */
export const weakness = (key: string): string | undefined => {
  if (key === example) return "is still the example of .env.example, which everybody knows"
  if (placeholder.test(key)) return "is a placeholder or a word that is tried first"
  if (key.length < shortest) return `is shorter than ${shortest} characters`
  if (new Set(key).size < fewestCharacters || isRepeated(key)) return "says the same over and over"
  return isSequence(key) ? "is a sequence of characters" : undefined
}

/** How to get one that can't be guessed. */
export const advice = "Make one with: openssl rand -base64 24. Or set none: then one is made at the first start and kept in DATA_DIR."
