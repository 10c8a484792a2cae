/**
 * How many tokens a text has, roughly and rather too many: by the script of its characters, since every model has another
 * tokenizer. `PromptBudget` corrects it by what the server counts. Pure.
 */
import type { ToolDefinition } from "../ModelActions.ts"
import type { ChatMessage } from "../ChatRequest.ts"

/** Tokens of a character; the first script that it belongs to counts. */
const weights: ReadonlyArray<readonly [RegExp, number]> = [
  [/[\p{Script=Latin}\s]/u, 0.27],
  // Gemma and Qwen have a token for each digit, others for up to three.
  [/\p{N}/u, 0.7],
  [/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u, 1],
  [/[\p{Script=Cyrillic}\p{Script=Greek}]/u, 0.4],
  [/[\p{P}\p{S}]/u, 0.6],
  [/\p{L}|\p{M}/u, 0.7]
]

/** Signs that no script has: emojis in pieces, and what tokenizers write byte by byte. */
const otherWeight = 1.5

const weightOf = (character: string): number =>
  character.length > 1 && !/\p{L}/u.test(character) ? 2 : weights.find(([script]) => script.test(character))?.[1] ?? otherWeight

/** A long call is counted with each of its requests: characters below this code are looked up, the rest is remembered. */
const tableSize = 0x250

const table = Float64Array.from({ length: tableSize }, (_, code) => weightOf(String.fromCharCode(code)))

const known = new Map<number, number>()

/** A language has some thousand characters at most, and a text of noise is not to fill the memory. */
const mostKnown = 20_000

const rareWeight = (code: number): number => {
  const before = known.get(code)
  if (before !== undefined) return before
  const weight = weightOf(String.fromCodePoint(code))
  if (known.size < mostKnown) known.set(code, weight)
  return weight
}

export const ofText = (text: string): number => {
  let sum = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    if (code > 0xffff) at++
    sum += code < tableSize ? table[code] : rareWeight(code)
  }
  return sum
}

/** What a chat template puts around each message: two signs, the role, a line break. */
const perMessage = 5

/** What it puts around all of them, with the beginning of the answer. */
const perRequest = 8

export const ofMessage = (message: ChatMessage): number =>
  perMessage + ofText(message.content ?? "") + ("tool_calls" in message ? ofText(JSON.stringify(message.tool_calls ?? [])) : 0)

export const ofTools = (tools: ReadonlyArray<ToolDefinition>): number => tools.length === 0 ? 0 : ofText(JSON.stringify(tools))

export const ofRequest = (messages: ReadonlyArray<ChatMessage>, tools: ReadonlyArray<ToolDefinition>): number =>
  perRequest + ofTools(tools) + messages.reduce((sum, message) => sum + ofMessage(message), 0)
