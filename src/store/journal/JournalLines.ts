/**
 * The journal's lines: one write each, as JSON.
 */
import { Option, Schema } from "effect"
import type { Stamped } from "../writer/WriteQueue.ts"
import { StoreWrite } from "../StoreWrite.ts"

/** `at`: when the write was made. */
const Line = Schema.fromJsonString(Schema.Struct({ at: Schema.Number, write: StoreWrite }))

const decode = Schema.decodeUnknownOption(Line)

export const encode = ({ at, write }: Stamped): string => `${JSON.stringify({ at, write })}\n`

/** `None`: the line is damaged, such as the last line of a killed process. */
export const read = (line: string): Option.Option<Stamped> => decode(line)

/** The whole lines in a piece of the file, at most `most`. `length`: their bytes, line ends included. */
export const split = (bytes: Buffer, most: number): { readonly lines: ReadonlyArray<string>; readonly length: number } => {
  const lines: Array<string> = []
  let length = 0
  while (lines.length < most) {
    const end = bytes.indexOf(0x0a, length)
    if (end < 0) break
    lines.push(bytes.toString("utf8", length, end))
    length = end + 1
  }
  return { lines, length }
}
