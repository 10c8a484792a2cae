/**
 * The client of one WebSocket: Twilio's side.
 *
 * `ws` is used and not `effect/socket`, because the simulated faults cut the TCP connection in the middle of a frame, or stop reading from it.
 */
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import { Cause, Clock, Deferred, Duration, Effect, Queue, Schema, type Scope } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import type { CutKind } from "../Faults.ts"

/** A frame from the service. `text`: `undefined` for a binary frame. `at`: when the frame arrived, monotonic, ns. */
export interface Incoming {
  readonly text: string | undefined
  readonly at: bigint
}

/** How the connection ended. `code`: 1006 if there was no close handshake. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

/** The WebSocket could not be opened. `status`: the HTTP status, if the answer was not 101. */
export class WireError extends Schema.TaggedError<WireError>()("WireError", {
  message: Schema.String,
  status: Schema.optionalKey(Schema.Int)
}) {}

export interface WebSocketClient {
  /** All frames from the service in order. The queue ends when the connection ends. */
  readonly incoming: Queue.Dequeue<Incoming, Cause.Done>
  readonly closed: Effect.Effect<Closed>
  readonly send: (text: string) => void
  readonly sendBinary: (bytes: Uint8Array) => void
  /** Closes the WebSocket with a handshake, for which the service has two seconds. */
  readonly close: (code: number) => Effect.Effect<void>
  /** Cuts the connection without a close handshake. */
  readonly cut: (how?: CutKind) => void
  /** Holds back all data that this side sends, including answers to pings. `release` then sends all of it at once and in order. */
  readonly hold: () => void
  readonly release: () => void
  /** Stops reading, so that the kernel's buffers fill up and the service can't send any more. */
  readonly pause: () => void
  readonly resume: () => void
}

/** A final, masked text frame that announces 400 bytes: its header, a mask of zeros, and only the first three bytes. */
const halfAFrame = Buffer.from([0x81, 0xFE, 0x01, 0x90, 0, 0, 0, 0, 0x7B, 0x22, 0x65])

/** About how long Twilio waits for the TCP connection and the upgrade (error 31901). */
const handshakeTimeout = Duration.seconds(5)

/** How long the service may take for the close handshake. The types of `ws` do not have this option. */
const closeTimeout = Duration.seconds(2)

/**
 * Opens a WebSocket. If it is still open at the end of the scope, it is cut.
 *
 * @param url is used without normalisation
 */
export const open = Effect.fn("WebSocketClient.open")(function*(
  url: string,
  headers: Readonly<Record<string, string>>
): Effect.fn.Return<WebSocketClient, WireError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const incoming = yield* Queue.make<Incoming, Cause.Done>()
  const closed = yield* Deferred.make<Closed>()
  const socket = yield* Effect.acquireRelease(
    Effect.try({
      try: () =>
        new WebSocket(url, {
          headers,
          perMessageDeflate: false,
          handshakeTimeout: Duration.toMillis(handshakeTimeout),
          closeTimeout: Duration.toMillis(closeTimeout)
        } as ClientOptions),
      catch: () => new WireError({ message: "The stream's URL is malformed." })
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )
  let connection: Socket | undefined

  yield* Effect.callback<void, WireError>((resume) => {
    socket.on("upgrade", (response) => {
      connection = response.socket
    })
    socket.on("open", () => resume(Effect.void))
    socket.on("unexpected-response", (request, response) => {
      const status = response.statusCode ?? 0
      request.destroy()
      resume(Effect.fail(new WireError({ message: `The upgrade was answered with ${status} instead of 101.`, status })))
    })
    socket.on("error", (error) => resume(Effect.fail(new WireError({ message: error.message }))))
    // The listeners are added before the first frame can come.
    socket.on("message", (data, isBinary) => {
      Queue.offerUnsafe(incoming, {
        text: isBinary ? undefined : data.toString(),
        at: clock.monotonicTimeNanosUnsafe()
      })
    })
    socket.on("close", (code, reason) => {
      Deferred.doneUnsafe(closed, Effect.succeed({ code, reason: reason.toString() }))
      Queue.endUnsafe(incoming)
    })
  })

  return {
    incoming,
    closed: Deferred.await(closed),
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    sendBinary: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes)
    },
    close: (code) =>
      Effect.andThen(Effect.sync(() => socket.close(code)), Effect.asVoid(Deferred.await(closed))),
    cut: (how) => {
      switch (how) {
        case "midFrame":
          connection?.write(halfAFrame)
          // `destroy` alone might drop the half frame that was just written.
          return connection?.destroySoon()
        case "reset":
          // Node can send a TCP reset only on a socket without TLS.
          return connection instanceof TLSSocket ? connection.destroy() : connection?.resetAndDestroy()
        case undefined:
          return connection?.destroy()
      }
    },
    hold: () => connection?.cork(),
    release: () => connection?.uncork(),
    pause: () => socket.pause(),
    resume: () => socket.resume()
  }
})
