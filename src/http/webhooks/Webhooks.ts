/**
 * Twilio's webhooks: a call asks what to do, a call reports, a stream reports. All are signed.
 */
import { Effect, Layer, Metric, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { Agents } from "../../agent/Agents.ts"
import type { Call } from "../../call/Call.ts"
import * as CallerShare from "../../call/CallerShare.ts"
import { CallRegistry } from "../../call/CallRegistry.ts"
import { type Asked, CallEvent, type EndReason, isGivenUp, isTerminal } from "../../call/CallState.ts"
import * as MediaHost from "../../call/MediaHost.ts"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { Credentials } from "../../config/Credentials.ts"
import type { CallSid } from "../../domain/Sid.ts"
import { loggable } from "../../observability/LogText.ts"
import * as Metrics from "../../observability/Metrics.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import { parameterName, StreamToken } from "../../twilio/webhook/StreamToken.ts"
import * as TwiML from "../../twilio/webhook/TwiML.ts"
import { CallParameters, type CallStatus, ContinueParameters, StatusParameters, StreamParameters } from "../../twilio/webhook/WebhookParameters.ts"
import { InvalidRequest, InvalidSignature } from "../api/Problems.ts"
import * as SignedRequest from "./SignedRequest.ts"

const twiml = (document: string) => HttpServerResponse.text(document, { contentType: "text/xml; charset=utf-8" })

const decoder = <A>(schema: Schema.ConstraintCodec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (path: string, parameters: unknown) =>
    decode(parameters).pipe(
      Effect.tapError(() => Metric.update(Metrics.webhooksRefused(path, "malformed"), 1)),
      Effect.mapError((error) => new InvalidRequest({ detail: error.message.replaceAll(/\s+/g, " ") }))
    )
}

const decodeCall = decoder(CallParameters)
const decodeContinue = decoder(ContinueParameters)
const decodeStatus = decoder(StatusParameters)
const decodeStream = decoder(StreamParameters)

export const paths = ["/twiml", "/twilio/continue", "/twilio/status", "/twilio/stream"] as const

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const signed = yield* SignedRequest.make
  const { account } = yield* Credentials
  const registry = yield* CallRegistry
  const agents = yield* Agents
  const tokens = yield* StreamToken
  const replays = yield* SampledLog.make

  /** Twilio hangs up as soon as it has read this: the call is over, and a replay of its webhooks finds it so. */
  const hangUp = (callSid: CallSid, reason: EndReason) => Effect.as(registry.end(callSid, reason), twiml(TwiML.hangUp()))

  /** Says a sentence to a call that has no place here, and hangs up. */
  const turnAway = (callSid: CallSid, sentence: string) =>
    Effect.as(registry.end(callSid, "requested"), twiml(TwiML.sayAndHangUp(sentence)))

  const refuseEnded = (path: typeof paths[number], callSid: CallSid) =>
    Metric.update(Metrics.endedCallsRefused(path), 1).pipe(
      // A replay can come as often as somebody likes.
      Effect.andThen(replays.tell(path, Effect.annotateLogs(Effect.logInfo("A webhook of a call that has ended was answered with a hang-up"), { path, callSid }))),
      Effect.as(twiml(TwiML.hangUp()))
    )

  /**
   * The answer to a call that is over, if it is: Twilio says so with the request, or its end is known already. Nothing
   * else in the request matters then.
   */
  const answerToEnded = Effect.fnUntraced(function*(
    path: typeof paths[number],
    callSid: CallSid,
    status: Option.Option<CallStatus>
  ) {
    if (Option.isSome(status) && isTerminal(status.value)) {
      yield* registry.report(callSid, status.value, -1)
      return Option.some(twiml(TwiML.hangUp()))
    }
    return (yield* registry.hasEnded(callSid, Option.getOrUndefined(status))) ? Option.some(yield* refuseEnded(path, callSid)) : Option.none()
  })

  /** Connects the call's sound: to this service, or to the WebSocket that the caller of the API named. */
  const connect = Effect.fnUntraced(function*(call: Call, base: string, asked: Asked, websocketUrl: string | undefined, step = 0) {
    const state = yield* call.dispatch(CallEvent.Answered({ streamsHere: websocketUrl === undefined, asked, step }))
    if (isGivenUp(state)) return yield* hangUp(call.info.callSid, "requested")
    const isOurs = websocketUrl === undefined || MediaHost.isOwn(websocketUrl, base)
    return twiml(TwiML.connectStream({
      url: websocketUrl ?? `${SignedRequest.toWebSocketUrl(base)}/ws`,
      // After a stream that is not ours there is nothing to go on with.
      action: `${base}/twilio/continue${websocketUrl !== undefined ? "?then=hangup" : state.step > 0 ? `?step=${state.step}` : ""}`,
      statusCallback: `${base}/twilio/stream`,
      // A token lets its holder speak on the call: nobody else's server is given one.
      parameters: isOurs ? { [parameterName]: yield* tokens.issue(call.info.callSid) } : {}
    }))
  })

  /**
   * A number's webhook, or the URL of a call that we placed, may name the agent: `/twiml?agent=…`. Else the
   * number decides that was called.
   */
  const agentFor = (name: string | undefined, called: Option.Option<PhoneNumber>) =>
    name === undefined ? Effect.succeed(agents.forNumber(called)) : agents.find(name)

  const answer = Effect.fn("/twiml")(function*(request: HttpServerRequest.HttpServerRequest) {
    const { base, parameters, query } = yield* signed.webhook("/twiml", request)
    const call = yield* decodeCall("/twiml", parameters)
    if (call.AccountSid !== account.accountSid) {
      yield* Metric.update(Metrics.webhooksRefused("/twiml", "foreign account"), 1)
      return yield* new InvalidSignature({ detail: "The call is of another account than TWILIO_ACCOUNT_SID." })
    }
    const ended = yield* answerToEnded("/twiml", call.CallSid, call.CallStatus)
    if (Option.isSome(ended)) return ended.value
    return yield* Effect.gen(function*() {
      const agent = yield* agentFor(query["agent"], call.Direction === "inbound" ? call.To : Option.none())
      const isInbound = call.Direction === "inbound"
      const callerKey = isInbound ? CallerShare.keyOf(parameters["From"]) : undefined
      const admitted = yield* registry.admit({
        callSid: call.CallSid,
        direction: isInbound ? "inbound" : "outbound",
        from: call.From,
        to: call.To,
        agent,
        ...(callerKey === undefined ? {} : { callerKey }),
        continueUrl: `${base}/twilio/continue`
      })
      return yield* connect(admitted, base, "first", query["websocket_url"])
    }).pipe(
      Effect.catchTag("CallHasEnded", () => refuseEnded("/twiml", call.CallSid)),
      Effect.catchTag("LineBusy", () =>
        turnAway(call.CallSid, "All our lines are busy. Please call again in a few minutes. Goodbye.")),
      Effect.catchTag("UnknownAgent", (error) =>
        Effect.andThen(
          Effect.logError(`A webhook's URL names an agent that can't answer. ${error.message}`),
          turnAway(call.CallSid, "This number is not set up correctly. Goodbye.")
        )),
      Effect.annotateLogs({ callSid: call.CallSid })
    )
  })

  /** Twilio's `<Connect action>`, or `<Dial action>` of a transfer: that is over, what next? */
  const proceed = Effect.fn("/twilio/continue")(function*(request: HttpServerRequest.HttpServerRequest) {
    const { base, parameters, query } = yield* signed.webhook("/twilio/continue", request)
    const { CallSid, CallStatus, DialCallStatus } = yield* decodeContinue("/twilio/continue", parameters)
    const ended = yield* answerToEnded("/twilio/continue", CallSid, CallStatus)
    if (Option.isSome(ended)) return ended.value
    const call = yield* registry.find(CallSid)
    if (Option.isNone(call)) return yield* hangUp(CallSid, "requested")
    if (query["then"] === "hangup") return yield* hangUp(CallSid, "completed")
    // They have talked to each other. Who found nobody comes back to the agent.
    if (DialCallStatus === "completed" || DialCallStatus === "answered") return yield* hangUp(CallSid, "transferred")
    return yield* connect(call.value, base, DialCallStatus === "" ? "afterStream" : "afterTransfer", undefined, Number(query["step"] ?? 0))
  })

  const status = Effect.fn("/twilio/status")(function*(request: HttpServerRequest.HttpServerRequest) {
    const { parameters } = yield* signed.webhook("/twilio/status", request)
    const report = yield* decodeStatus("/twilio/status", parameters)
    yield* registry.report(report.CallSid, report.CallStatus, report.SequenceNumber)
    return HttpServerResponse.empty()
  })

  const stream = Effect.fn("/twilio/stream")(function*(request: HttpServerRequest.HttpServerRequest) {
    const { parameters } = yield* signed.webhook("/twilio/stream", request)
    const report = yield* decodeStream("/twilio/stream", parameters)
    const log = report.StreamEvent === "stream-error"
      ? Effect.logWarning("Twilio reports an error of a media stream")
      : Effect.logDebug(`Twilio reports ${report.StreamEvent}`)
    yield* log.pipe(
      Effect.annotateLogs({ callSid: report.CallSid, streamSid: report.StreamSid, streamError: loggable(report.StreamError) })
    )
    return HttpServerResponse.empty()
  })

  const route = (
    path: typeof paths[number],
    handler: typeof answer | typeof status
  ) => {
    const handle = HttpServerRequest.HttpServerRequest.use(handler).pipe(
      Effect.catch((problem) => HttpServerRespondable.toResponse(problem))
    )
    return Effect.andThen(router.add("POST", path, handle), router.add("GET", path, handle))
  }

  yield* route("/twiml", answer)
  yield* route("/twilio/continue", proceed)
  yield* route("/twilio/status", status)
  yield* route("/twilio/stream", stream)
})) satisfies Layer.Layer<never, unknown, unknown>
