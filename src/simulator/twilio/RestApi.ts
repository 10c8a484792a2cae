/**
 * Twilio's REST API for calls: create, fetch, list, change. Requests are forms, answers are JSON in snake case.
 *
 * https://www.twilio.com/docs/voice/api/call-resource
 */
import { NodeHttpServerRequest } from "@effect/platform-node"
import { DateTime, Deferred, Effect, Option, Queue, Redacted, Result } from "effect"
import { HttpServerRequest, HttpServerResponse, UrlParams } from "effect/http"
import type { AccountSid } from "../../domain/Sid.ts"
import { isTerminal } from "../report/SimulatedCallEvent.ts"
import * as CallRequest from "./CallRequest.ts"
import type { RestFault } from "./Faults.ts"
import { end, type PhoneCall, view } from "../caller/PhoneCall.ts"
import * as TwimlBins from "./twiml/TwimlBins.ts"
import { rfc2822 } from "./webhook/StatusCallbacks.ts"

/** A request to the API. `parameters`: the fields of the form or, for a GET, of the query. */
export interface RestRequest {
  readonly method: string
  readonly path: string
  readonly parameters: CallRequest.Form
  /** Whether the credentials were right. */
  readonly authorized: boolean
}

/** The parts of the simulator that the API uses. */
interface Backend {
  readonly accountSid: AccountSid
  readonly authToken: Redacted.Redacted
  /** Records a request and returns its fault. */
  readonly receive: (request: RestRequest) => Effect.Effect<RestFault>
  readonly dial: (request: CallRequest.CallRequest) => Effect.Effect<PhoneCall>
  readonly calls: ReadonlyMap<string, PhoneCall>
  readonly bins: TwimlBins.Bins
}

const error = (status: number, code: number, message: string) =>
  HttpServerResponse.jsonUnsafe(
    { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
    { status }
  )

const notFound = (path: string) => error(404, 20404, `The requested resource ${path} was not found`)

const date = (millis: number | undefined) => millis === undefined ? null : rfc2822(millis)

/** Twilio's call resource. */
const toJson = (accountSid: AccountSid, call: PhoneCall) => {
  const uri = `/2010-04-01/Accounts/${accountSid}/Calls/${call.sid}`
  return {
    sid: call.sid,
    date_created: date(call.createdAt),
    date_updated: date(call.updatedAt),
    parent_call_sid: null,
    account_sid: accountSid,
    to: call.to,
    to_formatted: call.to,
    from: call.from,
    from_formatted: call.from,
    phone_number_sid: null,
    // `initiated` is a state only of status callbacks.
    status: call.status === "initiated" ? "queued" : call.status,
    start_time: date(call.startedAt),
    end_time: date(call.endedAt),
    duration: call.startedAt === undefined || call.endedAt === undefined
      ? null
      : `${Math.ceil((call.endedAt - call.startedAt) / 1000)}`,
    price: null,
    price_unit: "USD",
    direction: call.direction,
    answered_by: call.answeredBy ?? null,
    api_version: "2010-04-01",
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: `${call.queueTime}`,
    trunk_sid: null,
    uri: `${uri}.json`,
    subresource_uris: { recordings: `${uri}/Recordings.json`, streams: `${uri}/Streams.json`, events: `${uri}/Events.json` }
  }
}

const millisOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Option.getOrUndefined(Option.map(DateTime.make(text), DateTime.toEpochMillis))

/** Whether a call passes the filters of a list. A filter that can't be read is ignored. */
const matches = (filters: CallRequest.Form) => {
  const to = CallRequest.firstValue(filters, "To")
  const from = CallRequest.firstValue(filters, "From")
  const status = CallRequest.firstValue(filters, "Status")
  const after = millisOf(CallRequest.firstValue(filters, "StartTime>"))
  const before = millisOf(CallRequest.firstValue(filters, "StartTime<"))
  return (call: PhoneCall): boolean => {
    // For a call that was not answered, the time of its creation counts.
    const started = call.startedAt ?? call.createdAt
    return (to === undefined || call.to === to) &&
      (from === undefined || call.from === from) &&
      (status === undefined || call.status === status) &&
      (after === undefined || started >= after) &&
      (before === undefined || started <= before)
  }
}

const list = (backend: Backend, path: string, filters: CallRequest.Form) => {
  const size = Math.min(1000, Math.max(1, Number(CallRequest.firstValue(filters, "PageSize") ?? 50) || 50))
  const page = Math.max(0, Number(CallRequest.firstValue(filters, "Page") ?? 0) || 0)
  // Twilio lists the newest call first.
  const found = [...backend.calls.values()].filter(matches(filters)).toReversed()
  const uriOf = (number: number) => `${path}?PageSize=${size}&Page=${number}`
  const calls = found.slice(page * size, (page + 1) * size)
  return HttpServerResponse.jsonUnsafe({
    calls: calls.map((call) => toJson(backend.accountSid, call)),
    page,
    page_size: size,
    start: page * size,
    end: page * size + Math.max(0, calls.length - 1),
    uri: uriOf(page),
    first_page_uri: uriOf(0),
    next_page_uri: found.length > (page + 1) * size ? uriOf(page + 1) : null,
    previous_page_uri: page > 0 ? uriOf(page - 1) : null
  })
}

const notChangeable = (why: string) => error(400, 21220, `Call is not in a state that can be changed: ${why}.`)

/** Changes a call: hangs it up, cancels it, or continues it with other TwiML. */
const change = Effect.fnUntraced(function*(backend: Backend, call: PhoneCall, form: CallRequest.Form) {
  const status = CallRequest.firstValue(form, "Status")
  if (isTerminal(call.status) || Deferred.isDoneUnsafe(call.ending)) return notChangeable("it is over")
  if (status === "canceled") {
    if (call.status === "in-progress") return notChangeable("it is in progress")
    yield* end(call, "canceled")
  } else if (status === "completed") {
    yield* end(call, "completed")
  } else if (status !== undefined) {
    return error(400, 20001, "Status has to be 'completed' or 'canceled'.")
  } else {
    const source = CallRequest.redirect(form)
    if (source === undefined) return error(400, 20001, "One of Url, Twiml and Status is required.")
    if (Result.isFailure(source)) return error(400, source.failure.code, source.failure.message)
    if (call.status !== "in-progress") return notChangeable("it is not in progress")
    yield* Queue.offer(call.redirects, source.success)
  }
  return HttpServerResponse.jsonUnsafe(toJson(backend.accountSid, call))
})

/** Waits until the service has answered the callback of a status, or all of the call's callbacks. */
const awaitCallback = (call: PhoneCall, until: "ringing" | "in-progress" | "end"): Effect.Effect<unknown> =>
  until === "end"
    ? view(call).settled
    : view(call).awaitEvent("Webhook", ({ kind, parameters }) => kind === "status" && parameters["CallStatus"] === until)

const create = Effect.fnUntraced(function*(
  backend: Backend,
  form: CallRequest.Form,
  beforeAnswer: (call: PhoneCall) => Effect.Effect<unknown>
) {
  const request = CallRequest.parse(form)
  if (Result.isFailure(request)) return error(400, request.failure.code, request.failure.message)
  const call = yield* backend.dial(request.success)
  // The answer is made before the wait, because Twilio's answer shows the call in its first state.
  const answer = HttpServerResponse.jsonUnsafe(toJson(backend.accountSid, call), { status: 201 })
  return yield* Effect.as(beforeAnswer(call), answer)
})

const resource = /^\/2010-04-01\/Accounts\/([^/]+)\/Calls(?:\/([^/]+))?\.json$/

const route = (
  backend: Backend,
  request: RestRequest,
  beforeAnswer: (call: PhoneCall) => Effect.Effect<unknown> = () => Effect.void
) => {
  const match = resource.exec(request.path)
  if (match === null || match[1] !== backend.accountSid) return Effect.succeed(notFound(request.path))
  const sid = match[2]
  if (sid === undefined) {
    return request.method === "POST"
      ? create(backend, request.parameters, beforeAnswer)
      : Effect.succeed(list(backend, request.path, request.parameters))
  }
  const call = backend.calls.get(sid)
  if (call === undefined) return Effect.succeed(notFound(request.path))
  return request.method === "POST"
    ? change(backend, call, request.parameters)
    : Effect.succeed(HttpServerResponse.jsonUnsafe(toJson(backend.accountSid, call)))
}

/** Serves a TwiML Bin. A request for a bin has none of the REST API's faults, and needs no credentials. */
const bin = (bins: TwimlBins.Bins, path: string) => {
  const document = TwimlBins.find(bins, path)
  return document === undefined ? notFound(path) : HttpServerResponse.text(document, { contentType: "text/xml" })
}

export const handle = (backend: Backend) => {
  const credentials = `${backend.accountSid}:${Redacted.value(backend.authToken)}`
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`
  return Effect.gen(function*() {
    const http = yield* HttpServerRequest.HttpServerRequest
    const url = new URL(http.url, "http://simulator")
    if (TwimlBins.isBin(url.pathname)) return bin(backend.bins, url.pathname)
    const parameters = http.method === "POST"
      ? UrlParams.toReadonlyRecord(yield* http.urlParamsBody)
      : UrlParams.toReadonlyRecord(UrlParams.fromInput(url.searchParams))
    const request: RestRequest = {
      method: http.method,
      path: url.pathname,
      parameters,
      authorized: http.headers["authorization"] === authorization
    }
    const fault = yield* backend.receive(request)
    switch (fault._tag) {
      case "Hang":
        return yield* Effect.never
      case "Cut": {
        NodeHttpServerRequest.toIncomingMessage(http).socket.destroy()
        return yield* Effect.never
      }
      case "Reply":
        return error(fault.status, fault.code, fault.message)
      case "AcceptThenHang":
        if (request.authorized) yield* route(backend, request)
        return yield* Effect.never
      case "AnswerLate":
        return request.authorized
          ? yield* route(backend, request, (call) => awaitCallback(call, fault.until))
          : error(401, 20003, "Authenticate")
      case "Pass":
        return request.authorized ? yield* route(backend, request) : error(401, 20003, "Authenticate")
    }
    // A handler without a router is uninterruptible by default. If it hung, it would outlive the server.
  }).pipe(Effect.interruptible)
}
