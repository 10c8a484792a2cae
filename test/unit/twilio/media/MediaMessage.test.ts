import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { CallSid, StreamSid } from "../../../../src/domain/Sid.ts"
import * as MediaMessage from "../../../../src/twilio/media/MediaMessage.ts"
import { accountSid, callSid, streamSid } from "../../../support/conversation/Samples.ts"

const { decodeInbound, decodeOutbound, encodeInbound, encodeOutbound } = MediaMessage

const sid = streamSid()
const call = callSid()

/** Messages as Twilio writes them, one text frame each. */
const connected = `{"event":"connected","protocol":"Call","version":"1.0.0"}`
const start =
  `{"event":"start","sequenceNumber":"1","start":{"accountSid":"${accountSid}","streamSid":"${sid}",` +
  `"callSid":"${call}","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},` +
  `"customParameters":{"token":"abc"}},"streamSid":"${sid}"}`
const payload = Buffer.from(Array.from({ length: 160 }, (_, index) => index)).toString("base64")
const media =
  `{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"52","payload":"${payload}"},"streamSid":"${sid}"}`
const dtmf =
  `{"event":"dtmf","streamSid":"${sid}","sequenceNumber":"9","dtmf":{"track":"inbound_track","digit":"5"}}`
const mark = `{"event":"mark","sequenceNumber":"10","streamSid":"${sid}","mark":{"name":"turn-1/seg-0"}}`
const stop = `{"event":"stop","sequenceNumber":"11","streamSid":"${sid}","stop":{"accountSid":"${accountSid}","callSid":"${call}"}}`

const inbound = (text: string) => Result.getOrThrow(decodeInbound(text))
const rejection = (text: string) => Result.getOrUndefined(Result.flip(decodeInbound(text)))?.reason
const outboundRejection = (text: string) => Result.getOrUndefined(Result.flip(decodeOutbound(text)))?.reason

/** `text` with the field at `path` replaced, or taken away when `value` is `undefined`. */
const changed = (text: string, path: string, value: unknown): string => {
  const message = JSON.parse(text)
  const keys = path.split(".")
  const last = keys.pop()!
  const parent = keys.reduce((at, key) => at[key], message)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(message)
}

const withPayload = (text: string) => changed(media, "media.payload", text)

describe("what Twilio sends", () => {
  it("decodes connected", () => {
    assert.deepStrictEqual(inbound(connected), { event: "connected", protocol: "Call", version: "1.0.0" })
    assert.strictEqual(inbound(changed(connected, "version", "0.2.0")).event, "connected")
  })

  it("decodes start", () => {
    assert.deepStrictEqual(inbound(start), {
      event: "start",
      sequenceNumber: 1,
      start: {
        accountSid,
        callSid: call,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: { token: "abc" }
      },
      streamSid: sid
    } as unknown as MediaMessage.Inbound)
  })

  it("decodes the start of 2019, without custom parameters", () => {
    const message = inbound(changed(start, "start.customParameters", undefined))
    assert.deepStrictEqual(message.event === "start" && message.start.customParameters, {})
  })

  it("decodes a start without the inner streamSid, and uses the outer one", () => {
    const message = inbound(changed(start, "start.streamSid", undefined))
    assert.strictEqual(message.event === "start" && message.streamSid, sid)
  })

  it("decodes media, with numbers where Twilio has strings, and bytes", () => {
    const message = inbound(media)
    assert.isTrue(message.event === "media")
    if (message.event !== "media") return
    assert.strictEqual(message.sequenceNumber, 2)
    assert.strictEqual(message.media.chunk, 1)
    assert.strictEqual(message.media.timestamp, 52)
    assert.strictEqual(message.media.track, "inbound")
    assert.deepStrictEqual([...message.media.payload], Array.from({ length: 160 }, (_, index) => index))
  })

  it("decodes dtmf, mark and stop", () => {
    assert.deepStrictEqual(inbound(dtmf), {
      event: "dtmf",
      sequenceNumber: 9,
      streamSid: sid,
      dtmf: { track: "inbound_track", digit: "5" }
    })
    assert.deepStrictEqual(inbound(mark), {
      event: "mark",
      sequenceNumber: 10,
      streamSid: sid,
      mark: { name: "turn-1/seg-0" }
    })
    assert.deepStrictEqual(inbound(stop), {
      event: "stop",
      sequenceNumber: 11,
      streamSid: sid,
      stop: { accountSid, callSid: call }
    } as unknown as MediaMessage.Inbound)
  })

  it("decodes every key of a telephone, and no other digit", () => {
    for (const digit of "0123456789*#ABCD") {
      const message = inbound(changed(dtmf, "dtmf.digit", digit))
      assert.strictEqual<unknown>(message.event === "dtmf" && message.dtmf.digit, digit)
    }
    for (const digit of ["E", "", "12", 5]) assert.strictEqual(rejection(changed(dtmf, "dtmf.digit", digit)), "wrongShape")
  })

  it("ignores fields that it does not know, wherever they are", () => {
    for (const text of [connected, start, media, dtmf, mark, stop]) {
      const message = JSON.parse(text)
      const inner = message[message.event]
      // The service reads nothing of the body of `stop`, so the body is left as it is.
      const isRead = inner !== undefined && message.event !== "stop"
      const more = JSON.stringify({ ...message, later: 1, ...isRead && { [message.event]: { ...inner, later: {} } } })
      assert.deepStrictEqual(inbound(more), inbound(text))
    }
  })

  it.each([0, 1, 2, 3, 159, 160, 161, 320, 8000])("takes a payload of %i bytes", (length) => {
    const message = inbound(withPayload(Buffer.alloc(length, 0x7f).toString("base64")))
    assert.strictEqual(message.event === "media" && message.media.payload.length, length)
  })
})

describe("a message that Twilio has changed", () => {
  it.each([
    ["a number", 7, 7],
    ["a string with zeros before", "007", 7],
    ["no number", "seven", Number.NaN],
    ["a number below zero", "-7", Number.NaN],
    ["half a number", "7.5", Number.NaN],
    ["a number that no double holds exactly", "9".repeat(30), Number.NaN],
    ["infinity", "1e400", Number.NaN],
    ["an empty text", "", Number.NaN],
    ["null", null, Number.NaN],
    ["an object", {}, Number.NaN],
    ["nothing", undefined, Number.NaN]
  ])("is read, whatever its counters are: %s", (_, value, read) => {
    for (const path of ["sequenceNumber", "media.chunk", "media.timestamp"]) {
      const message = inbound(changed(media, path, value))
      assert.isTrue(message.event === "media")
      if (message.event !== "media") continue
      const counters = { sequenceNumber: message.sequenceNumber, "media.chunk": message.media.chunk, "media.timestamp": message.media.timestamp }
      assert.deepStrictEqual(counters, { sequenceNumber: 2, "media.chunk": 1, "media.timestamp": 52, [path]: read })
      assert.strictEqual(message.media.payload.length, 160)
    }
    for (const text of [start, dtmf, mark, stop]) assert.isUndefined(rejection(changed(text, "sequenceNumber", value)))
  })

  it.each([
    [connected, "protocol"],
    [connected, "version"],
    [start, "start.tracks"],
    [start, "start.mediaFormat"],
    [start, "start.mediaFormat.sampleRate"],
    [dtmf, "dtmf.track"],
    [stop, "stop"],
    [stop, "stop.callSid"]
  ])("is read, although a field that the service does not need is missing or other: %s, %s", (text, path) => {
    for (const value of [undefined, null, 1, "8000", [], {}]) assert.isUndefined(rejection(changed(text, path, value)))
  })

  it("without a track has the caller's sound", () => {
    const message = inbound(changed(media, "media.track", undefined))
    assert.strictEqual(message.event === "media" && message.media.track, "inbound")
  })
})

describe("a text that is not a message", () => {
  it.each([
    ["nothing", ""],
    ["words", "hello"],
    ["half a message", media.slice(0, -1)],
    ["two messages in one frame", media + media],
    ["a lone surrogate of a cut character", "{\"event\":\"connected\ud83d"]
  ])("is rejected as not JSON: %s", (_, text) => assert.strictEqual(rejection(text), "notJson"))

  it.each(["[]", `[${media}]`, "null", "1", "true", "\"media\"", "{}", `{"event":1}`, `{"event":null}`, `{"event":["media"]}`])(
    "is rejected for its shape: %s",
    (text) => {
      assert.strictEqual(rejection(text), "wrongShape")
      assert.strictEqual(outboundRejection(text), "wrongShape")
    }
  )

  it.each(["", "Media", "media ", "clear", "toString", "__proto__", "constructor"])(
    "is rejected as an unknown event: %j",
    (event) => assert.strictEqual(rejection(JSON.stringify({ event })), "unknownEvent")
  )

  it.each([
    ["an unknown track", media, "media.track", "sideways"],
    ["no payload", media, "media.payload", undefined],
    ["bytes as an array", media, "media.payload", [1, 2]],
    ["no media", media, "media", undefined],
    ["media that is null", media, "media", null],
    ["an invalid stream SID", media, "streamSid", "MZ1"],
    ["the SID of a call for the stream's", media, "streamSid", callSid()],
    ["no stream", media, "streamSid", undefined],
    ["an invalid call SID", start, "start.callSid", "../../etc"],
    ["an invalid account SID", start, "start.accountSid", ""],
    ["a custom parameter that is not a string", start, "start.customParameters", { token: 1 }],
    ["custom parameters as a list", start, "start.customParameters", ["token"]],
    ["a mark's name that is not a string", mark, "mark.name", 1],
    ["a mark without a name", mark, "mark", {}]
  ] as const)("is rejected for its shape with %s", (_, text, path, value) => {
    assert.strictEqual(rejection(changed(text, path, value)), "wrongShape")
  })

  it.each([
    ["a wrong length", payload.slice(1)],
    ["one character alone", "A"],
    ["no padding", "QQ"],
    ["too much padding", "QQ==="],
    ["padding in the middle", "QQ==QQ=="],
    ["padding alone", "===="],
    ["a character that is not base64", `!${payload.slice(1)}`],
    ["four characters that are not base64", `!!!!${payload}`],
    ["the other alphabet's dash", `-${payload.slice(1)}`],
    ["the other alphabet's underscore", `_${payload.slice(1)}`],
    ["a line break", `${payload.slice(0, 76)}\n${payload.slice(76)}`],
    ["line breaks that make up a multiple of four", `${payload.slice(0, 76)}\r\n\r\n${payload.slice(76)}`],
    ["a space before", ` ${payload.slice(1)}`],
    ["letters beyond ASCII", `ÄÄÄÄ${payload}`]
  ])("is rejected for its shape with a payload that has %s", (_, text) => {
    assert.strictEqual(rejection(withPayload(text)), "wrongShape")
    assert.strictEqual(outboundRejection(changed(media, "media", { payload: text })), "wrongShape")
  })
})

describe("what this service sends", () => {
  it("is what Twilio reads", () => {
    assert.deepStrictEqual(
      JSON.parse(encodeOutbound({ event: "media", streamSid: sid, media: { payload: Uint8Array.of(0xff, 0x7f, 0) } })),
      { event: "media", streamSid: sid, media: { payload: "/38A" } }
    )
    assert.deepStrictEqual(JSON.parse(encodeOutbound({ event: "mark", streamSid: sid, mark: { name: "turn-1/seg-0" } })), {
      event: "mark",
      streamSid: sid,
      mark: { name: "turn-1/seg-0" }
    })
    assert.deepStrictEqual(JSON.parse(encodeOutbound({ event: "clear", streamSid: sid })), {
      event: "clear",
      streamSid: sid
    })
  })

  it("encodes bytes from the middle of a larger buffer", () => {
    const payload = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5)
    const decoded = Result.getOrThrow(decodeOutbound(encodeOutbound({ event: "media", streamSid: sid, media: { payload } })))
    assert.deepStrictEqual(decoded.event === "media" && [...decoded.media.payload], [1, 2, 3])
  })

  it("is never an event that only Twilio sends", () => {
    for (const text of [connected, start, dtmf, stop]) assert.strictEqual(outboundRejection(text), "unknownEvent")
  })
})

describe("round trips", () => {
  const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
  const hex = (number: number) => number.toString(16).padStart(32, "0")
  const bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

  it.prop("keep every message to Twilio", [bytes, Schema.String, index], ([bytes, name, number]) => {
    const streamSid = StreamSid.make(`MZ${hex(number)}`)
    const messages: ReadonlyArray<MediaMessage.Outbound> = [
      { event: "media", streamSid, media: { payload: Buffer.from(bytes) } },
      { event: "mark", streamSid, mark: { name } },
      { event: "clear", streamSid }
    ]
    for (const message of messages) {
      assert.deepStrictEqual(Result.getOrThrow(decodeOutbound(encodeOutbound(message))), message)
    }
  })

  it.prop("keep every message from Twilio", [bytes, Schema.String, Schema.String, index, index], ([bytes, name, value, number, more]) => {
    const common = { sequenceNumber: number, streamSid: StreamSid.make(`MZ${hex(more)}`) }
    const messages: ReadonlyArray<MediaMessage.Inbound> = [
      { event: "connected", protocol: name, version: value },
      {
        event: "start",
        ...common,
        start: {
          accountSid: JSON.parse(`"${accountSid}"`),
          callSid: CallSid.make(`CA${hex(number)}`),
          tracks: ["inbound", name],
          mediaFormat: { encoding: value, sampleRate: 8000, channels: 1 },
          customParameters: { [`p${name}`]: value }
        }
      },
      {
        event: "media",
        ...common,
        media: { track: "outbound", chunk: more, timestamp: number, payload: Buffer.from(bytes) }
      },
      { event: "dtmf", ...common, dtmf: { track: name, digit: "#" } },
      { event: "mark", ...common, mark: { name } },
      { event: "stop", ...common, stop: { accountSid: JSON.parse(`"${accountSid}"`), callSid: call } }
    ]
    for (const message of messages) {
      assert.deepStrictEqual(Result.getOrThrow(decodeInbound(encodeInbound(message))), message)
    }
  })

  it.prop("never throw, for any text or JSON", [Schema.String, Schema.Json], ([text, json]) => {
    for (const candidate of [text, JSON.stringify(json), JSON.stringify({ event: "media", media: json, start: json })]) {
      assert.isTrue(Result.isFailure(decodeInbound(candidate)))
      assert.isTrue(Result.isFailure(decodeOutbound(candidate)))
    }
  })
})
