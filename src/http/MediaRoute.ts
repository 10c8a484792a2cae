/**
 * `GET /ws`: the Media Streams WebSocket, from the upgrade to the call that it belongs to.
 *
 * Refused before the upgrade: what Twilio did not sign (403). Refused after it, with a close code: a
 * stream that does not start, or that has no token of a call that we answered (1008).
 */
import { Effect, Metric, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { constVoid } from "effect/Function"
import type { IncomingMessage } from "node:http"
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws"
import { CallRegistry } from "../call/CallRegistry.ts"
import { AppConfig } from "../config/AppConfig.ts"
import { Credentials } from "../config/Credentials.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import * as MediaStream from "../twilio/media/MediaStream.ts"
import * as WebSocketFastPath from "../twilio/media/socket/WebSocketFastPath.ts"
import { parameterName, StreamToken } from "../twilio/webhook/StreamToken.ts"
import { UpgradeRequired } from "./api/Problems.ts"
import * as SignedRequest from "./webhooks/SignedRequest.ts"
import * as RequestTurns from "./connections/RequestTurns.ts"

export const path = "/ws"

/** How long a peer may take to answer our close before the connection is cut, in ms. */
const closeTimeout = 5000

/**
 * Pieces that a message may come in, and in which `ws` may be given a frame. Twilio's messages are one frame of some hundred bytes. Each
 * piece costs some hundred bytes to keep, and a message of 64 KiB would be 64 Ki of them.
 */
const maxFragments = 256
const maxBufferedChunks = 1024

/** RFC 6455 lets a client send nothing before the upgrade is answered, so nothing has been read too far. */
const nothing = Buffer.alloc(0)

const makeUpgrade = Effect.fnUntraced(function*(maxPayload: number, hasFastPath: boolean) {
  const server = yield* Effect.acquireRelease(
    // These are documented by the ws that is used; its types are older.
    Effect.sync(() => new WebSocketServer({ noServer: true, maxPayload, maxFragments, maxBufferedChunks, closeTimeout } as ServerOptions)),
    (server) =>
      Effect.sync(() => {
        for (const client of server.clients) client.terminate()
        server.close()
      })
  )
  /**
   * The upgraded socket; when the scope closes, it is waited for until the connection is gone, for only
   * then does the HTTP server leave the connection alone. `None` for a handshake that is none, such as
   * that of a proxy which leaves headers out: `ws` has answered it.
   */
  return (request: HttpServerRequest.HttpServerRequest) => {
    const { socket } = request.source as IncomingMessage
    const gone = Effect.callback<void>((resume) => {
      if (socket.destroyed) return resume(Effect.void)
      socket.once("close", () => resume(Effect.void))
    })
    return Effect.acquireRelease(
      Effect.sync(() => {
        const fastPath = hasFastPath
          ? Option.some(WebSocketFastPath.make(socket, maxPayload, (step) => RequestTurns.shared.run(socket, step)))
          : Option.none()
        let upgraded: WebSocket | undefined
        // Without a `verifyClient` it is called at once, or never.
        server.handleUpgrade(request.source as IncomingMessage, socket, nothing, (webSocket) => {
          upgraded = webSocket
          // An error is told to whoever listens, and always followed by the close.
          upgraded.on("error", constVoid)
        })
        return Option.map(Option.fromNullishOr(upgraded), (socket) => ({ socket, fastPath }))
      }),
      (upgraded) =>
        Effect.suspend(() => {
          if (Option.isSome(upgraded)) upgraded.value.socket.close(1001)
          return gone
        })
    )
  }
})

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const { limits, server } = yield* AppConfig
  const { account } = yield* Credentials
  const registry = yield* CallRegistry
  const tokens = yield* StreamToken
  const signed = yield* SignedRequest.make
  const upgrade = yield* makeUpgrade(limits.messageBytes, server.hasMediaFastPath)
  const refusals = yield* SampledLog.make

  const refuse = Effect.fnUntraced(function*(stream: MediaStream.MediaStream, reason: string) {
    yield* Metric.update(Metrics.streamsRefused(reason), 1)
    yield* refusals.tell(reason, Effect.annotateLogs(Effect.logWarning("A media stream was refused"), { reason }))
    yield* stream.close(1008, `refused: ${reason}`)
  })

  const serve = Effect.fnUntraced(function*(stream: MediaStream.MediaStream) {
    const { callSid } = stream.start
    if (stream.start.accountSid !== account.accountSid) return yield* refuse(stream, "foreign account")
    const problem = yield* tokens.redeem(stream.start.customParameters[parameterName], callSid).pipe(
      Effect.match({ onSuccess: () => undefined, onFailure: ({ reason }) => `token ${reason}` })
    )
    if (problem !== undefined) return yield* refuse(stream, problem)
    const call = yield* registry.find(callSid)
    if (Option.isNone(call)) {
      // A token is made for a call that is here: this one is over, or belongs to another process or an earlier one.
      if (!(yield* registry.hasEnded(callSid))) return yield* refuse(stream, "unknown call")
      yield* Metric.update(Metrics.endedCallsRefused(path), 1)
      return yield* refuse(stream, "call has ended")
    }
    if (!(yield* call.value.stream(stream))) return yield* refuse(stream, "call has a stream or has ended")
  })

  const handle = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.headers["upgrade"]?.toLowerCase() !== "websocket") {
      const response = yield* HttpServerRespondable.toResponse(
        new UpgradeRequired({ detail: "Twilio Media Streams connect here by WebSocket." })
      )
      return HttpServerResponse.setHeader(response, "upgrade", "websocket")
    }
    const refusal = yield* Effect.flip(signed.upgrade(path, request)).pipe(Effect.option)
    if (Option.isSome(refusal)) return yield* HttpServerRespondable.toResponse(refusal.value)
    const upgraded = yield* upgrade(request)
    if (Option.isNone(upgraded)) {
      yield* Metric.update(Metrics.streamsRefused("handshake"), 1)
      return HttpServerResponse.empty()
    }
    yield* MediaStream.accept(upgraded.value.socket, upgraded.value.fastPath, limits).pipe(
      Effect.flatMap(serve),
      Effect.catchTag("StreamClosed", (error) =>
        Effect.andThen(
          Metric.update(Metrics.streamsRefused(error.reason), 1),
          refusals.tell(`closed: ${error.reason}`, Effect.logWarning(error.message))
        ))
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped)

  yield* router.add("GET", path, handle)
}))
