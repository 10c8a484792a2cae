/**
 * Prints a call between the service and a simulated telephone, one line for each event, and checks what the caller heard.
 */
import { Clock, Config, Console, Data, Duration, Effect, FileSystem, Option, Path, Redacted, Schema, Stream } from "effect"
import { CliError } from "effect/cli"
import { HttpClient } from "effect/http"
import { AccountSid } from "../../domain/Sid.ts"
import { isIPv6 } from "node:net"
import type { SimulatedCallEvent } from "../report/SimulatedCallEvent.ts"
import * as AudioSimilarity from "../report/AudioSimilarity.ts"
import * as Resumptions from "../report/Resumptions.ts"
import type { SimulatedCall } from "../caller/PhoneCall.ts"
import * as SoundFiles from "../caller/SoundFiles.ts"
import * as DebuggerCodes from "../twilio/DebuggerCodes.ts"

/** Why the demo failed: one sentence for the person who started it. */
export class DemoError extends Data.TaggedError("DemoError")<{ readonly message: string }> {
  override get [CliError.userMessage]() {
    return this.message
  }
}

// ---------------------------------------------------------------------------------------------
// Where the service is, and which account it accepts
// ---------------------------------------------------------------------------------------------

const LocalAccount = Schema.fromJsonString(Schema.Struct({ accountSid: AccountSid, authToken: Schema.NonEmptyString }))

export interface Account {
  readonly accountSid: string
  readonly authToken: Redacted.Redacted
}

/** `TWILIO_ACCOUNT_SID` and the first of `TWILIO_AUTH_TOKEN`, if both are set. */
export const accountFromConfig = Effect.gen(function*() {
  const sid = yield* Config.option(Config.NonEmptyString("TWILIO_ACCOUNT_SID"))
  const tokens = yield* Config.option(Config.NonEmptyString("TWILIO_AUTH_TOKEN"))
  return Option.map(Option.all([sid, tokens]), ([accountSid, list]): Account => ({
    accountSid: accountSid.trim(),
    authToken: Redacted.make(list.split(",", 1)[0]?.trim() ?? "")
  }))
})

/** The account of the configuration or, if none is set, the local account that the service has made in its data folder. */
export const account = Effect.gen(function*() {
  const configured = yield* accountFromConfig
  if (Option.isSome(configured)) return configured.value
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* Config.withDefault(Config.NonEmptyString("DATA_DIR"), "data"), "local-account.json")
  return yield* fs.readFileString(file).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(LocalAccount)),
    Effect.map(({ accountSid, authToken }): Account => ({ accountSid, authToken: Redacted.make(authToken) })),
    Effect.mapError(() =>
      new DemoError({
        message: `There is no account to sign requests with: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set, and ` +
          `${file} can't be read. Start the demo in the service's folder, or with the service's variables.`
      })
    )
  )
})

/** `SERVER_HOST` and `SERVER_PORT` as a URL that this machine can reach. */
export const serviceUrl = Effect.gen(function*() {
  const given = yield* Config.withDefault(Config.NonEmptyString("SERVER_HOST"), "127.0.0.1")
  const host = given.trim().replace(/^\[(.*)\]$/, "$1")
  const port = yield* Config.withDefault(Config.Port("SERVER_PORT"), 8000)
  const callableHost = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host
  return `http://${isIPv6(callableHost) ? `[${callableHost}]` : callableHost}:${port}`
})

const Health = Schema.fromJsonString(Schema.Struct({ agent: Schema.optionalKey(Schema.String) }))

/** Waits up to about ten seconds until the service answers `GET /health`. Returns the agent's name, if the answer has it. */
export const awaitService = Effect.fnUntraced(function*(service: string) {
  const http = yield* HttpClient.HttpClient
  const start = yield* Clock.monotonicTimeNanos
  const healthy = http.get(`${service}/health`).pipe(
    Effect.timeout("2 seconds"),
    Effect.flatMap((response) =>
      response.status === 200
        ? Effect.map(
          Effect.option(Effect.flatMap(response.text, Schema.decodeUnknownEffect(Health))),
          (health) => Option.getOrUndefined(health)?.agent
        )
        : Effect.fail(new DemoError({ message: `${service}/health answered with ${response.status}.` }))
    )
  )
  const maxWait = Duration.toNanosUnsafe(Duration.seconds(10))
  return yield* healthy.pipe(
    Effect.tapError(() => Effect.sleep("500 millis")),
    Effect.retry({
      while: () => Effect.map(Clock.monotonicTimeNanos, (now) => now - start < maxWait)
    }),
    Effect.mapError(() =>
      new DemoError({
        message: `No service answers at ${service}. Start it in another terminal with "npm start", or say where it is ` +
          `with --service http://host:port.`
      })
    )
  )
})

// ---------------------------------------------------------------------------------------------
// The call's report
// ---------------------------------------------------------------------------------------------

const printLine = (at: number, text: string) => Console.log(`${(at / 1000).toFixed(3).padStart(8)} s  ${text}`)

const whyEnded: Record<Extract<SimulatedCallEvent, { readonly _tag: "StreamEnded" }>["why"], string> = {
  callerHungUp: "stop: the caller hung up",
  callChanged: "stop: the call was redirected",
  closedByService: "stream closed by the service",
  connectionLost: "the connection to the service broke",
  fault: "connection cut by the requested fault",
  refused: "the service refused the stream"
}

const describe = (event: SimulatedCallEvent): string | undefined => {
  switch (event._tag) {
    case "Status":
      return `call ${event.status}`
    case "Webhook":
      return `webhook ${new URL(event.url).pathname} (${event.kind}): ${event.answer ?? "no answer"}${
        event.requests > 1 ? `, ${event.requests} requests` : ""
      }`
    case "Twiml":
      return `TwiML: ${event.verbs.length === 0 ? "nothing, hang up" : event.verbs.join(", ")}`
    case "StreamConnected":
      return `connected: WebSocket open, stream ${event.streamSid}`
    case "StreamStarted":
      return `start: parameters ${Object.keys(event.parameters).join(", ") || "none"}`
    case "FirstSound":
      return "media: the first sound from the service"
    case "MarkSet":
      return undefined
    case "MarkReturned":
      return `mark ${event.name}: ${event.cleared ? "cleared" : "played"}`
    case "Cleared":
      return `clear: ${Math.round(event.droppedMillis)} ms of sound thrown away`
    case "Digit":
      return `key ${event.digit}`
    case "Dialled":
      return `<Dial> ${event.status}`
    case "Said":
      return `<Say> ${event.text}`
    case "StreamEnded":
      return event.code === undefined ? whyEnded[event.why] : `${whyEnded[event.why]} (${event.code})`
    case "Problem":
      return `${event.code}: ${event.message}`
  }
}

/** Prints a call's events and the frames of each second, until the call is over. */
export const printCall = Effect.fnUntraced(function*(call: SimulatedCall) {
  const traffic = Effect.gen(function*() {
    yield* call.awaitEvent("StreamStarted")
    let [sent, received] = [0, 0]
    while (true) {
      yield* Effect.sleep("1 second")
      const now = yield* call.traffic
      yield* printLine(
        yield* call.elapsed,
        `media: ${now.sentAt.length - sent} frames to the service, ${now.arrivals.length - received} from it`
      )
      sent = now.sentAt.length
      received = now.arrivals.length
    }
  })
  yield* Effect.raceFirst(
    Stream.runForEach(call.changes, (event) => {
      const text = describe(event)
      return text === undefined ? Effect.void : printLine(event.at, text)
    }),
    traffic
  )
  return yield* call.settled
})

const millis = (value: number) => `${value.toFixed(1)} ms`

/** Two sounds count as the same from this correlation on. Sound that was coded in μ-law twice still has a much higher correlation. */
const minCorrelation = 0.8

/**
 * Writes the heard sound to a file, prints how late and how similar the sound was, and fails if it is not as expected.
 *
 * @param expect `echo`: the caller must hear their own words; `any`: the caller must hear something
 */
export const report = Effect.fnUntraced(function*(call: SimulatedCall, out: string, expect: "echo" | "any") {
  const fs = yield* FileSystem.FileSystem
  const heard = yield* call.heard
  const said = yield* call.said
  const traffic = yield* call.traffic
  const status = yield* call.status
  const problems = yield* call.problems

  yield* fs.writeFile(out, SoundFiles.toWav(heard)).pipe(
    Effect.mapError(() => new DemoError({ message: `${out} can't be written.` }))
  )
  yield* Console.log("")
  yield* Console.log(`Heard: ${(heard.length / 8000).toFixed(1)} s, ${AudioSimilarity.level(heard).toFixed(1)} dBFS, written to ${out}`)
  yield* Console.log(`Said:  ${(said.length / 8000).toFixed(1)} s, ${AudioSimilarity.level(said).toFixed(1)} dBFS`)
  yield* Console.log(`Media: ${traffic.sentAt.length} frames to the service, ${traffic.arrivals.length} from it`)

  const events = yield* call.events
  const gaps = Resumptions.gaps(events)
  const { correlation, lagMillis } = AudioSimilarity.compare(said, heard, { lostAt: gaps.map(({ from }) => from) })
  if (expect === "echo" && correlation > 0) {
    yield* Console.log(
      `Echo:  ${millis(lagMillis)} from mouth to ear (20 ms of it to fill a frame), correlation ${correlation.toFixed(3)}`
    )
    const delays = Resumptions.roundTrips(traffic, gaps)
    const [p50, p95, worst] = [0.5, 0.95, 1].map((share) => AudioSimilarity.percentile(delays, share))
    yield* Console.log(
      `Frames: back after p50 ${millis(p50 ?? 0)}, p95 ${millis(p95 ?? 0)}, max ${millis(worst ?? 0)}`
    )
  }

  for (const line of Resumptions.describe(Resumptions.resumptions(events, heard))) yield* Console.log(line)

  const distinct = new Set(problems.filter(({ code }) => code !== DebuggerCodes.streamClosedByService).map(({ code, message }) => ` ${code}: ${message}`))
  const why = [...distinct].join("")
  if (status !== "completed") return yield* new DemoError({ message: `The call ended as "${status}".${why}` })
  if (AudioSimilarity.level(heard) < -60) return yield* new DemoError({ message: `The caller heard nothing.${why}` })
  if (expect === "echo" && correlation < minCorrelation) {
    return yield* new DemoError({
      message: `The caller did not hear their own words: the correlation is ${correlation.toFixed(2)}, at least ${minCorrelation} is needed. ` +
        `If the agent is not the echo, run with --expect any.${why}`
    })
  }
  yield* Console.log(expect === "echo" ? "The caller heard their own words." : "The caller heard the agent.")
})
