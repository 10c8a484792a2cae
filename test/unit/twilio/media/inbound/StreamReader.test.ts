import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as StreamReader from "../../../../../src/twilio/media/inbound/StreamReader.ts"
import { accountSid, callSid, streamSid } from "../../../../support/conversation/Samples.ts"

const sid = streamSid()
const connected = { event: "connected", protocol: "Call", version: "1.0.0" }
const start = {
  event: "start",
  sequenceNumber: "1",
  start: { accountSid, callSid: callSid(), tracks: ["inbound"], mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 } },
  streamSid: sid
}
const media = (track = "inbound", stream: string = sid) => ({
  event: "media",
  sequenceNumber: "2",
  media: { track, chunk: "1", timestamp: "20", payload: "/w==" },
  streamSid: stream
})

const bytesOf = (message: object) => Buffer.from(JSON.stringify(message))

/** The event of a message that was taken, or the reason why it was rejected. */
const tagOf = (reader: StreamReader.StreamReader, message: object, isBinary = false): string =>
  Result.match(reader.read(bytesOf(message), isBinary), { onSuccess: ({ event }) => event, onFailure: ({ reason }) => reason })

const scans = (reader: StreamReader.StreamReader, message: object) => {
  const text = bytesOf(message)
  return reader.scan(text, 0, text.length) !== undefined
}

describe("the messages of a stream", () => {
  it("begin with connected and start", () => {
    const reader = StreamReader.make(true)
    assert.deepStrictEqual([connected, start, media()].map((message) => tagOf(reader, message)), ["connected", "start", "media"])
  })

  it("are rejected before the start, each with its reason", () => {
    const reader = StreamReader.make(true)
    assert.strictEqual(tagOf(reader, media()), "beforeStart")
    assert.strictEqual(tagOf(reader, { event: "later" }), "unknownEvent")
    assert.isFalse(scans(reader, media()))
  })

  it("are rejected after the start if they are another stream's, or come twice", () => {
    const reader = StreamReader.make(true)
    tagOf(reader, start)
    assert.deepStrictEqual([connected, start, media("inbound", streamSid(2)), media("outbound")].map((message) => tagOf(reader, message)), [
      "secondStart",
      "secondStart",
      "foreignStream",
      "outboundTrack"
    ])
    assert.strictEqual(tagOf(reader, media(), true), "binary")
  })

  it.each([true, false])("are scanned after the start only if scansMedia is set: %s", (scansMedia) => {
    const reader = StreamReader.make(scansMedia)
    tagOf(reader, start)
    assert.strictEqual(scans(reader, media()), scansMedia)
    assert.strictEqual(tagOf(reader, media()), "media")
  })
})
