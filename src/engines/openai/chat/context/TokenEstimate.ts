/**
 * Estimates the number of a text's tokens by the scripts of its characters, because every model has another tokenizer. The estimate is more
 * often too high than too low. `TokenLimits` corrects it with the server's own counts. Pure.
 */
import type { ToolDefinition } from "../ModelActions.ts"
import type { ChatMessage } from "../ChatRequest.ts"

/** Tokens of one character. The first class that matches counts. */
const tokensByClass: ReadonlyArray<readonly [characters: RegExp, tokens: number]> = [
  [/[\p{Script=Latin}\s]/u, 0.27],
  // Gemma and Qwen have a token for each digit. Other models have one for up to three digits.
  [/\p{N}/u, 0.7],
  [/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u, 1],
  [/[\p{Script=Cyrillic}\p{Script=Greek}]/u, 0.4],
  [/[\p{P}\p{S}]/u, 0.6],
  [/\p{L}|\p{M}/u, 0.7]
]

/** Tokens of a character that is in no class. Tokenizers write these characters byte by byte. */
const otherTokens = 1.5

/** Tokens of a character outside of the BMP that is not a letter, such as an emoji. */
const astralSymbolTokens = 2

const tokensOfCharacter = (character: string): number =>
  character.length > 1 && !/\p{L}/u.test(character)
    ? astralSymbolTokens
    : tokensByClass.find(([characters]) => characters.test(character))?.[1] ?? otherTokens

/** Characters below this code are looked up in a table, because the whole history is counted again for each request. */
const tableSize = 0x250

const table = Float64Array.from({ length: tableSize }, (_, code) => tokensOfCharacter(String.fromCharCode(code)))

/** Tokens of the other characters that were counted before, by their codes. */
const knownTokens = new Map<number, number>()

/** A language has at most some thousand characters. The limit keeps random text from filling the memory. */
const maxCachedCharacters = 20_000

const cachedTokens = (code: number): number => {
  const cached = knownTokens.get(code)
  if (cached !== undefined) return cached
  const tokens = tokensOfCharacter(String.fromCodePoint(code))
  if (knownTokens.size < maxCachedCharacters) knownTokens.set(code, tokens)
  return tokens
}

export const ofText = (text: string): number => {
  let sum = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    if (code > 0xffff) at++
    sum += code < tableSize ? table[code] : cachedTokens(code)
  }
  return sum
}

/** Tokens that a chat template adds to each message: two special tokens, the role, a line break. */
const perMessage = 5

/** Tokens that a chat template adds to a request, the start of the answer included. */
const perRequest = 8

export const ofMessage = (message: ChatMessage): number =>
  perMessage + ofText(message.content ?? "") + ("tool_calls" in message ? ofText(JSON.stringify(message.tool_calls ?? [])) : 0)

const ofTools = (tools: ReadonlyArray<ToolDefinition>): number => tools.length === 0 ? 0 : ofText(JSON.stringify(tools))

/** Tokens of a prompt. `tools`: the tools that the body of the request lists. */
export const ofRequest = (messages: ReadonlyArray<ChatMessage>, tools: ReadonlyArray<ToolDefinition>): number =>
  perRequest + ofTools(tools) + messages.reduce((sum, message) => sum + ofMessage(message), 0)
