/**
 * Variables as they come from the environment and from `.env`: what surrounds a value, which source wins, and which names are
 * nearly those of this service.
 */
import { ConfigProvider, Effect } from "effect"
import { distance, nearest } from "../domain/DidYouMean.ts"

/**
 * A value without what surrounds it: blanks, line ends, characters without a shape. A secret that is mounted as a file ends with a
 * newline, and what is copied from a web page begins or ends with more.
 */
export const trimmed = (text: string): string => {
  const isAround = /[\s\p{Cc}\p{Cf}]/u
  const characters = [...text]
  const first = characters.findIndex((character) => !isAround.test(character))
  const last = characters.findLastIndex((character) => !isAround.test(character))
  return first < 0 ? "" : characters.slice(first, last + 1).join("")
}

/** What can't be meant in a value, as the end of a sentence that begins with the variable's name. */
export const oddity = (value: string): string | undefined => {
  if (/^(["']).*\1$/s.test(value)) {
    return "is in quotes. Some readers of such files keep them, such as Docker's --env-file: remove them"
  }
  const hidden = [...value].find((character) => /[\p{Cc}\p{Cf}]/u.test(character))
  return hidden === undefined
    ? undefined
    : `holds a character that can't be seen (U+${(hidden.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}): remove it`
}

/**
 * Each variable from the first of these that has more than blanks for it. Not `ConfigProvider.orElse`: to that `AGENT` is set in an
 * environment that has nothing but `AGENT_NUMBERS`, and so it never looks into `.env`.
 */
export const firstOf = (...providers: ReadonlyArray<ConfigProvider.ConfigProvider>): ConfigProvider.ConfigProvider =>
  ConfigProvider.make(Effect.fnUntraced(function*(path) {
    const keys = new Set<string>()
    let value: string | undefined
    for (const provider of providers) {
      const node = yield* provider.load(path)
      if (value === undefined && node?.value !== undefined && trimmed(node.value) !== "") value = node.value
      // Longer names that begin with this one.
      if (node?._tag === "Record") for (const key of node.keys) keys.add(key)
    }
    if (keys.size > 0) return ConfigProvider.makeRecord(keys, value)
    return value === undefined ? undefined : ConfigProvider.makeValue(value)
  }))

/** The names that have a value here. */
export const namesOf = Effect.fnUntraced(function*(provider: ConfigProvider.ConfigProvider) {
  const names: Array<string> = []
  const waiting: Array<ReadonlyArray<string>> = [[]]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const node = yield* provider.load(path)
    if (node?.value !== undefined && trimmed(node.value) !== "") names.push(path.join("_"))
    if (node?._tag === "Record") for (const key of node.keys) waiting.push([...path, key])
  }
  return names.sort()
})

const wordsOf = (name: string) => name.split("_")

/**
 * The variable of this service that a name was meant for. An environment holds many names of other programs, so it must be near
 * (one letter, or two of a long name), or begin alike and have all of the words: `TWILIO_AUTHTOKEN`, `PUBLIC_BASE_URL`, not `OPENAI_API_KEY`.
 */
export const meant = (name: string, known: ReadonlyArray<string>): string | undefined => {
  if (known.includes(name) || !/^[A-Z][A-Z0-9_]{4,}$/.test(name)) return undefined
  const candidates = known.filter((candidate) => {
    const [fewer, more] = [wordsOf(name), wordsOf(candidate)].sort((one, other) => one.length - other.length)
    const hasWords = fewer.length > 1 && fewer[0] === more[0] && fewer.every((word) => more.includes(word))
    return hasWords || isNear(name, candidate)
  })
  return nearest(name, candidates) ?? candidates[0]
}

const isNear = (name: string, candidate: string): boolean => {
  const most = Math.min(name.length, candidate.length) >= 8 ? 2 : 1
  return Math.abs(name.length - candidate.length) <= most && distance(name, candidate) <= most
}
