/**
 * Recognizes by their delimiters thoughts that a model writes into its text before it answers. They are never spoken.
 *
 *     <think>The caller asks for the opening hours.</think>We open at nine.
 *
 * - `<think>…</think>`, `<reasoning>…</reasoning>` and similar tags, also with an attribute or a prefix (`<seed:think>`): DeepSeek,
 *   Qwen, GLM, Hunyuan and others;
 * - `[THINK]…[/THINK]`: Mistral; `◁think▷…◁/think▷`: Kimi;
 * - `<|START_THINKING|>…<|END_THINKING|>`: Cohere; `<|begin_of_thought|>`: Sky-T1; `<unused94>thought…<unused95>`: MedGemma;
 * - `<|channel>thought…<channel|>`: Gemma 4.
 *
 * `UnopenedThought` recognizes thoughts that have only their end in the text.
 */
import { RegExp as Patterns } from "effect"
import { turnEndLookahead, noMatch, type OutputRule, type Skip, match, needsMore, awaitAny } from "./OutputRule.ts"
import * as Tags from "./Tags.ts"

const tagNames = [
  "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "reflect", "scratchpad", "analysis", "antthinking",
  "inner_thought", "inner_thoughts", "inner_monologue", "internal_monologue", "internal_thought", "chain_of_thought", "cot", "planning"
]

const tags = Tags.make(tagNames)

/** Other delimiters, in lower case. */
const delimiters: ReadonlyArray<readonly [begin: string, end: string]> = [
  ["[think]", "[/think]"],
  ["◁think▷", "◁/think▷"],
  ["<|start_thinking|>", "<|end_thinking|>"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["<|think|>", "<|/think|>"],
  ["<unused94>", "<unused95>"],
  ["<|channel>thought", "<channel|>"]
]

const allDelimiters = delimiters.flat()

/** Any end delimiter ends any thought, because models mix the delimiters. */
const endPattern = `</(?:[a-z]{1,12}:)?(?:${tagNames.join("|")})>|${delimiters.map(([, end]) => Patterns.escape(end)).join("|")}`
const anyEnd = new RegExp(endPattern, "i")

/** A thought that the model does not close ends with the model's turn. */
const skipThought: Skip = { end: new RegExp(`${endPattern}|${turnEndLookahead}`, "i"), maxEndLength: 40 }

/** The first end of a thought in a text; `length` in characters. */
export const firstEnd = (text: string): { readonly at: number; readonly length: number } | undefined => {
  const found = anyEnd.exec(text)
  return found === null ? undefined : { at: found.index, length: found[0].length }
}

export const rule: OutputRule = (place) => {
  const { isComplete, rest } = place
  const tag = tags.read(rest)
  if (tag?.kind === "begin") return match(tag.length, { skip: skipThought, isThought: true })
  if (tag !== undefined) return match(tag.length, { endsUnopenedThought: tag.kind === "end" })
  const start = rest.slice(0, 24).toLowerCase()
  for (const [begin, end] of delimiters) {
    if (start.startsWith(begin)) return match(begin.length, { skip: skipThought, isThought: true })
    if (start.startsWith(end)) return match(end.length, { endsUnopenedThought: true })
  }
  if (tags.isPart(rest)) return isComplete ? match(rest.length) : needsMore
  return rest.startsWith("<") || rest.startsWith("[") || rest.startsWith("◁") ? awaitAny(place, allDelimiters) : noMatch
}
