/**
 * The journal's lines. A line is one write as JSON. When a write is erased, its line keeps its length, but holds only the SID of the call and
 * spaces.
 */
import { Option, Schema } from "effect"
import { CallSid } from "../../domain/Sid.ts"
import type { Stamped } from "../writer/WriteQueue.ts"
import { StoreWrite } from "../StoreWrite.ts"

/** `Damaged`: the line is not a whole write. For example, the process was killed, or its disk was full. */
export type JournalLine =
  | { readonly _tag: "Write"; readonly write: Stamped }
  | { readonly _tag: "Erased"; readonly callSid: CallSid }
  | { readonly _tag: "Damaged" }

/** `at`: when the write was made. */
const decodeWrite = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ at: Schema.Number, write: StoreWrite })))
const decodeErased = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ erased: CallSid })))

export const encode = ({ at, write }: Stamped): string => `${JSON.stringify({ at, write })}\n`

export const read = (line: string): JournalLine =>
  Option.match(decodeWrite(line), {
    onSome: (write): JournalLine => ({ _tag: "Write", write }),
    onNone: () => Option.match(decodeErased(line), {
      onSome: ({ erased: callSid }): JournalLine => ({ _tag: "Erased", callSid }),
      onNone: () => ({ _tag: "Damaged" })
    })
  })

/**
 * Overwrites the lines of one call. `bytes` has whole lines, but the last one may lack its line end. Damaged lines with the call's SID
 * become blank.
 */
export const erase = (bytes: Buffer, callSid: string): void => {
  for (let from = bytes.indexOf(callSid); from >= 0;) {
    const start = bytes.lastIndexOf(0x0a, from) + 1
    const newline = bytes.indexOf(0x0a, from)
    const end = newline < 0 ? bytes.length : newline
    const line = read(bytes.toString("utf8", start, end))
    if (line._tag === "Damaged" || (line._tag === "Write" && line.write.write.callSid === callSid)) {
      bytes.fill(0x20, start, end)
      const marker = JSON.stringify({ erased: callSid })
      if (line._tag === "Write" && marker.length <= end - start) bytes.write(marker, start)
    }
    from = bytes.indexOf(callSid, end)
  }
}

/** The whole lines in a piece of the file, at most `maxLines`. `length`: how many bytes they have, line ends included. */
export const split = (bytes: Buffer, maxLines: number): { readonly lines: ReadonlyArray<string>; readonly length: number } => {
  const lines: Array<string> = []
  let length = 0
  while (lines.length < maxLines) {
    const end = bytes.indexOf(0x0a, length)
    if (end < 0) break
    lines.push(bytes.toString("utf8", length, end))
    length = end + 1
  }
  return { lines, length }
}
