/**
 * The header `Range` with one range of bytes (RFC 9110, section 14). A header that can't be read is ignored: all bytes are sent.
 */

/** The bytes from `from` to before `to`. */
interface ByteRange {
  readonly from: number
  readonly to: number
}

const form = /^bytes=(\d*)-(\d*)$/i

/** The range in a header. `"all"`: the header has no readable range. `"none"`: the file of `length` bytes has no bytes in this range. */
export const read = (header: string | undefined, length: number): ByteRange | "all" | "none" => {
  const match = form.exec(header?.trim() ?? "")
  const [, first = "", last = ""] = match ?? []
  if (match === null || (first === "" && last === "")) return "all"
  if (first === "") return Number(last) === 0 ? "none" : { from: Math.max(0, length - Number(last)), to: length }
  const range = { from: Number(first), to: last === "" ? length : Math.min(length, Number(last) + 1) }
  if (last !== "" && Number(last) < Number(first)) return "all"
  return range.from >= length ? "none" : range
}
