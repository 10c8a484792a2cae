/**
 * The TwiML documents that tell Twilio what to do with a call. Each answer also changes the state of the call.
 */
import { Effect, Metric, Option, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import type { Call } from "../../call/Call.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { type TwimlRequest, CallEvent, type EndReason, isGivenUp, isTerminal } from "../../call/CallState.ts"
import * as MediaHost from "../../call/MediaHost.ts"
import { AppConfig } from "../../config/AppConfig.ts"
import * as Contradictions from "../../config/Contradictions.ts"
import * as ContinueUrl from "../../call/registry/ContinueUrl.ts"
import type { CallSid } from "../../domain/Sid.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { parameterName, StreamToken } from "../../twilio/webhook/StreamToken.ts"
import * as TwiML from "../../twilio/webhook/TwiML.ts"
import type { CallStatus } from "../../twilio/webhook/WebhookParameters.ts"
import * as WebhookUrls from "../../twilio/webhook/WebhookUrls.ts"
import * as SignedRequest from "./SignedRequest.ts"

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse>

interface CallAnswers {
  /** Ends the call. Twilio hangs up when it has read the answer. A replayed webhook of this call is answered like one of an ended call. */
  readonly hangUp: (callSid: CallSid, reason: EndReason) => Answer
  /** Says a sentence on a call that the service does not accept, and hangs up. */
  readonly turnAway: (callSid: CallSid, sentence: string) => Answer
  /** The answer to a webhook of a call that has ended. */
  readonly refuseEnded: (path: string, callSid: CallSid) => Answer
  /** The answer if the call has ended, by this request's `CallStatus` or earlier. `None`: the call goes on. */
  readonly ifEnded: (path: string, callSid: CallSid, status: Option.Option<CallStatus>) => Effect.Effect<Option.Option<HttpServerResponse.HttpServerResponse>>
  /** Connects the call's sound to this service or, if `websocketUrl` is given, to that WebSocket. */
  readonly connect: (options: {
    readonly call: Call
    /** The base URL that Twilio called. */
    readonly base: string
    readonly request: TwimlRequest
    /** The WebSocket that the request `POST /call/outbound` named. */
    readonly websocketUrl?: string | undefined
    /** The step of the call that the webhook's URL names; 0 for a new call. */
    readonly step?: number
  }) => Answer
}

const plainAddress =
  "Twilio called this service at an http:// address, but it sends a call's sound only over wss://. Set the webhook's address in Twilio's console to https://."

const twiml = (document: string) => HttpServerResponse.text(document, { contentType: "text/xml; charset=utf-8" })

/** The URL that Twilio requests when the stream has ended. */
const actionUrl = ({ info }: Call, base: string, hasNamedWebSocket: boolean, step: number): string =>
  // A call ends after its stream to a named WebSocket. The query is text, because an object with the key `then` would look like a promise.
  hasNamedWebSocket ? `${WebhookUrls.of(base, "/twilio/continue")}?then=hangup` : ContinueUrl.of(info, base, step)

export const make: Effect.Effect<CallAnswers, never, AppConfig | CallRegistry | StreamToken | Scope.Scope> = Effect.gen(function*() {
  const { twilio } = yield* AppConfig
  const registry = yield* CallRegistry
  const tokens = yield* StreamToken
  const replayLog = yield* SampledLog.make
  const plainLog = yield* SampledLog.make

  /** Our WebSocket. Twilio itself opens only `wss://`, even if a proxy also takes its webhooks over `http://`. */
  const ownWebSocket = Effect.fnUntraced(function*(base: string) {
    const url = `${SignedRequest.toWebSocketUrl(base)}/ws`
    if (url.startsWith("wss:") || !Contradictions.isRealTwilio(twilio)) return url
    yield* plainLog.write("plain", Effect.logWarning(plainAddress))
    return url.replace(/^ws:/, "wss:")
  })

  const hangUp: CallAnswers["hangUp"] = (callSid, reason) => Effect.as(registry.end(callSid, reason), twiml(TwiML.hangUp()))

  const refuseEnded: CallAnswers["refuseEnded"] = (path, callSid) =>
    Metric.update(Metrics.endedCallsRefused(path), 1).pipe(
      // A webhook can be replayed any number of times.
      Effect.andThen(replayLog.write(path, Effect.annotateLogs(Effect.logInfo("A webhook of a call that has ended was answered with a hang-up"), { path, callSid }))),
      Effect.as(twiml(TwiML.hangUp()))
    )

  return {
    hangUp,
    turnAway: (callSid, sentence) => Effect.as(registry.end(callSid, "requested"), twiml(TwiML.sayAndHangUp(sentence))),
    refuseEnded,
    ifEnded: Effect.fnUntraced(function*(path, callSid, status) {
      if (Option.isSome(status) && isTerminal(status.value)) {
        // This webhook has no sequence number. -1 is older than any status report.
        yield* registry.report(callSid, status.value, -1)
        return Option.some(twiml(TwiML.hangUp()))
      }
      const hasEnded = yield* registry.hasEnded(callSid, Option.getOrUndefined(status))
      return hasEnded ? Option.some(yield* refuseEnded(path, callSid)) : Option.none()
    }),
    connect: Effect.fnUntraced(function*({ base, call, request, step = 0, websocketUrl }) {
      const hasNamedWebSocket = websocketUrl !== undefined
      const state = yield* call.dispatch(CallEvent.Answered({ streamsHere: !hasNamedWebSocket, request, step }))
      if (isGivenUp(state)) return yield* hangUp(call.info.callSid, "requested")
      const isOurs = !hasNamedWebSocket || MediaHost.isOwn(websocketUrl, base)
      return twiml(TwiML.connectStream({
        url: websocketUrl ?? (yield* ownWebSocket(base)),
        action: actionUrl(call, base, hasNamedWebSocket, state.step),
        statusCallback: WebhookUrls.of(base, "/twilio/stream"),
        // Whoever has a token can speak on the call, so no token is sent to another server.
        parameters: isOurs ? { [parameterName]: yield* tokens.issue(call.info.callSid) } : {}
      }))
    })
  }
})
