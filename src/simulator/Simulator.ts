/**
 * A simulated Twilio: it places and receives calls with the same REST API, webhooks, signatures, TwiML and WebSocket as the real Twilio. It
 * talks to the service only over the network. From the service's `twilio/` it imports only the message formats and the signature.
 *
 * The layer runs inside this process and listens on a port. `cli/main.ts` is the program.
 */
import { createServer } from "node:http"
import { NodeFileSystem, NodeHttpServer } from "@effect/platform-node"
import { Clock, Context, Effect, FiberSet, FileSystem, Layer, Option, PubSub, Redacted, Schema, Stream } from "effect"
import * as Pcm from "../audio/Pcm.ts"
import * as PhoneNumber from "../domain/PhoneNumber.ts"
import { AccountSid, CallSid } from "../domain/Sid.ts"
import * as Signature from "../twilio/webhook/Signature.ts"
import * as Caller from "./caller/Caller.ts"
import * as CallLife from "./twilio/CallLife.ts"
import type { CallRequest } from "./twilio/CallRequest.ts"
import { DialQueue } from "./twilio/DialQueue.ts"
import { type Faults, none } from "./twilio/Faults.ts"
import * as PhoneCall from "./caller/PhoneCall.ts"
import * as RestApi from "./twilio/RestApi.ts"
import { CallerSpeech } from "./caller/CallerSpeech.ts"
import { type RestFaults, RestRequests } from "./twilio/RestRequests.ts"
import type { Delivery } from "./twilio/webhook/StatusCallbacks.ts"
import { samplesPerMilli } from "./report/Timeline.ts"
import * as Telephones from "./twilio/Telephones.ts"
import * as TwimlBins from "./twilio/twiml/TwimlBins.ts"
import type { Method } from "./twilio/twiml/TwimlReader.ts"
import * as WebhookClient from "./twilio/webhook/WebhookClient.ts"

export interface Options {
  /** Default: {@link defaultAccountSid}. */
  readonly accountSid?: string
  /** Default: {@link defaultAuthToken}. */
  readonly authToken?: Redacted.Redacted
  /** The host on which the REST API listens. Default: loopback. */
  readonly host?: string
  /** The port of the REST API. Default: any free port. */
  readonly port?: number
  /** How many of the calls that the API creates may begin per second. Default: 1. Further calls wait with the status `queued`. */
  readonly callsPerSecond?: number
  /** How the telephones that the service calls behave. By default, everybody answers after a second and says nothing. */
  readonly phones?: Telephones.Phones
  readonly restFaults?: RestFaults
  readonly statusDelivery?: Delivery
  /** TwiML Bins by their names ({@link Simulator.binUrl}). */
  readonly bins?: TwimlBins.Bins
  /** How `<Say>` sounds: as speech, or (the default) as silence of about the same length. */
  readonly say?: "speech" | "silence"
  /** Requests to the host of `publicUrl` go to `serviceUrl` instead, as through a tunnel or proxy. They are signed for the public URL. */
  readonly reroute?: { readonly publicUrl: string; readonly serviceUrl: string }
}

/** A call from a telephone to one of the service's numbers. */
export interface PlaceCall {
  /** The caller's number. Both numbers are in E.164 form. */
  readonly from: string
  readonly to: string
  /** The number's voice webhook. It is signed exactly as it is written here. */
  readonly webhookUrl: string
  readonly method?: Method
  /** The number's fallback URL. It gets a POST when a webhook of the call has failed. */
  readonly fallbackUrl?: string
  /** The person who calls. Default: a silent person. */
  readonly caller?: Caller.Caller
  readonly faults?: Faults
  /** The number's own status callback, for the final state only. */
  readonly statusCallback?: string
}

/** The simulator can't be started, or can't place a call. */
class SimulatorError extends Schema.TaggedError<SimulatorError>()("SimulatorError", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

export const defaultAccountSid = "AC00000000000000000000000000000001"
export const defaultAuthToken = Redacted.make("simulator-auth-token")

/** Silence of about the length of the spoken text, at 15 characters a second. */
const silenceFor = (text: string): Pcm.Pcm<8000> =>
  Pcm.of(8000, new Int16Array(Math.round(text.length * 1000 / 15) * samplesPerMilli))

const decodeAccountSid = Schema.decodeUnknownEffect(AccountSid)

const parseNumber = (text: string) =>
  Option.match(PhoneNumber.parse(text), {
    onSome: Effect.succeed,
    onNone: () => Effect.fail(new SimulatorError({ message: "A number is not in E.164 form, such as +14155550100." }))
  })

/** The URL to which a request is really sent. */
const makeLocate = (reroute: Options["reroute"]) => (url: string): string => {
  if (reroute === undefined || !URL.canParse(url)) return url
  const { host, pathname, protocol, search } = new URL(url)
  if (host !== new URL(reroute.publicUrl).host) return url
  const service = new URL(reroute.serviceUrl)
  const origin = protocol.startsWith("ws") ? service.origin.replace(/^http/, "ws") : service.origin
  return `${origin}${pathname}${search}`
}

/** The parts of the simulator that a call uses. */
const makeEnvironment = Effect.fnUntraced(function*(options: Options, accountSid: AccountSid, authToken: Redacted.Redacted, currentPhones: () => Telephones.Phones) {
  const speech = yield* CallerSpeech
  const context = yield* Effect.context<CallerSpeech | FileSystem.FileSystem>()
  const locate = makeLocate(options.reroute)
  const environment: CallLife.Environment = {
    accountSid,
    delivery: options.statusDelivery ?? {},
    twiml: {
      accountSid,
      sign: (url) => Signature.sign(authToken, url, {}),
      locate,
      webhooks: WebhookClient.make(authToken, locate),
      dialResult: (to) => Telephones.dialResult(currentPhones()(to)),
      say: (text) =>
        options.say === "speech"
          ? Effect.catch(speech.speak(text), () => Effect.succeed(silenceFor(text)))
          : Effect.succeed(silenceFor(text))
    },
    prepare: (call, caller) =>
      Caller.prepare(caller).pipe(
        Effect.provideContext(context),
        Effect.catch(({ message }) =>
          Effect.as(PhoneCall.note(call, { _tag: "Problem", code: 0, message }), new Caller.ActiveCaller([]))
        )
      )
  }
  return environment
})

const newCallSid = Effect.map(WebhookClient.randomHex(32), (digits) => CallSid.make(`CA${digits}`))

/** A call that a request to the API has created. It begins after `queueTime` ms. */
const makeOutbound = Effect.fnUntraced(function*(request: CallRequest, queueTime: number) {
  return yield* PhoneCall.make({
    sid: yield* newCallSid,
    direction: "outbound-api",
    from: request.from,
    to: request.to,
    queueTime,
    faults: none,
    statusCallback: request.statusCallback,
    answerDetection: request.answerDetection,
    fallback: request.fallback
  })
})

/** A call to one of the service's numbers. The sound of its caller is made before the call begins. */
const makeInbound = Effect.fnUntraced(function*(placing: PlaceCall) {
  if (!URL.canParse(placing.webhookUrl) || (placing.fallbackUrl !== undefined && !URL.canParse(placing.fallbackUrl))) {
    return yield* new SimulatorError({ message: "The webhook's URL, or the fallback's, is not an absolute URL." })
  }
  const call = yield* PhoneCall.make({
    sid: yield* newCallSid,
    direction: "inbound",
    from: yield* parseNumber(placing.from),
    to: yield* parseNumber(placing.to),
    queueTime: 0,
    faults: placing.faults ?? none,
    statusCallback: placing.statusCallback === undefined
      ? undefined
      : { url: placing.statusCallback, method: "POST", events: new Set(["completed"]) },
    answerDetection: undefined,
    fallback: placing.fallbackUrl === undefined ? undefined : { url: placing.fallbackUrl, method: "POST" }
  })
  call.activeCaller = yield* Effect.mapError(
    Caller.prepare(placing.caller ?? Caller.silent),
    (cause) => new SimulatorError({ message: cause.message, cause })
  )
  return call
})

const make = Effect.fnUntraced(function*(options: Options) {
  const accountSid = yield* Effect.mapError(decodeAccountSid(options.accountSid ?? defaultAccountSid), (cause) =>
    new SimulatorError({ message: "The account SID is not AC and 32 hexadecimal digits.", cause }))
  const authToken = options.authToken ?? defaultAuthToken
  const host = options.host ?? "127.0.0.1"
  const context = yield* Effect.context<CallerSpeech | FileSystem.FileSystem>()

  const server = yield* Effect.mapError(
    NodeHttpServer.make(createServer, { host, port: options.port ?? 0, gracefulShutdownTimeout: "0 millis" }),
    (cause) => new SimulatorError({ message: `The simulator cannot listen on ${host}:${options.port ?? 0}.`, cause })
  )
  // The calls' fibers are made after the server. So at the end of the scope, the calls are hung up before the server is closed.
  const running = yield* FiberSet.make()
  const dialled = yield* PubSub.unbounded<PhoneCall.SimulatedCall>()
  const calls = new Map<string, PhoneCall.PhoneCall>()
  const restRequests = new RestRequests(options.restFaults ?? [])
  const dialQueue = new DialQueue(options.callsPerSecond ?? 1)
  let phones = options.phones ?? Telephones.everybodyAnswers
  const environment = yield* makeEnvironment(options, accountSid, authToken, () => phones)

  const dial = Effect.fn("Simulator.dial")(function*(request: CallRequest) {
    const queueTime = dialQueue.join(Number(yield* Clock.monotonicTimeNanos) / 1_000_000)
    const call = yield* makeOutbound(request, queueTime)
    calls.set(call.sid, call)
    yield* FiberSet.run(running, CallLife.runOutbound(environment, call, phones(call.to), request))
    PubSub.publishUnsafe(dialled, PhoneCall.view(call))
    return call
  })

  const placeCall = Effect.fn("Simulator.placeCall")(function*(placing: PlaceCall) {
    const call = yield* Effect.provideContext(makeInbound(placing), context)
    calls.set(call.sid, call)
    const source: PhoneCall.Source = { _tag: "Url", url: placing.webhookUrl, method: placing.method ?? "POST" }
    yield* FiberSet.run(running, CallLife.runInbound(environment, call, source))
    return PhoneCall.view(call)
  })

  const receive = (request: RestApi.RestRequest) => Effect.sync(() => restRequests.receive(request))
  yield* server.serve(RestApi.handle({ accountSid, authToken, receive, dial, calls, bins: options.bins ?? {} }))

  const port = server.address._tag === "UnixPathAddress" ? 0 : server.address.port
  const baseUrl = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
  return Simulator.of({
    accountSid,
    authToken,
    baseUrl,
    binUrl: (name) => `${baseUrl}${TwimlBins.pathOf(name)}`,
    requests: Effect.sync(() => restRequests.requests),
    calls: Effect.sync(() => [...calls.values()].map(PhoneCall.view)),
    dialled: Stream.fromPubSub(dialled),
    placeCall,
    setPhones: (behaviour) =>
      Effect.sync(() => {
        phones = behaviour
      }),
    setRestFaults: (faults) => Effect.sync(() => restRequests.setFaults(faults))
  })
})

export class Simulator extends Context.Service<Simulator, {
  readonly accountSid: AccountSid
  readonly authToken: Redacted.Redacted
  /** The REST API's URL, such as `http://127.0.0.1:8010`: the service's `TWILIO_API_BASE_URL`. */
  readonly baseUrl: string
  /** The URL of a TwiML Bin, by its name in the options. */
  readonly binUrl: (name: string) => string
  /** All requests to the REST API, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<RestApi.RestRequest>>
  /** All calls, oldest first. */
  readonly calls: Effect.Effect<ReadonlyArray<PhoneCall.SimulatedCall>>
  /** The calls that the service makes from now on. */
  readonly dialled: Stream.Stream<PhoneCall.SimulatedCall>
  /** Calls one of the service's numbers. The call rings when this effect returns. It lives until it ends, or until the layer is closed. */
  readonly placeCall: (placing: PlaceCall) => Effect.Effect<PhoneCall.SimulatedCall, SimulatorError>
  /** Sets how the telephones that are dialled from now on behave. */
  readonly setPhones: (phones: Telephones.Phones) => Effect.Effect<void>
  /** Sets the faults of REST requests from now on. */
  readonly setRestFaults: (faults: RestFaults) => Effect.Effect<void>
}>()("client-caller/simulator/Simulator") {
  /** A simulator that shares nothing with other simulators. Calls that still live when the layer is closed are hung up. */
  static readonly layer = (options: Options = {}): Layer.Layer<Simulator, SimulatorError> =>
    Layer.effect(Simulator, make(options)).pipe(
      Layer.provide(CallerSpeech.layer),
      Layer.provide(NodeFileSystem.layer)
    )
}
