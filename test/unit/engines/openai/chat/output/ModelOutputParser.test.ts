import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ModelOutputParser from "../../../../../../src/engines/openai/chat/output/ModelOutputParser.ts"
import type { OutputPiece } from "../../../../../../src/engines/openai/chat/output/OutputRule.ts"
import * as KnownTools from "../../../../../../src/engines/openai/chat/output/calls/KnownTools.ts"
import { cuts, parseAll } from "../../../../../support/engines/ModelOutput.ts"

const readAll = (...texts: ReadonlyArray<string>) => parseAll(texts).pieces

/** A parser of an agent without tools. */
const withoutTools = ModelOutputParser.make({ tools: KnownTools.make([]) })

/** All pieces as one text; actions and calls in brackets. */
const shown = (pieces: ReadonlyArray<OutputPiece>): string =>
  pieces.map((piece) => piece._tag === "Text" ? piece.text : piece._tag === "ActionLine" ? `[${piece.body}]` : piece._tag === "Call" ? `{${piece.name} ${piece.arguments}}` : "[?]").join("")

describe("the model's text", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["plain text", "Hello. How are you?", "Hello. How are you?"],
    ["an action line", "Goodbye.\n<<hang_up>>\n", "Goodbye.\n[hang_up]\n"],
    ["two action lines", "<<press:1>><<hang_up>>", "[press:1][hang_up]"],
    ["one `>` at the end", "Bye <<hang_up> now", "Bye [hang_up] now"],
    ["one `<` and one `>`", "Bye <hang_up> now", "Bye [hang_up] now"],
    ["no `>` at the end of the line", "Bye <<transfer:sales\nnow", "Bye [transfer:sales]\nnow"],
    ["no `>` at the end of the reply", "Bye <<hang_up", "Bye [hang_up]"],
    ["`<<` and `>>` inside of JSON", "<<call:find {\"a\":\">> \\\"} <<\",\n\"b\":{}}>> ok", "[call:find {\"a\":\">> \\\"} <<\",\n\"b\":{}}] ok"],
    ["no `>` after JSON", "<<call:find {\"a\":1} I look.", "[call:find {\"a\":1} ]I look."],
    ["JSON that does not end", "Hm. <<call:find {\"a\":\"", "Hm. [?]"],
    ["keys that may go on", "<<press:12", "[?]"],
    ["`<<` without an action", "Hm. <<", "Hm. [?]"],
    ["the less-than sign", "1 < 2 and a<b <i>c</i>", "1 < 2 and a<b <i>c</i>"],
    ["the less-than sign at the end", "1 <", "1 <"],
    ["a thought", "<think>I <<hang_up>> or not</think>Yes.", "Yes."],
    ["a thought of Gemma 4", "<|channel>thought\nhm<channel|>Yes.", "Yes."],
    ["a thought of gpt-oss", "<|channel|>analysis<|message|>hm<|end|><|start|>Yes.", "Yes."],
    ["a thought that does not end", "Well. <think>I should", "Well. "],
    ["template tokens, and text after the end of the turn", "<bos>Yes.<|vision_pad|> No.<end_of_turn>\n<|im_end|> Not this<|eot_id|>", "Yes. No."],
    ["half a template token", "Yes.<end_of", "Yes."]
  ]
  for (const [what, written, read] of cases) {
    it(`is read in one piece and letter by letter: ${what}`, () => {
      assert.strictEqual(shown(readAll(written)), read)
      assert.strictEqual(shown(readAll(...written)), read)
    })
  }

  const ends: ReadonlyArray<readonly [string, string, string]> = [
    ["Qwen's", "We open at nine.<|im_end|>\n<|im_start|>user\nAnd on Sunday?", "We open at nine."],
    ["Gemma's", "We open at nine.<end_of_turn>\n<start_of_turn>user\nAnd?", "We open at nine."],
    ["Gemma 4's", "We open at nine.<turn|>\n<|turn>user\nAnd?", "We open at nine."],
    ["Llama 3's", "We open at nine.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nYes?", "We open at nine."],
    ["Llama 3's without the tokens", "We open at nine.assistant\n\nWe open at nine.", "We open at nine."],
    ["Llama 2's and Mistral's", "We open at nine.</s> [INST] And? [/INST]", "We open at nine."],
    ["Mistral's next turn", "We open at nine. [INST] And? [/INST]", "We open at nine."],
    ["Phi's", "We open at nine.<|end|><|user|>And?", "We open at nine."],
    ["Phi's next turn", "We open at nine.<|user|>\nAnd?", "We open at nine."],
    ["GLM's", "We open at nine.<|user|>", "We open at nine."],
    ["GPT's", "We open at nine.<|endoftext|>Human: And?", "We open at nine."],
    ["DeepSeek's", "We open at nine.<｜end▁of▁sentence｜><｜User｜>And?", "We open at nine."],
    ["Cohere's", "We open at nine.<|END_OF_TURN_TOKEN|>user", "We open at nine."],
    ["Granite's", "We open at nine.<|end_of_text|>user", "We open at nine."],
    ["harmony's", "<|channel|>final<|message|>We open at nine.<|return|>user", "We open at nine."],
    ["harmony's in the middle", "We open at nine.<|end|><|start|>assistant<|channel|>final<|message|>Again.", "We open at nine."],
    ["harmony's without the tokens", "We open at nine.assistantfinalWe open at nine.", "We open at nine."],
    ["harmony's next turn", "<|start|>assistant<|channel|>final<|message|>We open.<|end|><|start|>user<|message|>And?", "We open."],
    ["a role alone on its line", "We open at nine.\nuser\nAnd on Sunday?", "We open at nine."],
    ["a role as the last word", "We open at nine.\nmodel", "We open at nine."],
    ["a role that is a word", "Which user\nare you? A model\nis a model.", "Which user\nare you? A model\nis a model."],
    ["half a token", "We open at nine.<|im_e", "We open at nine."],
    ["an end at the beginning", "<|im_end|>\n<|im_start|>user\nHi", ""]
  ]
  for (const [what, written, spoken] of ends) {
    it(`ends with the turn, and text after it is not spoken: ${what}`, () => {
      assert.strictEqual(shown(readAll(written)).trim(), spoken)
      for (const pieces of cuts(written)) assert.strictEqual(shown(readAll(...pieces)).trim(), spoken)
    })
  }

  for (const header of ["<start_of_turn>model\n", "<|im_start|>assistant\n", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|assistant|>\n", "<|turn>model\n", "assistant\n\n", "<｜Assistant｜>", "<|start_of_role|>assistant<|end_of_role|>"]) {
    it(`is spoken without the head of its own turn: ${header.trim()}`, () => {
      assert.strictEqual(shown(readAll(`${header}We open.`)).trim(), "We open.")
      for (const pieces of cuts(`${header}We open.`)) assert.strictEqual(shown(readAll(...pieces)).trim(), "We open.")
    })
  }

  const thoughts: ReadonlyArray<readonly [string, string]> = [
    ["<think>\nThe caller <<hang_up>> {\"name\":\"x\"}\n</think>\n\n", "DeepSeek and Qwen"],
    ["<think></think>", "an empty thought"],
    ["<think/>", "an empty tag"],
    ["<think>a</thinking>", "the end tag of another format"],
    ["<thinking>hm</thinking>", "thinking"],
    ["<thought>hm</thought>", "thought"],
    ["<reasoning>hm</reasoning>", "reasoning"],
    ["<reasoning effort=\"low\">hm</reasoning>", "an attribute"],
    ["<Reflection>hm</Reflection>", "in capitals"],
    ["<seed:think>hm</seed:think>", "Seed"],
    ["[THINK]hm[/THINK]", "Mistral"],
    ["◁think▷hm◁/think▷", "Kimi"],
    ["<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>", "Cohere"],
    ["<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>", "Sky-T1"],
    ["<unused94>thought\nhm<unused95>", "MedGemma"],
    ["<|channel>thought\nhm<channel|>", "Gemma 4"],
    ["<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>", "gpt-oss"],
    ["analysisThe user asks for the hours. We answer.assistantfinal", "gpt-oss without its tokens"],
    ["Okay, the user is asking for the hours. I should answer.\n</think>\n\n", "only its end, and it begins as thoughts do"],
    ["The caller wants bread.</think>", "only its end, of a caller"],
    ["<think>hm</think><answer>", "an answer in tags"]
  ]
  for (const [thought, what] of thoughts) {
    it(`is spoken without its thought: ${what}`, () => {
      assert.strictEqual(shown(readAll(`${thought}We open at nine.`)).trim(), "We open at nine.")
      for (const pieces of cuts(`${thought}We open at nine.`)) assert.strictEqual(shown(readAll(...pieces)).trim(), "We open at nine.")
    })
  }

  it("is spoken at its end if it only begins like a thought", () => {
    const text = "The user manual is on our page. Anything else?"
    assert.strictEqual(shown(readAll(...text)), text)
    // If the limit cuts it off, it counts as a thought.
    const [reader] = ModelOutputParser.read(withoutTools, text)
    assert.deepStrictEqual([ModelOutputParser.finish(reader, true)[1], ModelOutputParser.finish(reader, true)[0].hasThought], [[], true])
  })

  it("is a thought up to a lone end tag if the model is known for that", () => {
    const { pieces, state } = parseAll([..."It is Friday.\nSo we are open.</think>\nYes."], { holdsStart: true })
    assert.strictEqual(shown(pieces), "\nYes.")
    assert.isTrue(state.hasUnopenedThought)
  })

  it("is spoken at once if it can't become anything but words", () => {
    const [reader, pieces] = ModelOutputParser.read(withoutTools, "Hello there. ")
    assert.strictEqual(shown(pieces), "Hello there. ")
    assert.strictEqual(shown(ModelOutputParser.read(reader, "a < b")[1]), "a < b")
    assert.strictEqual(shown(ModelOutputParser.read(reader, "a <")[1]), "a ")
    // Ordinary text is spoken as soon as it arrives, except a word that may become a tool's name.
    let held = 0
    let current = withoutTools
    const text = "Certainly, we open at nine [on Sundays, too], and {that} is about it. "
    for (let at = 0; at < text.length; at += 3) {
      const [next] = ModelOutputParser.read(current, text.slice(at, at + 3))
      current = next
      held = Math.max(held, next.held.length)
    }
    assert.isAtMost(held, 3)
  })

  it("drops an action line that is too long", () => {
    const long = `Hm. <<call:x {${"y".repeat(10_000)}}>> spoken`
    assert.strictEqual(shown(readAll(long)), "Hm. [?] spoken")
    assert.strictEqual(shown(readAll(...long)), "Hm. [?] spoken")
    assert.strictEqual(shown(readAll(long.slice(0, 9000))), "Hm. [?]")
  })

  const Fragment = Schema.Literals([
    "Hello", "The user ", ". ", "[", "]", "(", ")", "=", "```", "tool_code", "json", "name", "arguments", ":", ",", "'", "{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\"}}",
    "transfer", "(to=\"billing\")", "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<function=transfer>", "</function>", "<parameter=to>", "</parameter>",
    "<arg_key>", "</arg_key>", "<|channel|>", "analysis", "commentary", "final", "<|message|>", "<|start|>", "assistant", "user", "<|call|>", "<|end|>", "to=functions.", "[THINK]",
    "[/THINK]", "◁think▷", "</s>", "<s>", "<|im_end|>", "functools[", " ", "<", "<<", ">", ">>", "hang_up", "press:", "1", "call:x", "{", "}", "\"", "\\", "\n", "<think>", "</think>", "<end_of_turn>", "<|x", "|>"
  ])
  const Text = Schema.Array(Fragment).check(Schema.isMaxLength(10))

  it.prop("gives the same pieces wherever it is cut, and never speaks an action line", [Text, Schema.Array(Schema.Int)], ([fragments, cuts]) => {
    const text = fragments.join("")
    const places = [...new Set(cuts.map((cut) => Math.abs(cut) % (text.length + 1)))].sort((a, b) => a - b)
    const pieces = [0, ...places].map((place, at) => text.slice(place, places[at]))
    const whole = readAll(text)
    assert.strictEqual(shown(readAll(...pieces)), shown(whole))
    for (const piece of whole) if (piece._tag === "Text") assert.notMatch(piece.text, /<<|<hang_up|<think>|<end_of_turn>|<tool_call>|\[TOOL_CALLS\]|<\|python_tag|◁think|\bto=functions\.[a-z]/)
  })
})
