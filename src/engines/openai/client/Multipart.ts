/**
 * A form with one file, as `multipart/form-data` (RFC 7578), in one piece of memory: so that its length is known and
 * nothing of it is read again when a connection has to be opened anew.
 */
import { HttpBody } from "effect/http"

/** It would have to turn up in a sound by chance: 36 characters of this alphabet do not. */
const boundary = "client-caller-7f3Qm9ZxT2vKd8LwBs5RyH1e"

const encoder = new TextEncoder()

/**
 * Values are text without a line break at their ends; what is undefined is left out. The file is written by `write` into
 * the bytes that it gets, which are `length`: it is the largest part, and is put together only here.
 */
export const encode = (
  fields: Readonly<Record<string, string | undefined>>,
  file: {
    readonly field: string
    readonly name: string
    readonly type: string
    readonly length: number
    readonly write: (bytes: Uint8Array) => void
  }
): HttpBody.Uint8Array => {
  const head = encoder.encode(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join("")
      + `--${boundary}\r\nContent-Disposition: form-data; name="${file.field}"; filename="${file.name}"\r\n`
      + `Content-Type: ${file.type}\r\n\r\n`
  )
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`)
  const body = new Uint8Array(head.length + file.length + tail.length)
  body.set(head)
  file.write(body.subarray(head.length, head.length + file.length))
  body.set(tail, head.length + file.length)
  return HttpBody.uint8Array(body, `multipart/form-data; boundary=${boundary}`)
}
