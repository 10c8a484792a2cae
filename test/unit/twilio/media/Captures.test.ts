/**
 * Messages as Twilio wrote them on real calls, and as its documentation has them, byte for byte. Only the SIDs are changed,
 * and the sound, which is other sound of the same length. Each stood on one line, without blanks.
 *
 * - 2019: a `<Start><Stream>` on protocol 0.2.0, printed by Twilio's Python tutorial.
 * - 2020: Twilio's own log of a `<Connect><Stream>`: `twilio/media-streams`, `node/connect-basic/output.txt` at d54045a.
 *   It is printed as objects of Node; the order of their fields is that of the text.
 * - 2023: a `<Connect><Stream>`, in the comments of a public repository. Media from the middle of two other calls.
 * - documentation: https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as MediaScanner from "../../../../src/twilio/media/codec/MediaScanner.ts"
import { decodeInbound, type Inbound } from "../../../../src/twilio/media/MediaMessage.ts"
import { accountSid, callSid, streamSid } from "../../../support/conversation/Samples.ts"

const stream = streamSid()
const call = callSid()
const sound = Buffer.from(Array.from({ length: 160 }, (_, index) => (index * 7) % 256)).toString("base64")
const silence = Buffer.from(Array.from({ length: 160 }, (_, index) => index % 3 === 0 ? 0x7f : 0xff)).toString("base64")

type Row = readonly [from: string, event: Inbound["event"], text: string]

/** The messages that come about fifty times a second. JSON and the schema would cost too much for them. */
const media: ReadonlyArray<Row> = [
  ["2019", "media", `{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"102","payload":"${sound}"},"streamSid":"${stream}"}`],
  ["2020", "media", `{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"52","payload":"${sound}"},"streamSid":"${stream}"}`],
  ["2023", "media", `{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"155","payload":"${silence}"},"streamSid":"${stream}"}`],
  ["2023", "media", `{"event":"media","sequenceNumber":"74","media":{"track":"inbound","chunk":"73","timestamp":"1593","payload":"${silence}"},"streamSid":"${stream}"}`],
  ["2023, another call", "media", `{"event":"media","sequenceNumber":"102","media":{"track":"inbound","chunk":"101","timestamp":"2088","payload":"${silence}"},"streamSid":"${stream}"}`],
  ["2023, a third call", "media", `{"event":"media","sequenceNumber":"1006","media":{"track":"inbound","chunk":"1005","timestamp":"20177","payload":"${sound}"},"streamSid":"${stream}"}`],
  ["a copy of the documentation with the stream first", "media", `{"event":"media","sequenceNumber":"4","streamSid":"${stream}","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"${sound}"}}`]
]

const others: ReadonlyArray<Row> = [
  ["2019", "connected", `{"event":"connected","protocol":"Call","version":"0.2.0"}`],
  ["2020 and 2023", "connected", `{"event":"connected","protocol":"Call","version":"1.0.0"}`],
  ["2019", "start", `{"event":"start","sequenceNumber":"1","start":{"accountSid":"${accountSid}","streamSid":"${stream}","callSid":"${call}","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"hello":"HelloValue"}},"streamSid":"${stream}"}`],
  ["2020", "start", `{"event":"start","sequenceNumber":"1","start":{"accountSid":"${accountSid}","streamSid":"${stream}","callSid":"${call}","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"aCutomParameter":"aCustomValue that was set in TwiML"}},"streamSid":"${stream}"}`],
  ["2023", "start", `{"event":"start","sequenceNumber":"1","start":{"accountSid":"${accountSid}","streamSid":"${stream}","callSid":"${call}","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{}},"streamSid":"${stream}"}`],
  ["2020", "mark", `{"event":"mark","sequenceNumber":"103","streamSid":"${stream}","mark":{"name":"Repeat message 0"}}`],
  ["2019", "stop", `{"event":"stop","sequenceNumber":"352","streamSid":"${stream}","stop":{"accountSid":"${accountSid}","callSid":"${call}"}}`],
  ["2023", "stop", `{"event":"stop","sequenceNumber":"378","streamSid":"${stream}","stop":{"accountSid":"${accountSid}","callSid":"${call}"}}`],
  ["the documentation", "media", `{"event":"media","sequenceNumber":"3","media":{"track":"outbound","chunk":"1","timestamp":"5","payload":"${sound}"},"streamSid":"${stream}"}`],
  ["the documentation", "dtmf", `{"event":"dtmf","streamSid":"${stream}","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}`],
  ["the documentation", "mark", `{"event":"mark","sequenceNumber":"4","streamSid":"${stream}","mark":{"name":"my label"}}`],
  ["the documentation", "stop", `{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"${accountSid}","callSid":"${call}"},"streamSid":"${stream}"}`]
]

const scan = MediaScanner.make(stream)

describe("a message that Twilio wrote", () => {
  it.each([...media, ...others])("%s: %s decodes, with every field that it has", (_, event, text) => {
    const message = Result.getOrThrow(decodeInbound(text))
    assert.strictEqual(message.event, event)
    if (message.event !== "connected") assert.strictEqual(message.streamSid, stream)
    // Counters and sound are strings on the wire.
    const written = JSON.parse(text)
    if (message.event === "start") delete written.start.streamSid
    assert.deepStrictEqual(
      JSON.parse(JSON.stringify(message, (key, value: unknown) => {
        if (key === "payload") return Buffer.from((message as Extract<Inbound, { event: "media" }>).media.payload).toString("base64")
        return typeof value === "number" && key !== "sampleRate" && key !== "channels" ? String(value) : value
      })),
      written
    )
  })

  it.each(media)("%s: %s is scanned, because it comes fifty times a second", (_, _event, text) => {
    const scanned = scan(Buffer.from(text))
    assert.isDefined(scanned)
    assert.deepStrictEqual<unknown>(scanned, Result.getOrThrow(decodeInbound(text)))
  })

  it.each(others)("%s: %s is left to the schema", (_, _event, text) => assert.isUndefined(scan(Buffer.from(text))))

  it.each([...media, ...others])("%s: %s decodes with the documentation's line breaks and blanks", (_, _event, text) => {
    const spread = JSON.stringify(JSON.parse(text), null, 4)
    assert.isUndefined(scan(Buffer.from(spread)))
    assert.deepStrictEqual(Result.getOrThrow(decodeInbound(spread)), Result.getOrThrow(decodeInbound(text)))
  })
})
