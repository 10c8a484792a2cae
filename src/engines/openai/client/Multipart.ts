/**
 * A form with one file, as `multipart/form-data` (RFC 7578). The body is one array, so its length is known and it can be sent again on
 * another connection.
 */
import { HttpBody } from "effect/http"

/** Separates the fields. No sound holds these 38 characters by chance. */
const boundary = "client-caller-7f3Qm9ZxT2vKd8LwBs5RyH1e"

const encoder = new TextEncoder()

/**
 * The body of a request. Undefined fields are left out. `write` writes the file's `length` bytes straight into the body, so the file is
 * never copied.
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
