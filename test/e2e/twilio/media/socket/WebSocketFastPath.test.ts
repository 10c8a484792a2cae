import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import * as WebSocketFastPath from "../../../../../src/twilio/media/socket/WebSocketFastPath.ts"

const maxPayload = 100_000

/** A client's frame: masked, and by default FIN and text. */
const frame = (payload: string | Buffer, options: { readonly first?: number; readonly mask?: Buffer } = {}): Buffer => {
  const bytes = Buffer.from(payload)
  const mask = options.mask ?? Buffer.of(0x11, 0xa2, 0x00, 0xff)
  const length = bytes.length
  const header = length < 126
    ? Buffer.of(options.first ?? 0x81, 0x80 | length)
    : length < 65_536
    ? Buffer.of(options.first ?? 0x81, 0xfe, length >> 8, length & 255)
    : Buffer.concat([Buffer.of(options.first ?? 0x81, 0xff), Buffer.from(BigInt(length).toString(16).padStart(16, "0"), "hex")])
  return Buffer.concat([header, mask, bytes.map((byte, at) => byte ^ mask[at & 3])])
}

interface Peer {
  readonly client: Socket
  readonly webSocket: WebSocket
  readonly wire: WebSocketFastPath.WebSocketFastPath
  /** In the order in which they came: `wire` for a text that was taken, `ws` for one that was left to `ws`. */
  readonly seen: ReadonlyArray<readonly [by: "wire" | "ws", text: string]>
  readonly errors: ReadonlyArray<string>
  /** How many pongs came in each turn that the fast path asked for. */
  readonly pongsOfTurns: ReadonlyArray<number>
  /** Waits until the condition holds. It is checked after each event. */
  readonly until: (holds: () => boolean) => Effect.Effect<void>
}

/** An upgraded WebSocket and a client that writes bytes to it. The fast path takes texts that begin with `m`. */
const peer = Effect.gen(function*() {
  const upgrader = new WebSocketServer({ noServer: true, maxPayload })
  const seen: Array<readonly ["wire" | "ws", string]> = []
  const errors: Array<string> = []
  const pongsOfTurns: Array<number> = [0]
  let look = () => {}
  const upgraded = Promise.withResolvers<Pick<Peer, "webSocket" | "wire">>()
  const server = yield* Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<Server>((resolve) => {
        const server = createServer()
        server.on("upgrade", (request, socket, head) => {
          const wire = WebSocketFastPath.make(socket as Socket, maxPayload, (step) =>
            setImmediate(() => {
              pongsOfTurns.push(0)
              step()
            }))
          wire.takeTexts((bytes, from, end) => {
            const text = bytes.toString("utf8", from, end)
            if (!text.startsWith("m")) return false
            seen.push(["wire", text])
            look()
            return true
          })
          upgrader.handleUpgrade(request, socket, head, (webSocket) => {
            webSocket.on("message", (data: Buffer) => {
              seen.push(["ws", data.toString()])
              look()
            })
            webSocket.on("pong", () => void pongsOfTurns[pongsOfTurns.length - 1]++)
            webSocket.on("error", (error) => errors.push(error.message))
            webSocket.on("close", () => look())
            upgraded.resolve({ webSocket, wire })
          })
        })
        server.listen(0, "127.0.0.1", () => resolve(server))
      })
    ),
    (server) =>
      Effect.sync(() => {
        for (const client of upgrader.clients) client.terminate()
        server.close()
      })
  )
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => connect((server.address() as AddressInfo).port, "127.0.0.1").setNoDelay(true)),
    (client) => Effect.sync(() => client.destroy())
  )
  client.on("error", () => {})
  client.resume()
  client.write(
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
  )
  const { webSocket, wire } = yield* Effect.promise(() => upgraded.promise)
  const until = (holds: () => boolean) =>
    Effect.callback<void>((resume) => {
      look = () => {
        if (holds()) resume(Effect.void)
      }
      look()
    })
  return { client, webSocket, wire, seen, errors, pongsOfTurns, until } satisfies Peer
})

/** Writes the bytes in pieces that arrive one by one: each in a turn of the event loop of its own. */
const inPieces = (client: Socket, bytes: Buffer, sizes: ReadonlyArray<number>) =>
  Effect.promise(async () => {
    let at = 0
    for (let piece = 0; at < bytes.length; piece++) {
      const size = sizes[piece % sizes.length]
      client.write(bytes.subarray(at, at + size))
      at += size
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })

describe("tens of thousands of frames in one packet", () => {
  const pongs = Buffer.concat(Array.from({ length: 50_000 }, () => frame("", { first: 0x8a })))

  it.live("come to `ws` over many turns of the event loop, complete and in order", () =>
    Effect.gen(function*() {
      const { client, pongsOfTurns, seen, until } = yield* peer
      client.write(Buffer.concat([frame("m1"), frame("other"), pongs, frame("m2"), frame("last")]))
      yield* until(() => seen.at(-1)?.[1] === "last")
      assert.deepStrictEqual(seen.map(([, text]) => text), ["m1", "other", "m2", "last"])
      assert.strictEqual(pongsOfTurns.reduce((sum, count) => sum + count), 50_000)
      // The last slice of one read, and the first of the next.
      assert.isAtMost(Math.max(...pongsOfTurns), 2 * 700)
    }).pipe(Effect.scoped))

  it.live("wait while the connection is paused, and are then complete", () =>
    Effect.gen(function*() {
      const { client, pongsOfTurns, seen, until, webSocket } = yield* peer
      webSocket.once("pong", () => {
        webSocket.pause()
        setImmediate(() => webSocket.resume())
      })
      client.write(Buffer.concat([pongs, frame("last")]))
      yield* until(() => seen.length > 0)
      assert.strictEqual(pongsOfTurns.reduce((sum, count) => sum + count), 50_000)
    }).pipe(Effect.scoped))

  it.live("are followed by the connection's end", () =>
    Effect.gen(function*() {
      const { client, pongsOfTurns, until, webSocket } = yield* peer
      client.end(pongs)
      yield* until(() => webSocket.readyState === 3)
      assert.strictEqual(pongsOfTurns.reduce((sum, count) => sum + count), 50_000)
    }).pipe(Effect.scoped))
})

describe("texts", () => {
  it.live("are taken before `ws` sees them, or left to `ws`, in order", () =>
    Effect.gen(function*() {
      const { client, seen, until } = yield* peer
      const texts = ["m1", "other", "m2", "m".padEnd(125, "x"), "m".padEnd(126, "x"), "m".padEnd(65_535, "x"), "ümlaut", "m3", ""]
      client.write(Buffer.concat(texts.map((text) => frame(text))))
      yield* until(() => seen.length === texts.length)
      assert.deepStrictEqual(seen.map(([, text]) => text), texts)
      // If a text is left to `ws`, so is the rest of its packet.
      assert.deepStrictEqual(seen[0], ["wire", "m1"])
      client.write(frame("m4"))
      yield* until(() => seen.length === texts.length + 1)
      assert.deepStrictEqual(seen.at(-1), ["wire", "m4"])
    }))

  it.live("are complete and in order however packets cut them", () =>
    Effect.gen(function*() {
      const { client, errors, seen, until } = yield* peer
      const texts = Array.from({ length: 12 }, (_, index) => `${index % 3 === 2 ? "other" : "m"}${index}`.padEnd(100 + 13 * index, "."))
      for (const sizes of [[1], [7, 250, 3], [130], [1000, 2], [125, 126, 127, 128]]) {
        const before = seen.length
        yield* inPieces(client, Buffer.concat(texts.map((text) => frame(text))), sizes[0] === 1 ? [37, 1, 1, 1] : sizes)
        yield* until(() => seen.length === before + texts.length)
        assert.deepStrictEqual(seen.slice(before).map(([, text]) => text), texts)
      }
      assert.isTrue(seen.some(([by]) => by === "wire") && seen.some(([by, text]) => by === "ws" && text.startsWith("m")))
      assert.deepStrictEqual(errors, [])
    }))

  it.live("in fragments, pings between them and binary frames are left to `ws`", () =>
    Effect.gen(function*() {
      const { client, errors, seen, until, webSocket } = yield* peer
      let pings = 0
      webSocket.on("ping", () => pings++)
      client.write(frame("m-a", { first: 0x01 }))
      client.write(frame("ping", { first: 0x89 }))
      client.write(frame("-b", { first: 0x80 }))
      client.write(frame(Buffer.from("m-binary"), { first: 0x82 }))
      client.write(frame("m-after"))
      yield* until(() => seen.length === 3)
      assert.deepStrictEqual(seen.map(([, text]) => text), ["m-a-b", "m-binary", "m-after"])
      assert.strictEqual(seen[0][0], "ws")
      assert.strictEqual(seen[1][0], "ws")
      assert.strictEqual(pings, 1)
      assert.deepStrictEqual(errors, [])
    }))

  it.live("are not taken inside a fragmented message: that is the peer's mistake, which `ws` reports", () =>
    Effect.gen(function*() {
      const { client, errors, seen, until } = yield* peer
      client.write(frame("m-a", { first: 0x01 }))
      client.write(frame("m-between"))
      yield* until(() => errors.length > 0)
      assert.deepStrictEqual(seen, [])
      assert.match(errors[0], /opcode/)
    }))

  it.live("keep their order while `ws` is paused", () =>
    Effect.gen(function*() {
      const { client, seen, until, webSocket } = yield* peer
      client.write(frame("m1"))
      yield* until(() => seen.length === 1)
      webSocket.pause()
      yield* inPieces(client, Buffer.concat([frame("m2"), frame("m3"), frame("m4")]), [9])
      assert.strictEqual(seen.length, 1)
      webSocket.resume()
      client.write(frame("m5"))
      yield* until(() => seen.length === 5)
      assert.deepStrictEqual(seen.map(([, text]) => text), ["m1", "m2", "m3", "m4", "m5"])
    }))

  it.live("are refused by `ws` when they are too long or not masked", () =>
    Effect.gen(function*() {
      const long = yield* peer
      long.client.write(frame("m".padEnd(maxPayload + 1, "x")))
      yield* long.until(() => long.errors.length > 0)
      assert.match(long.errors[0], /Max payload size/)
      const bare = yield* peer
      bare.client.write(Buffer.of(0x81, 2, 0x6d, 0x31))
      yield* bare.until(() => bare.errors.length > 0)
      assert.match(bare.errors[0], /MASK/)
      assert.deepStrictEqual([...long.seen, ...bare.seen], [])
    }))

  it.live("are left to `ws` if no function takes them", () =>
    Effect.gen(function*() {
      const { client, seen, until, wire } = yield* peer
      wire.takeTexts(undefined)
      client.write(frame("m1"))
      yield* until(() => seen.length === 1)
      assert.deepStrictEqual(seen, [["ws", "m1"]])
    }))

  it.live.prop("arrive as they were sent, whatever the mask, the lengths and the packets", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))).check(Schema.isMinLength(1), Schema.isMaxLength(8)),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 }))).check(Schema.isMinLength(1), Schema.isMaxLength(5)),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
  ], ([lengths, sizes, key]) =>
    Effect.gen(function*() {
      const { client, errors, seen, until } = yield* peer
      const mask = Buffer.alloc(4)
      mask.writeUInt32BE(key)
      const texts = lengths.map((length, index) => (index % 2 === 0 ? "m" : "o").padEnd(length, String(index)))
      yield* inPieces(client, Buffer.concat(texts.map((text) => frame(text, { mask }))), sizes)
      yield* until(() => seen.length === texts.length)
      assert.deepStrictEqual(seen.map(([, text]) => text), texts)
      assert.deepStrictEqual(errors, [])
    }).pipe(Effect.scoped), { arbitrary: { runs: 40 } })
})

describe("written frames", () => {
  it.live("reach the peer in order with frames of `ws`, and `write` returns true", () =>
    Effect.gen(function*() {
      const { client, webSocket, wire } = yield* peer
      const received: Array<Buffer> = []
      client.on("data", (data) => received.push(data as Buffer))
      webSocket.send("one")
      assert.isTrue(wire.write(Buffer.from([0x81, 3, 0x74, 0x77, 0x6f])))
      webSocket.send("three")
      yield* Effect.callback<void>((resume) => {
        const look = () => {
          if (Buffer.concat(received).includes("three")) resume(Effect.void)
        }
        client.on("data", look)
        look()
      })
      const bytes = Buffer.concat(received)
      assert.strictEqual(bytes.subarray(bytes.indexOf("\x81\x03one", 0, "latin1")).toString("latin1"), "\x81\x03one\x81\x03two\x81\x05three")
    }))

  it.live("make `write` return false while the peer does not read", () =>
    Effect.gen(function*() {
      const { client, wire } = yield* peer
      client.pause()
      const large = Buffer.alloc(1 << 20)
      let hasLeft = true
      for (let count = 0; hasLeft && count < 64; count++) hasLeft = wire.write(large)
      assert.isFalse(hasLeft)
    }))
})
