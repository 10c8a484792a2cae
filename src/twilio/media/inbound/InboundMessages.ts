/**
 * The inbound half of a media stream: reads the socket's messages, and provides the start, the sound, the control messages and the end.
 *
 * Messages are decoded in the socket's own callback, not by a fiber that pulls them. At 50 messages a second and call, suspending and
 * resuming a fiber would cost more than all other work here (docs/adr/0002).
 */
import { Clock, Deferred, Duration, Effect, Option, Result, type Scope } from "effect"
import type { WebSocket } from "ws"
import type { Control, Media, Start } from "../MediaMessage.ts"
import type { WebSocketFastPath } from "../socket/WebSocketFastPath.ts"
import { StreamClosed } from "../StreamClosed.ts"
import * as BadMessages from "./BadMessages.ts"
import * as ControlQueue from "./ControlQueue.ts"
import * as InboundMedia from "./InboundMedia.ts"
import * as ReadGate from "./ReadGate.ts"
import * as SlowMessages from "./SlowMessages.ts"
import * as StreamReader from "./StreamReader.ts"

export interface InboundMessages {
  /** When the reading began (monotonic ms). */
  readonly openedAt: number
  readonly started: Effect.Effect<Start>
  readonly media: InboundMedia.InboundMedia
  readonly control: ControlQueue.ControlQueue
  /** Adds silence (ms) after the sound that has come so far. */
  readonly addSilence: (millis: number) => void
  /** Waits for the end of the stream. If there are several reasons, the first one counts. */
  readonly closed: Effect.Effect<StreamClosed>
  /** Closes the socket and ends the stream. */
  readonly close: (why: StreamClosed) => void
}

/** The errors of `ws` for a message above its limits, each with the close code that `ws` has then sent. */
const tooLargeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008
}

const open = 1

/** The end of a stream. If there are several reasons, the first one counts. `onEnd` is called once. */
const makeEnding = Effect.fnUntraced(function*(socket: WebSocket, onEnd: () => void) {
  const ended = yield* Deferred.make<StreamClosed>()
  const end = (why: StreamClosed) => {
    if (Deferred.doneUnsafe(ended, Effect.succeed(why))) onEnd()
  }
  const close = (why: StreamClosed) => {
    // The socket is closed first. Fibers that wait for the end may close the socket, too, and only the first close code is sent.
    socket.close(why.code, why.explanation)
    end(why)
  }
  return { end, close, closed: Deferred.await(ended) }
})

/**
 * Reads the socket until the scope closes. The socket is then closed.
 *
 * @param fastPath `None`: `ws` and the schemas handle every message
 */
export const make = Effect.fnUntraced(function*(
  socket: WebSocket,
  fastPath: Option.Option<WebSocketFastPath>,
  limits: { readonly backlog: Duration.Duration; readonly badMessages: number }
): Effect.fn.Return<InboundMessages, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const openedAt = now()
  const started = yield* Deferred.make<Start>()
  const gate = ReadGate.make(socket)
  const countSlowMessage = SlowMessages.makeCounter(gate)
  const media = InboundMedia.make(openedAt, Duration.toMillis(limits.backlog))
  const control = yield* ControlQueue.make(gate)
  const badMessages = yield* BadMessages.make(limits.badMessages)
  const reader = StreamReader.make(Option.isSome(fastPath))
  const { close, closed, end } = yield* makeEnding(socket, () => {
    media.queue.end()
    control.end()
  })

  const take = (message: Media | Control) => {
    badMessages.countGood()
    if (message.event !== "media") control.offer(message)
    else if (!media.take(message, now())) close(new StreamClosed({ reason: "ahead", code: 1008 }))
  }

  /** Reads the text if it is a usual `media`, and returns whether it was. With the fast path, most of these texts never reach `ws`. */
  const takeUsualMedia = (text: Buffer, from: number, end: number): boolean => {
    if (socket.readyState !== open) return false
    const message = reader.scan(text, from, end)
    if (message === undefined) return false
    media.countScanned()
    take(message)
    return true
  }

  const reject = (reason: StreamReader.StreamRejection) => {
    const areTooMany = badMessages.countBad(reason)
    if (reason === "beforeStart") close(new StreamClosed({ reason: "mediaBeforeStart", code: 1002 }))
    else if (areTooMany) close(new StreamClosed({ reason: "rubbish", code: 1008 }))
  }

  const onMessage = (data: Buffer, isBinary: boolean) => {
    if (!isBinary && takeUsualMedia(data, 0, data.length)) return
    countSlowMessage()
    const read = reader.read(data, isBinary)
    if (Result.isFailure(read)) return reject(read.failure.reason)
    const message = read.success
    if (message.event === "start") Deferred.doneUnsafe(started, Effect.succeed(message))
    else if (message.event !== "connected") take(message)
  }
  const onError = (error: Error & { readonly code?: string }) => {
    const code = tooLargeCodes[error.code ?? ""]
    if (code !== undefined) end(new StreamClosed({ reason: "tooLarge", code }))
  }
  const onClose = (code: number) => end(new StreamClosed({ reason: "lost", code }))

  yield* Effect.acquireRelease(
    Effect.sync(() => {
      if (Option.isSome(fastPath)) fastPath.value.takeTexts(takeUsualMedia)
      socket.on("message", onMessage)
      socket.on("error", onError)
      socket.on("close", onClose)
    }),
    () =>
      Effect.sync(() => {
        if (Option.isSome(fastPath)) fastPath.value.takeTexts(undefined)
        socket.off("message", onMessage)
        end(new StreamClosed({ reason: "lost", code: 1006 }))
        // A paused socket would not read the peer's answer to the close.
        if (socket.isPaused) socket.resume()
        socket.close(1000)
      })
  )
  return {
    openedAt,
    started: Deferred.await(started),
    media,
    control,
    addSilence: (millis) => media.addSilence(millis, now()),
    closed,
    close
  }
})
