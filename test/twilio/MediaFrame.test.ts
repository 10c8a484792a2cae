import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { createServer } from "node:net"
import { WebSocket } from "ws"
import * as MediaFrame from "../../src/twilio/MediaFrame.ts"
import { decodeInbound, decodeOutbound } from "../../src/twilio/MediaMessage.ts"
import { streamSid } from "../fakes/Samples.ts"

const sid = streamSid()
const scan = MediaFrame.makeScanner(sid)
const { encode, keep } = MediaFrame.makeEncoder(sid)

/** A `media` as Twilio writes it. */
const media = (payload: string, counters: readonly [string, string, string] = ["4", "3", "155"], track = "inbound", stream: string = sid) =>
  `{"event":"media","sequenceNumber":"${counters[0]}","streamSid":"${stream}","media":{"track":"${track}","chunk":"${counters[1]}","timestamp":"${counters[2]}","payload":"${payload}"}}`

const scanned = (text: string) => scan(Buffer.from(text))

/** What the scanner knows, the schemas decode to the same. */
const agrees = (text: string) => {
  const found = scanned(text)
  if (found === undefined) return false
  const decoded = Result.getOrThrow(decodeInbound(text))
  assert.deepStrictEqual(
    { ...found, media: { ...found.media, payload: [...found.media.payload] } },
    decoded.event === "media" ? { ...decoded, media: { ...decoded.media, payload: [...decoded.media.payload] } } as never : undefined
  )
  return true
}

const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Bytes = Schema.Array(whole(255)).check(Schema.isMaxLength(400))
const Counter = whole(Number.MAX_SAFE_INTEGER)
const usual = media(Buffer.from(Uint8Array.from({ length: 160 }, (_, index) => index)).toString("base64"))

describe("what comes in", () => {
  it.prop("is read when it is as Twilio writes it, whatever its length and counters", [Bytes, Counter, Counter, Counter], ([bytes, sequence, chunk, time]) => {
    const isShort = [sequence, chunk, time].every((counter) => counter < 1e15)
    const isRead = agrees(media(Buffer.from(bytes).toString("base64"), [`${sequence}`, `${chunk}`, `${time}`]))
    assert.strictEqual(isRead, isShort)
  })

  it.prop("is never read otherwise than the schemas read it, whatever happens to a byte", [
    whole(usual.length - 1),
    whole(127)
  ], ([at, code]) => void agrees(usual.slice(0, at) + String.fromCharCode(code) + usual.slice(at + 1)), { arbitrary: { runs: 2000 } })

  it.prop("is never read otherwise than the schemas read it, whatever is cut out or put in", [
    whole(usual.length),
    whole(20),
    Schema.String.check(Schema.isMaxLength(8))
  ], ([at, gone, come]) => void agrees(usual.slice(0, at) + come + usual.slice(at + gone)), { arbitrary: { runs: 2000 } })

  it("is left to the schemas when it is anything else", () => {
    const good = "AAEC"
    assert.isTrue(agrees(media(good)))
    const others = {
      "of the other track": media(good, undefined, "outbound"),
      "of another stream": media(good, undefined, "inbound", streamSid(2)),
      "with blanks": media(good).replaceAll(":", ": "),
      "with a further field": media(good).replace("}}", ",\"more\":1}}"),
      "without an end": media(good).slice(0, -1),
      "with something behind it": `${media(good)} `,
      "with a counter that is none": media(good, ["x", "1", "2"]),
      "with an empty counter": media(good, ["1", "", "2"]),
      "with a counter too long for a number": media(good, ["1234567890123456", "1", "2"]),
      "with base64 of the URL-safe alphabet": media("-_-_"),
      "with base64 that is cut": media("AAE"),
      "with padding in the middle": media("AA==AAEC"),
      "with nothing but padding": media("===="),
      "a mark": JSON.stringify({ event: "mark", sequenceNumber: "1", streamSid: sid, mark: { name: "a" } }),
      "nothing": ""
    }
    for (const [what, text] of Object.entries(others)) assert.isUndefined(scanned(text), what)
  })

  it("may have no sound in it", () => {
    assert.isTrue(agrees(media("")))
  })
})

describe("what goes out", () => {
  it.live("is frames that a WebSocket client reads, one for each 20 ms of a sound of any length", () =>
    Effect.gen(function*() {
      const lengths = [0, 1, 2, 3, 20, 159, 160, 161, 320, 330, 160, 800, 0, 8000, 7999, 160]
      const messages = lengths.flatMap((length) => Array.from({ length: Math.ceil(length / 160) }, (_, index) => Math.min(160, length - index * 160)))
      const sounds = lengths.map((length) => Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255))
      const server = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer((socket) => {
            socket.once("data", (request) => {
              const key = /sec-websocket-key: (\S+)/i.exec(request.toString())![1]
              void crypto.subtle.digest("SHA-1", Buffer.from(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)).then((digest) => {
                socket.write(
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + `Sec-WebSocket-Accept: ${Buffer.from(digest).toString("base64")}\r\n\r\n`
                )
                for (const sound of sounds) {
                  socket.write(encode(sound))
                  keep()
                }
              })
            })
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as { readonly port: number }
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new WebSocket(`ws://127.0.0.1:${port}`)),
        (client) => Effect.sync(() => client.terminate())
      )
      const received = yield* Effect.callback<ReadonlyArray<readonly [data: Buffer, isBinary: boolean]>>((resume) => {
        const all: Array<readonly [Buffer, boolean]> = []
        client.on("message", (data: Buffer, isBinary) => {
          if (all.push([data, isBinary]) === messages.length) resume(Effect.succeed(all))
        })
      })
      const heard: Array<number> = []
      for (const [index, [data, isBinary]] of received.entries()) {
        assert.isFalse(isBinary)
        const message = Result.getOrThrow(decodeOutbound(data.toString()))
        assert.strictEqual(message.streamSid, sid)
        const payload = message.event === "media" ? [...message.media.payload] : []
        assert.strictEqual(payload.length, messages[index])
        heard.push(...payload)
      }
      assert.deepStrictEqual(heard, sounds.flatMap((sound) => [...sound]))
    }))

  it("takes the same memory again, unless what is in it is still needed", () => {
    const { encode, keep } = MediaFrame.makeEncoder(sid)
    const sound = new Uint8Array(320).fill(1)
    const first = encode(sound)
    const before = Buffer.from(first)
    assert.strictEqual(encode(new Uint8Array(160)).buffer, first.buffer)
    assert.isTrue(encode(sound).equals(before))
    keep()
    assert.notStrictEqual(encode(new Uint8Array(320)).buffer, first.buffer)
    assert.isTrue(first.equals(before))
  })

  it("is not changed by what the sound's buffer holds later", () => {
    const sound = Uint8Array.of(1, 2, 3, 4)
    const frame = encode(sound)
    const before = Buffer.from(frame)
    sound.fill(9)
    assert.isTrue(frame.equals(before))
  })
})
