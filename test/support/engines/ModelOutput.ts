/** Reads a text as a reply, in one piece or in many, and shows what became of it. */
import * as ModelOutputParser from "../../../src/engines/openai/chat/output/ModelOutputParser.ts"
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

export const readAll = (pieces: ReadonlyArray<string>, holdsStart = false): ReadonlyArray<ModelOutputParser.Piece> => {
  let reader = ModelOutputParser.make({ tools, holdsStart })
  const all: Array<ModelOutputParser.Piece> = []
  for (const piece of pieces) {
    const [next, found] = ModelOutputParser.read(reader, piece)
    reader = next
    all.push(...found)
  }
  return [...all, ...ModelOutputParser.end(reader)]
}

/** What is spoken, in one. */
export const spokenOf = (pieces: ReadonlyArray<ModelOutputParser.Piece>): string =>
  pieces.map((piece) => piece._tag === "Text" ? piece.text : "").join("")

/** What is done, and `dropped` for what is neither spoken nor done. */
export const doneOf = (pieces: ReadonlyArray<ModelOutputParser.Piece>): ReadonlyArray<string> =>
  pieces.flatMap((piece) =>
    piece._tag === "Call" ? [`${piece.name} ${piece.arguments}`] : piece._tag === "Dropped" ? ["dropped"] : piece._tag === "Marker" ? [piece.body] : []
  )

/** All ways to cut a text in two, letter by letter, and by three. */
export const cuts = (text: string): ReadonlyArray<ReadonlyArray<string>> => [
  [...text],
  text.match(/[^]{1,3}/gu) ?? [],
  ...Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)])
]

/** In one, as it does not matter where text is cut. */
export const shown = (pieces: ReadonlyArray<ModelOutputParser.Piece>): string =>
  pieces.map((piece) => piece._tag === "Text" ? piece.text : `{${doneOf([piece]).join()}}`).join("")
