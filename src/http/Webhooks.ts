/**
 * Twilio's webhooks: a call asks what to do, a call reports, a stream reports. All are signed.
 */
import { Effect, Layer, Metric, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { Agents } from "../agent/Agents.ts"
import type { Call } from "../call/Call.ts"
import { CallRegistry } from "../call/CallRegistry.ts"
import { CallEvent } from "../call/CallState.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import * as Metrics from "../observability/Metrics.ts"
import { parameterName, StreamToken } from "../twilio/StreamToken.ts"
import * as TwiML from "../twilio/TwiML.ts"
import { CallParameters, ContinueParameters, StatusParameters, StreamParameters } from "../twilio/Webhook.ts"
import { InvalidRequest } from "./Problems.ts"
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
  const registry = yield* CallRegistry
  const agents = yield* Agents
  const tokens = yield* StreamToken

  /** Connects the call's sound: to this service, or to the WebSocket that the caller of the API named. */
  const connect = Effect.fnUntraced(function*(call: Call, base: string, websocketUrl: string | undefined) {
    const { phase } = yield* call.dispatch(CallEvent.Answered({ streamsHere: websocketUrl === undefined }))
    if (phase._tag === "Ending" || phase._tag === "Ended") {
      yield* call.dispatch(CallEvent.Released({ reason: phase.reason }))
      return twiml(TwiML.hangUp())
    }
    return twiml(TwiML.connectStream({
      url: websocketUrl ?? `${SignedRequest.toWebSocketUrl(base)}/ws`,
      // After a stream that is not ours there is nothing to go on with.
      action: `${base}/twilio/continue${websocketUrl === undefined ? "" : "?then=hangup"}`,
      statusCallback: `${base}/twilio/stream`,
      parameters: { [parameterName]: yield* tokens.issue(call.info.callSid) }
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
    return yield* Effect.gen(function*() {
      const agent = yield* agentFor(query["agent"], call.Direction === "inbound" ? call.To : Option.none())
      const admitted = yield* registry.admit({
        callSid: call.CallSid,
        direction: call.Direction === "inbound" ? "inbound" : "outbound",
        from: call.From,
        to: call.To,
        agent,
        continueUrl: `${base}/twilio/continue`
      })
      return yield* connect(admitted, base, query["websocket_url"])
    }).pipe(
      Effect.catchTag("LineBusy", () =>
        Effect.succeed(twiml(TwiML.sayAndHangUp("All our lines are busy. Please call again in a few minutes. Goodbye.")))),
      Effect.catchTag("UnknownAgent", (error) =>
        Effect.as(
          Effect.logError(`A webhook's URL names an agent that can't answer. ${error.message}`),
          twiml(TwiML.sayAndHangUp("This number is not set up correctly. Goodbye."))
        )),
      Effect.annotateLogs({ callSid: call.CallSid })
    )
  })

  /** Twilio's `<Connect action>`, or `<Dial action>` of a transfer: that is over, what next? */
  const proceed = Effect.fn("/twilio/continue")(function*(request: HttpServerRequest.HttpServerRequest) {
    const { base, parameters, query } = yield* signed.webhook("/twilio/continue", request)
    const { CallSid, DialCallStatus } = yield* decodeContinue("/twilio/continue", parameters)
    const call = yield* registry.find(CallSid)
    if (Option.isNone(call)) return twiml(TwiML.hangUp())
    if (query["then"] === "hangup") {
      yield* call.value.dispatch(CallEvent.Released({ reason: "completed" }))
      return twiml(TwiML.hangUp())
    }
    // They have talked to each other. Who found nobody comes back to the agent.
    if (DialCallStatus === "completed" || DialCallStatus === "answered") {
      yield* call.value.dispatch(CallEvent.Released({ reason: "transferred" }))
      return twiml(TwiML.hangUp())
    }
    return yield* connect(call.value, base, undefined)
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
      Effect.annotateLogs({ callSid: report.CallSid, streamSid: report.StreamSid, streamError: report.StreamError })
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
