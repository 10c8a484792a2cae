/**
 * Reads variables from the environment and from `.env`: trims values, orders the sources, and finds misspelled names.
 */
import { ConfigProvider, Effect } from "effect"
import { distance, nearest } from "../domain/DidYouMean.ts"

/**
 * Removes blanks, line ends and invisible characters from both ends of a value. A secret that is mounted as a file ends with a newline, and
 * text copied from a web page may begin or end with invisible characters.
 */
export const trim = (text: string): string => {
  const invisible = /[\s\p{Cc}\p{Cf}]/u
  const characters = [...text]
  const first = characters.findIndex((character) => !invisible.test(character))
  const last = characters.findLastIndex((character) => !invisible.test(character))
  return first < 0 ? "" : characters.slice(first, last + 1).join("")
}

/** A clause about quotes or invisible characters in a value. It follows the variable's name. `undefined` if the value has neither. */
export const oddity = (value: string): string | undefined => {
  if (/^(["']).*\1$/s.test(value)) {
    return "is in quotes. Some programs that read .env files keep the quotes, for example Docker's --env-file: remove them"
  }
  const hidden = [...value].find((character) => /[\p{Cc}\p{Cf}]/u.test(character))
  return hidden === undefined
    ? undefined
    : `contains a character that can't be seen (U+${(hidden.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}): remove it`
}

/**
 * Takes each variable from the first provider in which its value is not blank. `ConfigProvider.orElse` can't do this: if the environment has
 * only `AGENT_NUMBERS`, `orElse` finds a node for `AGENT` there, too, and never looks for `AGENT` in `.env`.
 */
export const firstOf = (...providers: ReadonlyArray<ConfigProvider.ConfigProvider>): ConfigProvider.ConfigProvider =>
  ConfigProvider.make(Effect.fnUntraced(function*(path) {
    const keys = new Set<string>()
    let value: string | undefined
    for (const provider of providers) {
      const node = yield* provider.load(path)
      if (value === undefined && node?.value !== undefined && trim(node.value) !== "") value = node.value
      // The node is a record if there are longer names that begin with this name.
      if (node?._tag === "Record") for (const key of node.keys) keys.add(key)
    }
    if (keys.size > 0) return ConfigProvider.makeRecord(keys, value)
    return value === undefined ? undefined : ConfigProvider.makeValue(value)
  }))

/** The names of all variables that have a value in this provider. */
export const namesOf = Effect.fnUntraced(function*(provider: ConfigProvider.ConfigProvider) {
  const names: Array<string> = []
  const waiting: Array<ReadonlyArray<string>> = [[]]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const node = yield* provider.load(path)
    if (node?.value !== undefined && trim(node.value) !== "") names.push(path.join("_"))
    if (node?._tag === "Record") for (const key of node.keys) waiting.push([...path, key])
  }
  return names.sort()
})

const wordsOf = (name: string) => name.split("_")

/**
 * The variable of this service that a misspelled name probably means. An environment has many variables of other programs. So a name counts
 * as misspelled only in two cases: it differs from the variable by one letter (two in a long name), or both begin with the same word and one
 * of them has all words of the other. `TWILIO_AUTHTOKEN` and `PUBLIC_BASE_URL` count as misspelled, `OPENAI_API_KEY` does not.
 */
export const intendedVariable = (name: string, known: ReadonlyArray<string>): string | undefined => {
  if (known.includes(name)) return undefined
  // A name in lower case is a mistake only if it is otherwise right: many programs have variables in lower case.
  if (known.includes(name.toUpperCase())) return name.toUpperCase()
  if (!/^[A-Z][A-Z0-9_]{4,}$/.test(name)) return undefined
  const candidates = known.filter((candidate) => {
    const [fewer, more] = [wordsOf(name), wordsOf(candidate)].sort((one, other) => one.length - other.length)
    const hasWords = fewer.length > 1 && fewer[0] === more[0] && fewer.every((word) => more.includes(word))
    return hasWords || isNear(name, candidate)
  })
  return nearest(name, candidates) ?? candidates[0]
}

const isNear = (name: string, candidate: string): boolean => {
  const maxDistance = Math.min(name.length, candidate.length) >= 8 ? 2 : 1
  return Math.abs(name.length - candidate.length) <= maxDistance && distance(name, candidate) <= maxDistance
}
