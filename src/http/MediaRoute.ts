/**
 * `GET /ws`: the Media Streams WebSocket, from the upgrade to the call that it belongs to.
 *
 * Refused before the upgrade: what Twilio did not sign (403). Refused after it, with a close code: a
 * stream that does not start, or that has no token of a call that we answered (1008).
 */
import { Effect, Metric, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import type { IncomingMessage } from "node:http"
import { CallRegistry } from "../call/CallRegistry.ts"
import { AppConfig } from "../config/AppConfig.ts"
import { Identity } from "../config/Identity.ts"
import * as Metrics from "../observability/Metrics.ts"
import * as MediaStream from "../twilio/MediaStream.ts"
import { parameterName, StreamToken } from "../twilio/StreamToken.ts"
import { UpgradeRequired } from "./Problems.ts"
import * as SignedRequest from "./SignedRequest.ts"

/** What the connection holds back: `ws` has no other measure of a peer that does not read. */
const unsentBytes = (request: HttpServerRequest.HttpServerRequest) => {
  const { socket } = request.source as IncomingMessage
  return () => socket.writableLength
}

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const { limits } = yield* AppConfig
  const { account } = yield* Identity
  const registry = yield* CallRegistry
  const tokens = yield* StreamToken
  const signed = yield* SignedRequest.make

  const refuse = Effect.fnUntraced(function*(stream: MediaStream.MediaStream, reason: string) {
    yield* Metric.update(Metrics.streamsRefused(reason), 1)
    yield* Effect.logWarning("A media stream was refused").pipe(Effect.annotateLogs({ reason }))
    yield* stream.close(1008, `refused: ${reason}`)
  })

  const serve = Effect.fnUntraced(function*(stream: MediaStream.MediaStream) {
    const { callSid } = stream.start
    if (stream.start.accountSid !== account.accountSid) return yield* refuse(stream, "foreign account")
    const problem = yield* tokens.redeem(stream.start.customParameters[parameterName], callSid).pipe(
      Effect.match({ onSuccess: () => undefined, onFailure: (problem) => `token ${problem}` })
    )
    if (problem !== undefined) return yield* refuse(stream, problem)
    const call = yield* registry.find(callSid)
    if (Option.isNone(call)) return yield* refuse(stream, "unknown call")
    if (!(yield* call.value.stream(stream))) return yield* refuse(stream, "call has a stream or has ended")
  })

  const handle = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.headers["upgrade"]?.toLowerCase() !== "websocket") {
      return yield* HttpServerRespondable.toResponse(
        new UpgradeRequired({ detail: "Twilio Media Streams connect here by WebSocket." })
      )
    }
    const refusal = yield* Effect.flip(signed.upgrade(request)).pipe(Effect.option)
    if (Option.isSome(refusal)) return yield* HttpServerRespondable.toResponse(refusal.value)
    yield* request.upgrade.pipe(
      Effect.flatMap((socket) => MediaStream.accept(socket, limits, unsentBytes(request))),
      Effect.flatMap(serve),
      Effect.catchTag("StreamClosed", (error) =>
        Effect.andThen(
          Metric.update(Metrics.streamsRefused(error.reason), 1),
          Effect.logWarning(error.message)
        )),
      Effect.catchTag("HttpServerError", (error) => Effect.logWarning("The WebSocket upgrade failed", error.message))
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped)

  yield* router.add("GET", "/ws", handle)
}))
