/**
 * The messages that Twilio sends on one stream, in Twilio's order of fields and with one running sequence number.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages#send-messages-to-your-websocket-server
 */
import { Schema } from "effect"
import type { AccountSid, CallSid, StreamSid } from "../../../domain/Sid.ts"
import * as MediaMessage from "../../../twilio/media/MediaMessage.ts"
import { frameMillis } from "../../caller/Caller.ts"
import type { WebSocketClient } from "./WebSocketClient.ts"

/** The SIDs that identify a stream in its messages. */
export interface StreamIds {
  readonly accountSid: AccountSid
  readonly callSid: CallSid
  readonly streamSid: StreamSid
}

const { accountSid, ...otherStartFields } = MediaMessage.Start.fields.start.fields

/** `start` as Twilio sends it, with the stream's SID twice, and with the fields in Twilio's order. */
const encodeStart = Schema.encodeSync(Schema.fromJsonString(Schema.Struct({
  ...MediaMessage.Start.fields,
  start: Schema.Struct({ accountSid, streamSid: Schema.String, ...otherStartFields })
})))

/** Twilio's timestamps do not begin at zero. Captured streams began at 52, 102 or 155 ms. */
const firstTimestampMillis = 52

export class StreamMessages {
  readonly #wire: WebSocketClient
  readonly #ids: StreamIds
  #sequenceNumber = 0

  constructor(wire: WebSocketClient, ids: StreamIds) {
    this.#wire = wire
    this.#ids = ids
  }

  connected(): void {
    this.#wire.send(MediaMessage.encodeInbound({ event: "connected", protocol: "Call", version: "1.0.0" }))
  }

  start(parameters: Readonly<Record<string, string>>): void {
    const { accountSid, callSid, streamSid } = this.#ids
    this.#wire.send(encodeStart({
      event: "start",
      sequenceNumber: ++this.#sequenceNumber,
      start: {
        accountSid,
        streamSid,
        callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: parameters
      },
      streamSid
    }))
  }

  /** Sends the `chunk`-th frame of the stream, counted from 1. `payload`: 160 bytes of μ-law. */
  media(chunk: number, payload: Uint8Array): void {
    this.#wire.send(MediaMessage.encodeInbound({
      event: "media",
      sequenceNumber: ++this.#sequenceNumber,
      media: { track: "inbound", chunk, timestamp: firstTimestampMillis + (chunk - 1) * frameMillis, payload },
      streamSid: this.#ids.streamSid
    }))
  }

  mark(name: string): void {
    const { streamSid } = this.#ids
    this.#wire.send(MediaMessage.encodeInbound({
      event: "mark",
      sequenceNumber: ++this.#sequenceNumber,
      streamSid,
      mark: { name }
    }))
  }

  dtmf(digit: string): void {
    this.#wire.send(MediaMessage.encodeInbound({
      event: "dtmf",
      streamSid: this.#ids.streamSid,
      sequenceNumber: ++this.#sequenceNumber,
      // The schema checks that the digit is a telephone key.
      dtmf: { track: "inbound_track", digit: digit as "0" }
    }))
  }

  stop(): void {
    const { accountSid, callSid, streamSid } = this.#ids
    this.#wire.send(MediaMessage.encodeInbound({
      event: "stop",
      sequenceNumber: ++this.#sequenceNumber,
      streamSid,
      stop: { accountSid, callSid }
    }))
  }
}
