/**
 * One Media Streams WebSocket, from the upgrade to the close.
 *
 * `accept` waits for `start`. Then `media` comes from a sliding queue with room for the burst after a stall of the network, and `control`
 * comes from a queue that loses nothing: when it is full, the socket is paused. Bad messages are counted by reason, and the first one of each
 * stream is logged. A stream of mostly bad messages is closed.
 *
 * Usual `media` messages of both directions bypass `ws`, through `codec/` and `WebSocketFastPath`. The schemas decode all other messages.
 * Without a fast path, the schemas decode and encode every message.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages
 */
import { type Duration, Effect, type Option, type Scope, type Stream } from "effect"
import type { WebSocket } from "ws"
import type { StreamSid } from "../../domain/Sid.ts"
import type { FrameQueue } from "./inbound/FrameQueue.ts"
import type { Silence, Tally } from "./inbound/InboundMedia.ts"
import * as InboundMessages from "./inbound/InboundMessages.ts"
import type { Control, Media, Start } from "./MediaMessage.ts"
import * as OutboundMessages from "./OutboundMessages.ts"
import * as ProcessHalt from "./ProcessHalt.ts"
import type { WebSocketFastPath } from "./socket/WebSocketFastPath.ts"
import * as SocketPing from "./SocketPing.ts"
import { StreamClosed } from "./StreamClosed.ts"

interface Limits {
  /** How long after the upgrade the `start` message may come. */
  readonly startTimeout: Duration.Duration
  /** How much sound may wait for the agent. */
  readonly backlog: Duration.Duration
  /** The stream is closed after more bad messages than this. Each good message makes up for one bad message. */
  readonly badMessages: number
}

export interface MediaStream extends OutboundMessages.OutboundMessages {
  readonly streamSid: StreamSid
  /** When the WebSocket was opened (monotonic ms). No sound of the stream is older. */
  readonly openedAt: number
  readonly start: Start["start"]
  /** The caller's sound, and times that are known to be silent. Ends when the socket ends. */
  readonly media: Stream.Stream<Media | Silence>
  /** A cheaper way to read `media`, for work that mostly does not wait: see `FrameQueue`. */
  readonly forEachMedia: FrameQueue<Media | Silence>["runForEachArray"]
  /** Marks, digits and the stop. Ends when the socket ends. */
  readonly control: Stream.Stream<Control>
  readonly tally: Tally
  /** Waits for the end of the socket. Returns the reason. */
  readonly closed: Effect.Effect<StreamClosed>
  /** Adds silence (ms) after the sound that has come so far. */
  readonly addSilence: (millis: number) => void
  /**
   * Sends a WebSocket ping and waits for its pong. All messages that the peer sent before the pong have then arrived. Run one ping at a time.
   * If the socket is gone, `ping` never ends.
   */
  readonly ping: Effect.Effect<void>
  /** How many bytes were sent but have not left this process. The number grows if the peer does not read. */
  readonly unsentBytes: () => number
  /** Closes with a WebSocket close code and a reason of at most 123 bytes. */
  readonly close: (code: number, reason: string) => Effect.Effect<void>
}

/** Waits for the `start` message. Fails if the socket ends before it comes, or after `timeout`. */
const awaitStart = (inbound: InboundMessages.InboundMessages, timeout: Duration.Duration) => {
  const tooLate = Effect.suspend(() => {
    const why = new StreamClosed({ reason: "noStart", code: 1002 })
    inbound.close(why)
    return Effect.fail(why)
  })
  // After a halt of the process, `start`, the end of the socket and the timeout may all be due at once. The first one in this order wins.
  return Effect.raceFirst(
    Effect.raceFirst(inbound.started, Effect.flatMap(inbound.closed, Effect.fail)),
    Effect.andThen(ProcessHalt.sleep(timeout), tooLate)
  )
}

/**
 * Reads an upgraded socket and waits for `start`.
 *
 * The socket is closed when the scope closes. If `accept` fails, the socket has already been closed with the failure's code.
 *
 * @param fastPath `None`: `ws` and the schemas handle every message
 */
export const accept = Effect.fnUntraced(function*(
  socket: WebSocket,
  fastPath: Option.Option<WebSocketFastPath>,
  limits: Limits
): Effect.fn.Return<MediaStream, StreamClosed, Scope.Scope> {
  const inbound = yield* InboundMessages.make(socket, fastPath, limits)
  const ping = yield* SocketPing.make(socket)
  const { start, streamSid } = yield* awaitStart(inbound, limits.startTimeout)
  return {
    ...OutboundMessages.make(socket, fastPath, streamSid),
    streamSid,
    openedAt: inbound.openedAt,
    start,
    media: inbound.media.queue.stream,
    forEachMedia: inbound.media.queue.runForEachArray,
    control: inbound.control.stream,
    tally: inbound.media.tally,
    closed: inbound.closed,
    addSilence: inbound.addSilence,
    ping,
    unsentBytes: () => socket.bufferedAmount,
    close: (code, reason) => Effect.sync(() => socket.close(code, reason))
  }
})
