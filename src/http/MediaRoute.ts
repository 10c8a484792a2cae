/**
 * `GET /ws`: upgrades a request to the Media Streams WebSocket, and connects the stream to its call.
 *
 * A request that Twilio did not sign is refused before the upgrade (403). After the upgrade, the WebSocket is closed if no stream starts on
 * it, or with code 1008 if the stream has no valid token of a live call.
 */
import { Duration, Effect, Metric, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { constVoid } from "effect/Function"
import type { IncomingMessage } from "node:http"
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws"
import { CallRegistry } from "../call/CallRegistry.ts"
import { AppConfig } from "../config/AppConfig.ts"
import { Credentials } from "../config/Credentials.ts"
import type { CallSid } from "../domain/Sid.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as SampledLog from "../observability/SampledLog.ts"
import { CallStore } from "../store/CallStore.ts"
import * as MediaStream from "../twilio/media/MediaStream.ts"
import * as WebSocketFastPath from "../twilio/media/socket/WebSocketFastPath.ts"
import { parameterName, StreamToken } from "../twilio/webhook/StreamToken.ts"
import { UpgradeRequired } from "./api/Problems.ts"
import { PublicUrl } from "./connections/PublicUrl.ts"
import * as SignedRequest from "./webhooks/SignedRequest.ts"
import * as CallsElsewhere from "./webhooks/CallsElsewhere.ts"
import * as RequestTurns from "./connections/RequestTurns.ts"

export const path = "/ws"

/** How long the check of a token waits for the store. After that, only this process's memory decides. */
const storeTimeout = Duration.millis(250)

/** How long a peer may take to answer our close before the connection is cut, in ms. An option of `ws`. */
const closeTimeout = 5000

/**
 * Limits of `ws`: how many fragments a message may have, and how many chunks of an unfinished frame are buffered. Each fragment or chunk
 * takes a few hundred bytes of memory, and an attacker could send a message of 64 KiB in 65,536 of them. Twilio sends each message as one
 * frame of a few hundred bytes.
 */
const maxFragments = 256
const maxBufferedChunks = 1024

/** RFC 6455: a client sends nothing before the upgrade is answered, so no bytes of the WebSocket have been read yet. */
const noBytes = Buffer.alloc(0)

const makeUpgrade = Effect.fnUntraced(function*(maxPayload: number, hasFastPath: boolean) {
  const server = yield* Effect.acquireRelease(
    // The types of `ws` lack some of these options, which its documentation has.
    Effect.sync(() => new WebSocketServer({ noServer: true, maxPayload, maxFragments, maxBufferedChunks, closeTimeout } as ServerOptions)),
    (server) =>
      Effect.sync(() => {
        for (const client of server.clients) client.terminate()
        server.close()
      })
  )
  /**
   * Upgrades a request to a WebSocket. `None`: the handshake was invalid, for example because a proxy removed its headers, and `ws` has
   * answered it.
   *
   * The end of the scope closes the WebSocket and waits until its connection is gone. Otherwise the HTTP server would write the handler's
   * response to the open connection.
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
        // Without a `verifyClient`, `ws` calls this function before `handleUpgrade` returns, or never.
        server.handleUpgrade(request.source as IncomingMessage, socket, noBytes, (webSocket) => {
          upgraded = webSocket
          // An `error` event needs a listener. A `close` event always follows it.
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
  const store = yield* CallStore
  const callsElsewhere = yield* CallsElsewhere.make
  const publicUrl = yield* PublicUrl
  const signed = yield* SignedRequest.make
  const upgrade = yield* makeUpgrade(limits.messageBytes, server.hasMediaFastPath)
  const refusalLog = yield* SampledLog.make

  const refuse = Effect.fnUntraced(function*(stream: MediaStream.MediaStream, reason: string) {
    yield* Metric.update(Metrics.streamsRefused(reason), 1)
    yield* refusalLog.write(reason, Effect.annotateLogs(Effect.logWarning("A media stream was refused"), { reason }))
    yield* stream.close(1008, `refused: ${reason}`)
  })

  /**
   * Marks a token as used in the store, which all processes share. Returns whether this is its first use. If the store does not answer, the
   * use counts as the first: `StreamToken` has already checked this process's memory.
   */
  const redeemInStore = (nonce: string) => Effect.orElseSucceed(Effect.timeout(store.redeem(nonce), storeTimeout), () => true)

  /** Finds the call of a stream. If another process answered that call, takes it over from the store. */
  const findCall = Effect.fnUntraced(function*(callSid: CallSid) {
    const here = yield* registry.findForStream(callSid)
    if (Option.isSome(here) || (yield* registry.hasEnded(callSid))) return here
    // The process that answered the call may be about to store it.
    const standing = yield* callsElsewhere.standing(callSid, true)
    if (standing._tag !== "New" && standing._tag !== "Live") return here
    return yield* Effect.option(callsElsewhere.takeOver(standing.stored, publicUrl.configured))
  })

  const serve = Effect.fnUntraced(function*(stream: MediaStream.MediaStream) {
    const { callSid } = stream.start
    if (stream.start.accountSid !== account.accountSid) return yield* refuse(stream, "foreign account")
    const problem = yield* tokens.redeem(stream.start.customParameters[parameterName], callSid).pipe(
      Effect.flatMap(redeemInStore),
      Effect.match({ onSuccess: (isFirst) => isFirst ? undefined : "token used", onFailure: ({ reason }) => `token ${reason}` })
    )
    if (problem !== undefined) return yield* refuse(stream, problem)
    // A stream that is lost before it begins must not take its call away from the next stream, which may be in another process.
    const found = yield* Effect.raceFirst(Effect.asSome(findCall(callSid)), Effect.as(stream.closed, Option.none()))
    if (Option.isNone(found)) return
    const call = found.value
    if (Option.isNone(call)) {
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
    const refusal = yield* Effect.flip(signed.checkUpgrade(path, request)).pipe(Effect.option)
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
          refusalLog.write(`closed: ${error.reason}`, Effect.logWarning(error.message))
        ))
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped)

  yield* router.add("GET", path, handle)
}))
