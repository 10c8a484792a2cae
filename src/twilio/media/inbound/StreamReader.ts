/**
 * Reads each message of one stream, in the order of the protocol: `connected`, `start`, then sound and control of that stream alone.
 *
 * `MediaScanner` reads the usual `media`, and the schemas read all other messages.
 */
import { Result } from "effect"
import type { StreamSid } from "../../../domain/Sid.ts"
import * as MediaScanner from "../codec/MediaScanner.ts"
import { decodeInbound, type Inbound, type Media, type MessageRejected, reject, type Rejection } from "../MediaMessage.ts"

/**
 * Why a message of a stream was rejected:
 * - `binary`: the message is a binary frame, but the protocol has only text frames;
 * - `beforeStart`: sound or control came before `start`;
 * - `secondStart`: `connected` or `start` came again;
 * - `foreignStream`: the message's `streamSid` is not that of `start`;
 * - `outboundTrack`: the message has sound that this service sent.
 */
export type StreamRejection = Rejection | "binary" | "beforeStart" | "secondStart" | "foreignStream" | "outboundTrack"

export interface StreamReader {
  /** Reads the text from `from` to before `end` if it is a usual `media`. `undefined`: it is another message. Use `read` for it. */
  readonly scan: (text: Buffer, from: number, end: number) => Media | undefined
  readonly read: (data: Buffer, isBinary: boolean) => Result.Result<Inbound, MessageRejected<StreamRejection>>
}

/** @param scansMedia false: `scan` reads no message, and the schemas decode every message */
export const make = (scansMedia: boolean): StreamReader => {
  let streamSid: StreamSid | undefined
  let scanner: MediaScanner.MediaScanner | undefined

  const checkOrder = (message: Inbound): Result.Result<Inbound, MessageRejected<StreamRejection>> => {
    if (streamSid === undefined) {
      if (message.event === "connected") return Result.succeed(message)
      if (message.event !== "start") return reject("beforeStart")
      streamSid = message.streamSid
      if (scansMedia) scanner = MediaScanner.make(streamSid)
      return Result.succeed(message)
    }
    if (message.event === "start" || message.event === "connected") return reject("secondStart")
    if (message.streamSid !== streamSid) return reject("foreignStream")
    if (message.event === "media" && message.media.track !== "inbound") return reject("outboundTrack")
    return Result.succeed(message)
  }

  return {
    scan: (text, from, end) => scanner === undefined ? undefined : scanner(text, from, end),
    read: (data, isBinary) => isBinary ? reject("binary") : Result.flatMap(decodeInbound(data.toString()), checkOrder)
  }
}
