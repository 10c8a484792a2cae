/**
 * What a model thinks aloud before it answers, by the signs around it. It is never spoken.
 *
 * - `<think>…</think>` and its like: DeepSeek, Qwen, GLM, Hunyuan and many; with an attribute or a prefix (`<seed:think>`);
 * - `[THINK]…[/THINK]`: Mistral; `◁think▷…◁/think▷`: Kimi;
 * - `<|START_THINKING|>…<|END_THINKING|>`: Cohere; `<|begin_of_thought|>`: Sky-T1; `<unused94>thought…<unused95>`: MedGemma;
 * - `<|channel>thought…<channel|>`: Gemma 4.
 *
 * A template may open the thought in the prompt, so that only its end is seen; see `UnopenedThought`.
 */
import { RegExp as Patterns } from "effect"
import { beforeTurnEnd, nothing, type OutputRule, type Skip, taken, wait, waitFor } from "./OutputRule.ts"
import * as Tags from "./Tags.ts"

const words = [
  "think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "reflect", "scratchpad", "analysis", "antthinking",
  "inner_thought", "inner_thoughts", "inner_monologue", "internal_monologue", "internal_thought", "chain_of_thought", "cot", "planning"
]

const tags = Tags.make(words)

const fixed: ReadonlyArray<readonly [begin: string, end: string]> = [
  ["[think]", "[/think]"],
  ["◁think▷", "◁/think▷"],
  ["<|start_thinking|>", "<|end_thinking|>"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["<|think|>", "<|/think|>"],
  ["<unused94>", "<unused95>"],
  ["<|channel>thought", "<channel|>"]
]

const signs = fixed.flat()

/** An end of any dialect: models mix them. */
const endings = `</(?:[a-z]{1,12}:)?(?:${words.join("|")})>|${fixed.map(([, end]) => Patterns.escape(end)).join("|")}`
const anyEnd = new RegExp(endings, "i")

/** A thought that is not closed is over with the turn. */
const skipped: Skip = { end: new RegExp(`${endings}|${beforeTurnEnd}`, "i"), longest: 40 }

/** The first end of a thought in a text whose beginning was in the prompt. */
export const loneEnd = (text: string): { readonly at: number; readonly length: number } | undefined => {
  const found = anyEnd.exec(text)
  return found === null ? undefined : { at: found.index, length: found[0].length }
}

export const rule: OutputRule = {
  name: "thought",
  look: (place) => {
    const { isLast, rest } = place
    const tag = tags.read(rest)
    if (tag?.kind === "begin") return taken(tag.length, { skip: skipped, isThought: true })
    if (tag !== undefined) return taken(tag.length, { isLoneEnd: tag.kind === "end" })
    const start = rest.slice(0, 24).toLowerCase()
    for (const [begin, end] of fixed) {
      if (start.startsWith(begin)) return taken(begin.length, { skip: skipped, isThought: true })
      if (start.startsWith(end)) return taken(end.length, { isLoneEnd: true })
    }
    if (tags.isPart(rest)) return isLast ? taken(rest.length) : wait
    return rest.startsWith("<") || rest.startsWith("[") || rest.startsWith("◁") ? waitFor(place, signs) : nothing
  }
}
