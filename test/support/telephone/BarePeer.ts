/**
 * A media peer that sends only the messages of the test, for streams that Twilio would never send. Its call first gets TwiML from the
 * service, as each call must.
 */
import { Effect, Queue, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import * as WebSocketClient from "../../../src/simulator/twilio/stream/WebSocketClient.ts"
import * as Signature from "../../../src/twilio/webhook/Signature.ts"
import { authToken, type Both, ourNumber, somebody } from "../service/Service.ts"

const hex = () => randomBytes(16).toString("hex")

const silence = Buffer.alloc(160, 0xFF).toString("base64")

/** Requests TwiML for a new call. */
export const answerCall = Effect.fnUntraced(function*({ service }: Both, callSid = `CA${hex()}`) {
  const { text } = yield* service.webhook("/twiml", { CallSid: callSid, From: somebody, To: ourNumber, Direction: "inbound" })
  return { callSid, url: /<Stream url="([^"]*)"/.exec(text)?.[1] ?? "", token: /value="([^"]*)"/.exec(text)?.[1] ?? "" }
})

/** Sends Twilio's final status of a call: completed. */
export const complete = ({ service }: Both, callSid: string) =>
  service.webhook("/twilio/status", { CallSid: callSid, CallStatus: "completed", SequenceNumber: "9" })

export interface Start {
  readonly callSid?: string
  readonly accountSid?: string
  /** `undefined` leaves the `<Parameter>` out. */
  readonly token?: string | undefined
}

/** Opens a WebSocket and sends `connected`. The scope's end closes the WebSocket and ends the call. */
export const open = Effect.fnUntraced(function*(both: Both, callSid?: string) {
  const call = yield* answerCall(both, callSid)
  yield* Effect.addFinalizer(() => complete(both, call.callSid))
  const signature = Signature.sign(Redacted.make(authToken), call.url, {})
  const wire = yield* WebSocketClient.open(call.url, { [Signature.header]: signature })
  const streamSid = `MZ${hex()}`
  let sequence = 0
  let chunk = 0
  /** `body` has the field with the name of the event. `streamSid` comes last, as in Twilio's `start` and `media`. */
  const send = (event: "start" | "media", body: object, stream = streamSid) =>
    wire.send(JSON.stringify({ event, sequenceNumber: `${++sequence}`, ...body, streamSid: stream }))
  wire.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }))

  const start = (how: Start = {}) => {
    const token = "token" in how ? how.token : call.token
    send("start", {
      start: {
        accountSid: how.accountSid ?? both.simulator.accountSid,
        streamSid,
        callSid: how.callSid ?? call.callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: token === undefined ? {} : { token }
      }
    })
  }
  const media = (track = "inbound", stream = streamSid) =>
    send("media", { media: { track, chunk: `${++chunk}`, timestamp: `${chunk * 20}`, payload: silence } }, stream)

  return {
    call,
    wire,
    start,
    media,
    /** Sends a valid `start` and one frame, and waits until a message comes back. */
    startWell: Effect.gen(function*() {
      start()
      media()
      media()
      yield* Queue.take(wire.incoming)
    })
  }
})
