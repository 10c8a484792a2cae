import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { createServer } from "node:net"
import { WebSocket } from "ws"
import * as MediaEncoder from "../../../../../src/twilio/media/codec/MediaEncoder.ts"
import { decodeOutbound } from "../../../../../src/twilio/media/MediaMessage.ts"
import { streamSid } from "../../../../support/conversation/Samples.ts"

const sid = streamSid()
const { encode, keep } = MediaEncoder.make(sid)

describe("encoded sound", () => {
  it.live("of any length is read by a WebSocket client as one message for each 20 ms", () =>
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
})
