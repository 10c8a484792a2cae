/**
 * Cursors: each says where a page of `GET /calls` begins. Its signature covers the filters of the list. So the API accepts only a cursor
 * that it issued itself, and only with the same filters.
 */
import { Option, Schema } from "effect"
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { Position } from "../../../store/history/CallFilters.ts"

/** Bytes of the signature. */
const signatureLength = 16

const Content = Schema.fromJsonString(Schema.Tuple([Schema.Number, Schema.String]))
const decodeContent = Schema.decodeUnknownOption(Content)

export interface Cursors {
  /** `filters`: a text that is equal for equal filters. */
  readonly write: (position: Position, filters: string) => string
  /** `None`: the API did not issue this cursor for these filters. */
  readonly read: (cursor: string, filters: string) => Option.Option<Position>
}

/** A cursor is valid in all processes that have the same secret. */
export const make = (secret: string): Cursors => {
  const key = createHash("sha256").update(`cursors of GET /calls ${secret}`).digest()
  const sign = (content: string, filters: string) => createHmac("sha256", key).update(`${content}\n${filters}`).digest().subarray(0, signatureLength)
  return {
    write: ({ callSid, startedAt }, filters) => {
      const content = JSON.stringify([startedAt, callSid])
      return Buffer.concat([sign(content, filters), Buffer.from(content)]).toString("base64url")
    },
    read: (cursor, filters) => {
      const bytes = Buffer.from(cursor, "base64url")
      if (bytes.length <= signatureLength || bytes.length > 200) return Option.none()
      const content = bytes.toString("utf8", signatureLength)
      if (!timingSafeEqual(bytes.subarray(0, signatureLength), sign(content, filters))) return Option.none()
      return Option.map(decodeContent(content), ([startedAt, callSid]) => ({ startedAt, callSid }))
    }
  }
}
