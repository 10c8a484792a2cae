import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ReplyText from "../../../src/engines/openai/ReplyText.ts"

const readAll = (...pieces: ReadonlyArray<string>): ReadonlyArray<ReplyText.Piece> => {
  let reader = ReplyText.empty
  const all: Array<ReplyText.Piece> = []
  for (const piece of pieces) {
    const [next, found] = ReplyText.read(reader, piece)
    reader = next
    all.push(...found)
  }
  return [...all, ...ReplyText.end(reader)]
}

/** Text in one, markers in their signs. */
const shown = (pieces: ReadonlyArray<ReplyText.Piece>): string =>
  pieces.map((piece) => piece._tag === "Text" ? piece.text : piece._tag === "Marker" ? `[${piece.body}]` : "[?]").join("")

describe("what is written", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["plain text", "Hello. How are you?", "Hello. How are you?"],
    ["a line that acts", "Goodbye.\n<<hang_up>>\n", "Goodbye.\n[hang_up]\n"],
    ["two of them", "<<press:1>><<hang_up>>", "[press:1][hang_up]"],
    ["one sign at the end", "Bye <<hang_up> now", "Bye [hang_up] now"],
    ["one sign at both ends", "Bye <hang_up> now", "Bye [hang_up] now"],
    ["no sign at the end of the line", "Bye <<transfer:sales\nnow", "Bye [transfer:sales]\nnow"],
    ["no sign at the end of the reply", "Bye <<hang_up", "Bye [hang_up]"],
    ["signs inside of JSON", "<<call:find {\"a\":\">> \\\"} <<\",\n\"b\":{}}>> ok", "[call:find {\"a\":\">> \\\"} <<\",\n\"b\":{}}] ok"],
    ["no sign behind JSON", "<<call:find {\"a\":1} I look.", "[call:find {\"a\":1} ]I look."],
    ["JSON that does not end", "Hm. <<call:find {\"a\":\"", "Hm. [?]"],
    ["keys that may go on", "<<press:12", "[?]"],
    ["a beginning of nothing", "Hm. <<", "Hm. [?]"],
    ["less than", "1 < 2 and a<b <i>c</i>", "1 < 2 and a<b <i>c</i>"],
    ["less than at the end", "1 <", "1 <"],
    ["a thought", "<think>I <<hang_up>> or not</think>Yes.", "Yes."],
    ["a thought of Gemma 4", "<|channel>thought\nhm<channel|>Yes.", "Yes."],
    ["a thought of gpt-oss", "<|channel|>analysis<|message|>hm<|end|><|start|>Yes.", "Yes."],
    ["a thought that does not end", "Well. <think>I should", "Well. "],
    ["signs of a template, and what follows the end", "<bos>Yes.<|vision_pad|> No.<end_of_turn>\n<|im_end|> Not this<|eot_id|>", "Yes. No."],
    ["half a sign of a template", "Yes.<end_of", "Yes."]
  ]
  for (const [what, written, read] of cases) {
    it(`${what}, in one piece and letter by letter`, () => {
      assert.strictEqual(shown(readAll(written)), read)
      assert.strictEqual(shown(readAll(...written)), read)
    })
  }

  it("is spoken at once as far as it can only be text", () => {
    const [reader, pieces] = ReplyText.read(ReplyText.empty, "Hello there. ")
    assert.strictEqual(shown(pieces), "Hello there. ")
    assert.strictEqual(shown(ReplyText.read(reader, "a < b")[1]), "a < b")
    assert.strictEqual(shown(ReplyText.read(reader, "a <")[1]), "a ")
  })

  it("a line that is too long is given up, with all of it", () => {
    const long = `Hm. <<call:x {${"y".repeat(10_000)}}>> spoken`
    assert.strictEqual(shown(readAll(long)), "Hm. [?] spoken")
    assert.strictEqual(shown(readAll(...long)), "Hm. [?] spoken")
    assert.strictEqual(shown(readAll(long.slice(0, 9000))), "Hm. [?]")
  })

  const Fragment = Schema.Literals([
    "Hello", " ", "<", "<<", ">", ">>", "hang_up", "press:", "1", "call:x", "{", "}", "\"", "\\", "\n", "<think>", "</think>", "<end_of_turn>", "<|x", "|>"
  ])
  const Text = Schema.Array(Fragment).check(Schema.isMaxLength(14))

  it.prop("does not depend on where it is cut, and never speaks a line that acts", [Text, Schema.Array(Schema.Int)], ([fragments, cuts]) => {
    const text = fragments.join("")
    const places = [...new Set(cuts.map((cut) => Math.abs(cut) % (text.length + 1)))].sort((a, b) => a - b)
    const pieces = [0, ...places].map((place, at) => text.slice(place, places[at]))
    const whole = readAll(text)
    assert.strictEqual(shown(readAll(...pieces)), shown(whole))
    for (const piece of whole) if (piece._tag === "Text") assert.notMatch(piece.text, /<<|<hang_up|<think>|<end_of_turn>/)
  })
})
