/**
 * Finds a server's own words in the body of an error, and decides how much of them a log may show. Pure.
 *
 * Servers often quote the request. So a log shows their words without quotations, long numbers and words of the request.
 */
import { Predicate } from "effect"

/** The most characters of a message that the log shows. */
const maxShownCharacters = 160

/** The most characters of a message that are read. */
const maxReadCharacters = 4000

/** This many words in a row that are also in the request count as a quotation. */
const quotedWords = 3

/**
 * The message in an error's body; empty if there is none. OpenAI and llama.cpp send `{"error":{"message"}}`, Ollama sends `{"error":"…"}`,
 * and vLLM before 0.10 sends `{"message"}`. FastAPI sends `{"detail"}` and names the field in `loc`.
 */
export const messageOf = (body: unknown): string => {
  if (Predicate.isString(body)) return body
  if (Predicate.hasProperty(body, "loc") && Array.isArray(body.loc) && Predicate.hasProperty(body, "msg")) return `${body.loc.join(".")}: ${messageOf(body.msg)}`
  for (const key of ["error", "message", "detail", "msg"]) {
    if (Predicate.hasProperty(body, key) && body[key] !== null && body[key] !== undefined) return messageOf(body[key])
  }
  return Array.isArray(body) && body.length > 0 ? messageOf(body[0]) : ""
}

const wordsOf = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

/** The indices of the words that the request also has, in the same order. */
const quotedIndices = (words: ReadonlyArray<string>, sent: string): ReadonlySet<number> => {
  const request = ` ${wordsOf(sent).join(" ")} `
  const indices = new Set<number>()
  for (let at = 0; at + quotedWords <= words.length; at++) {
    if (!request.includes(` ${words.slice(at, at + quotedWords).join(" ")} `)) continue
    for (let offset = 0; offset < quotedWords; offset++) indices.add(at + offset)
  }
  return indices
}

/** The message as a log may show it: at most 160 characters, without keys and words that may be the caller's. `sent`: the request's text. */
export const forLog = (message: string, sent: string): string => {
  const plain = message
    .slice(0, maxReadCharacters)
    .replace(/"[^"]*"?|'[^']*'|`[^`]*`|\{[^}]*\}?|\[[^\]]*\]?/gs, "…")
    .replace(/\+?\d[\d\s().-]{4,}\d/g, "…")
    .replace(/\S{33,}/g, "…")
    .replace(/\s+/g, " ")
    .trim()
  const quoted = quotedIndices(wordsOf(plain), sent)
  let index = 0
  const unquoted = plain.replace(/[\p{L}\p{N}]+/gu, (word) => quoted.has(index++) ? "…" : word).replace(/…(?:[\s,.;:]*…)+/g, "…")
  return unquoted.length > maxShownCharacters ? `${unquoted.slice(0, maxShownCharacters - 1)}…` : unquoted
}
