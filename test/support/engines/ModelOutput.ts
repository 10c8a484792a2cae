/** Parses a model's output, in one piece or in many, and shows its spoken text and its actions. */
import * as ModelOutputParser from "../../../src/engines/openai/chat/output/ModelOutputParser.ts"
import type { OutputPiece } from "../../../src/engines/openai/chat/output/OutputRule.ts"
import * as KnownTools from "../../../src/engines/openai/chat/output/calls/KnownTools.ts"

const tool = (name: string, properties: object) => ({
  type: "function" as const,
  function: { name, description: "", parameters: { type: "object", properties } }
})

export const tools = KnownTools.make([
  tool("hang_up", {}),
  tool("transfer", { to: { type: "string" } }),
  tool("press_keys", { keys: { type: "string" } }),
  tool("book_table", { day: { type: "string" }, people: { type: "integer" }, outside: { type: "boolean" } })
])

export const parseAll = (
  texts: ReadonlyArray<string>,
  options: Partial<ModelOutputParser.ParserOptions> = {}
): { readonly pieces: ReadonlyArray<OutputPiece>; readonly state: ModelOutputParser.ParserState } => {
  let state = ModelOutputParser.make({ tools, ...options })
  const pieces: Array<OutputPiece> = []
  for (const text of texts) {
    const [next, found] = ModelOutputParser.read(state, text)
    state = next
    pieces.push(...found)
  }
  return { pieces: [...pieces, ...ModelOutputParser.finish(state)[1]], state }
}

export const readAll = (texts: ReadonlyArray<string>): ReadonlyArray<OutputPiece> => parseAll(texts).pieces

export const spokenOf = (pieces: ReadonlyArray<OutputPiece>): string => pieces.map((piece) => piece._tag === "Text" ? piece.text : "").join("")

/** The actions, and `dropped` for calls that are neither spoken nor done. */
export const doneOf = (pieces: ReadonlyArray<OutputPiece>): ReadonlyArray<string> =>
  pieces.flatMap((piece) => {
    switch (piece._tag) {
      case "Text":
        return []
      case "Call":
        return [`${piece.name} ${piece.arguments}`]
      case "DroppedCall":
        return ["dropped"]
      case "ActionLine":
        return [piece.body]
      case "BrokenLine":
        return ["broken"]
    }
  })

/** All ways to cut a text in two, and the text in pieces of one and of three characters. */
export const cuts = (text: string): ReadonlyArray<ReadonlyArray<string>> => [
  [...text],
  text.match(/[^]{1,3}/gu) ?? [],
  ...Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)])
]

/** Text as it is and actions in braces, so that results can be compared whatever the pieces were. */
export const shown = (pieces: ReadonlyArray<OutputPiece>): string =>
  pieces.map((piece) => piece._tag === "Text" ? piece.text : `{${doneOf([piece]).join()}}`).join("")
