/**
 * The simulator as a program. `npm run demo` calls the service. `npm run demo -- serve` stands in for Twilio's REST API. The service can then
 * place calls, and simulated telephones answer them.
 */
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, ConfigProvider, Console, Effect, FileSystem, Layer, Option, Redacted, Stream } from "effect"
import { CliConfig, CliError, Command, Flag, GlobalFlag } from "effect/cli"
import * as Caller from "../caller/Caller.ts"
import { PhoneBehaviour } from "../twilio/CallLife.ts"
import * as ConversationDemo from "./ConversationDemo.ts"
import * as Demo from "./Demo.ts"
import * as TwimlBins from "../twilio/twiml/TwimlBins.ts"
import * as Faults from "../twilio/Faults.ts"
import * as OwnService from "./OwnService.ts"
import type { SimulatedCall } from "../caller/PhoneCall.ts"
import { defaultAccountSid, defaultAuthToken, Simulator } from "../Simulator.ts"

/** An environment variable takes precedence over the same variable in `.env` of the working directory. */
const Provider = ConfigProvider.layer(
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const environment = ConfigProvider.fromEnv()
    if (!(yield* fs.exists(".env"))) return environment
    return ConfigProvider.orElse(environment, yield* ConfigProvider.fromDotEnv())
  })
)

const shared = {
  text: Flag.String("text").pipe(
    Flag.withDescription("What the caller says"),
    Flag.withDefault("Good morning. I would like to book a table for two, please.")
  ),
  wav: Flag.File("wav", { mustExist: true }).pipe(
    Flag.withDescription("What the caller says, as a WAV file of any rate, instead of --text"),
    Flag.optional
  ),
  out: Flag.String("out").pipe(
    Flag.withDescription("The WAV file for what the caller heard"),
    Flag.withDefault("heard.wav")
  ),
  digits: Flag.String("digits").pipe(
    Flag.withDescription("Keys that the caller presses after speaking"),
    Flag.withSchema(Caller.Digits),
    Flag.optional
  ),
  seconds: Flag.Finite("seconds").pipe(
    Flag.withDescription("How long the caller stays after speaking before hanging up"),
    Flag.withDefault(2)
  ),
  faults: Flag.String("faults").pipe(
    Flag.withDescription(`The faults of the call, such as jitter=40,lost=0.02, stall=1500@3000 (for 1500 ms, after 3000 ms) or sudden-close@3000. All faults: ${Faults.names.join(", ")}`),
    Flag.withDefault(""),
    Flag.mapEffect((text) =>
      Effect.mapError(Effect.fromResult(Faults.parse(text)), ({ message }) =>
        new CliError.InvalidValue({ option: "faults", value: text, expected: message, kind: "flag" }))
    )
  ),
  expect: Flag.Literals("expect", ["echo", "any"]).pipe(
    Flag.withDescription("What the caller must hear: their own words (echo), or any sound"),
    Flag.withDefault("echo")
  )
}

type Shared = Command.Command.Config.Infer<typeof shared>

const callerOf = ({ digits, seconds, text, wav }: Shared): Caller.Caller =>
  Caller.make(
    Caller.Step.Silence({ duration: "500 millis" }),
    Option.match(wav, {
      onNone: () => Caller.Step.Speak({ text }),
      onSome: (path) => Caller.Step.PlayFile({ path })
    }),
    ...Option.match(digits, { onNone: () => [], onSome: (keys) => [Caller.Step.Press({ digits: keys })] }),
    Caller.Step.Silence({ duration: `${seconds} seconds` }),
    Caller.Step.HangUp()
  )

const withoutSlash = (url: string) => url.replace(/\/+$/, "")

/** The options for the service that is called, and for the two telephone numbers. */
const route = {
  service: Flag.String("service").pipe(
    Flag.withDescription("The service's URL. By default the service at SERVER_HOST and SERVER_PORT, or, if nobody answers there, one that the demo starts"),
    Flag.optional
  ),
  from: Flag.String("from").pipe(
    Flag.withDescription("The caller's number"),
    Flag.withDefault("+14155550123")
  ),
  to: Flag.String("to").pipe(
    Flag.withDescription("The number that is called"),
    Flag.withDefault("+14155550100")
  )
}

/** The options for a fallback, which Twilio requests when the service's webhooks fail. */
const fallback = {
  fallbackUrl: Flag.String("fallback-url").pipe(
    Flag.withDescription("The fallback URL of the called number, for when the service's webhooks fail. \"bin\" is a TwiML Bin that waits a second and then redirects to the service again"),
    Flag.optional
  ),
  bin: Flag.File("bin", { mustExist: true }).pipe(
    Flag.withDescription("A file with TwiML. It is served as a TwiML Bin, which is the number's fallback"),
    Flag.optional
  )
}

type Fallback = Command.Command.Config.Infer<typeof fallback>

/** The name of the demo's only TwiML Bin. */
const binName = "fallback"

const refuseTwoFallbacks = ({ bin, fallbackUrl }: Fallback) =>
  Option.isSome(bin) && Option.isSome(fallbackUrl)
    ? Effect.fail(new Demo.DemoError({ message: "--fallback-url and --bin both name the fallback. Leave one of them out." }))
    : Effect.void

/** The document of the TwiML Bin that is the number's fallback. `undefined` if the fallback is another URL, or if there is no fallback. */
const binOf = Effect.fnUntraced(function*({ bin, fallbackUrl }: Fallback, webhookUrl: string) {
  if (Option.isSome(bin)) {
    const fs = yield* FileSystem.FileSystem
    return yield* Effect.mapError(fs.readFileString(bin.value), () => new Demo.DemoError({ message: `${bin.value} can't be read.` }))
  }
  return Option.contains(fallbackUrl, "bin") ? TwimlBins.pauseAndRedirect(webhookUrl) : undefined
})

type Route = Command.Command.Config.Infer<typeof route>

/**
 * The URL of the service: the one in `--service`, or the standard address. If no service answers there, the demo starts one. `environment`:
 * environment variables for the service that the demo starts.
 */
const serviceOf = Effect.fnUntraced(function*(options: Route, environment: Readonly<Record<string, string>> = {}) {
  const named = withoutSlash(Option.getOrElse(options.service, () => ""))
  return named === "" ? withoutSlash(yield* OwnService.findOrStart(yield* Demo.serviceUrl, environment)) : named
})

/** Calls the service and runs `then` with the call. */
const placeCall = Effect.fnUntraced(function*<R>(
  service: string,
  options: Route & Fallback,
  caller: Caller.Caller,
  faults: Faults.Faults,
  then: (call: SimulatedCall, service: string) => Effect.Effect<void, Demo.DemoError | Config.ConfigError, R>
) {
  const account = yield* Demo.account
  const publicUrl = withoutSlash(yield* Config.withDefault(Config.NonEmptyString("PUBLIC_URL"), service))
  const webhookUrl = `${publicUrl}/twiml`
  const bin = yield* binOf(options, webhookUrl)
  const simulated = Simulator.layer({
    ...account,
    say: "speech",
    reroute: { publicUrl, serviceUrl: service },
    ...(bin === undefined ? {} : { bins: { [binName]: bin } })
  })
  yield* Effect.gen(function*() {
    const simulator = yield* Simulator
    yield* Console.log(`Calling the service at ${service}`)
    const fallbackUrl = bin === undefined ? Option.getOrUndefined(options.fallbackUrl) : simulator.binUrl(binName)
    const call = yield* Effect.mapError(
      simulator.placeCall({
        from: options.from,
        to: options.to,
        webhookUrl,
        ...(fallbackUrl === undefined ? {} : { fallbackUrl }),
        statusCallback: `${publicUrl}/twilio/status`,
        caller,
        faults
      }),
      ({ message }) => new Demo.DemoError({ message })
    )
    yield* then(call, service)
  }).pipe(
    Effect.provide(simulated),
    Effect.catchTag("SimulatorError", ({ message }) => Effect.fail(new Demo.DemoError({ message })))
  )
})

const callEcho = (service: string, options: Shared & Route & Fallback) =>
  placeCall(service, options, callerOf(options), options.faults, (call) =>
    Effect.andThen(Demo.printCall(call), Demo.report(call, options.out, options.expect)))

const echo = Command.make(
  "echo",
  { ...shared, ...route, ...fallback },
  Effect.fn("echo")(function*(options) {
    yield* refuseTwoFallbacks(options)
    const service = yield* serviceOf(options, { AGENT: "echo" })
    yield* Demo.awaitService(service)
    yield* callEcho(service, options)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Tests the line with AGENT=echo: says something, and checks that the echo comes back")
)

const demo = Command.make(
  "demo",
  {
    ...route,
    ...fallback,
    say: Flag.String("say").pipe(
      Flag.withDescription("What the caller says next; may be given several times. By default, a conversation with the built-in receptionist"),
      Flag.atLeast(0)
    ),
    wav: Flag.File("wav", { mustExist: true }).pipe(
      Flag.withDescription("What the caller says next, as a WAV file of any rate, instead of --say; may be given several times"),
      Flag.atLeast(0)
    ),
    voice: Flag.Literals("voice", ["rms", "awb", "kal16", "kal", "slt"]).pipe(
      Flag.withDescription("The caller's voice; the receptionist's is slt"),
      Flag.withDefault("rms")
    ),
    polite: Flag.Boolean("polite").pipe(
      Flag.withDescription("The caller lets the agent finish, and does not interrupt its first answer"),
      Flag.withDefault(false)
    ),
    loudspeaker: Flag.Boolean("loudspeaker").pipe(
      Flag.withDescription("The caller's telephone lies on the table: the agent hears itself, 20 dB weaker and 200 ms later"),
      Flag.withDefault(false)
    ),
    noise: Flag.Finite("noise").pipe(
      Flag.withDescription("The level of the noise around the caller in dBFS, such as -50"),
      Flag.optional
    ),
    faults: shared.faults,
    out: Flag.String("out").pipe(
      Flag.withDescription("The stereo WAV file for the conversation, with the caller on the left; conversation.wav by default"),
      Flag.optional
    )
  },
  Effect.fn("demo")(function*(options) {
    if (options.say.length > 0 && options.wav.length > 0) {
      return yield* new Demo.DemoError({ message: "--say and --wav both name the caller's words. Leave one of them out." })
    }
    yield* refuseTwoFallbacks(options)
    const service = yield* serviceOf(options)
    const agent = yield* Demo.awaitService(service)
    if (agent === "echo") {
      yield* Console.log("The service's agent is the echo, so the caller says something and listens for it.")
      return yield* callEcho(service, {
        ...options,
        text: options.say.length > 0 ? options.say.join(" ") : "Good morning. I would like to book a table for two, please.",
        wav: Option.fromUndefinedOr(options.wav[0]),
        out: Option.getOrElse(options.out, () => "heard.wav"),
        digits: Option.none(),
        seconds: 2,
        expect: "echo"
      })
    }
    const texts = options.say.length > 0 ? options.say : ConversationDemo.lines
    const script = {
      lines: options.wav.length > 0 ? options.wav.map((path) => ({ path })) : texts.map((text) => ({ text })),
      voice: options.voice,
      isInterrupting: !options.polite
    }
    const caller = Caller.inRoom(ConversationDemo.caller(script), {
      ...(options.loudspeaker ? { echo: { attenuation: 20, delayMillis: 200 } } : {}),
      ...Option.match(options.noise, { onNone: () => ({}), onSome: (noise) => ({ noise }) })
    })
    yield* placeCall(service, options, caller, options.faults, (call, service) =>
      Effect.flatMap(ConversationDemo.printCall(call, service), (events) => ConversationDemo.report(call, events, Option.getOrElse(options.out, () => "conversation.wav"))))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Calls the service from a simulated telephone, talks with its agent, and records what was heard"),
  Command.withExamples([
    { command: "npm run demo", description: "Talk with the agent of the service that runs here" },
    { command: "npm run demo -- --say \"What are your opening hours?\" --say Goodbye", description: "Say something else" },
    { command: "npm run demo -- --wav hours.wav --wav goodbye.wav", description: "Say it with your own voice" },
    { command: "npm run demo -- --loudspeaker --noise -50", description: "Call from a table in a café" },
    { command: "npm run demo -- --faults jitter=60,lost=0.05", description: "Call over a bad line" },
    { command: "npm run demo -- --faults stall=1500", description: "Call over a network that stalls now and then" },
    { command: "npm run demo -- --faults sudden-close@3000", description: "Lose the stream in mid-call: the agent goes on where it was" },
    { command: "npm run demo -- --service http://127.0.0.1:8000 --fallback-url bin", description: "Keep the call up while you kill the service and start it again" },
    { command: "npm run demo -- echo", description: "Test the line, with AGENT=echo" },
    { command: "npm run demo -- serve", description: "Stand in for Twilio's REST API, for calls that the service makes" }
  ])
)

const serve = Command.make(
  "serve",
  {
    ...shared,
    port: Flag.Int("port").pipe(
      Flag.withDescription("The port of the REST API, on loopback"),
      Flag.withDefault(8010)
    )
  },
  Effect.fn("serve")(function*(options) {
    const account = Option.getOrElse(yield* Demo.accountFromConfig, (): Demo.Account => ({
      accountSid: defaultAccountSid,
      authToken: defaultAuthToken
    }))
    const service = withoutSlash(yield* Demo.serviceUrl)
    const publicUrl = withoutSlash(yield* Config.withDefault(Config.NonEmptyString("PUBLIC_URL"), service))
    const simulated = Simulator.layer({
      ...account,
      port: options.port,
      say: "speech",
      reroute: { publicUrl, serviceUrl: service },
      phones: () => PhoneBehaviour.Answers({ after: "1 second", caller: callerOf(options), faults: options.faults })
    })
    yield* Effect.gen(function*() {
      const simulator = yield* Simulator
      // The token of a real account is not shown. The simulator's own token is not a secret.
      const token = account.authToken === defaultAuthToken ? Redacted.value(defaultAuthToken) : "(as it is set)"
      yield* Console.log(
        `The stand-in for Twilio's REST API listens at ${simulator.baseUrl}. Start the service with:\n\n` +
          `  TWILIO_API_BASE_URL=${simulator.baseUrl} TWILIO_ACCOUNT_SID=${simulator.accountSid} \\\n` +
          `  TWILIO_AUTH_TOKEN=${token} TWILIO_PHONE_NUMBER=+14155550100 \\\n` +
          `  PUBLIC_URL=${publicUrl} npm start\n\n` +
          `and place a call:\n\n` +
          `  curl -X POST ${service}/call/outbound -H "authorization: Bearer $API_KEY" \\\n` +
          `    -H "content-type: application/json" -d '{"to":"+14155550123"}'\n`
      )
      yield* Stream.runForEach(simulator.dialled, (call) =>
        Demo.printCall(call).pipe(
          Effect.andThen(Demo.awaitService(service)),
          Effect.flatMap((agent) => Demo.report(call, options.out, agent === "echo" ? options.expect : "any")),
          Effect.catchTag("DemoError", ({ message }) => Console.error(message))
        ))
    }).pipe(
      Effect.provide(simulated),
      Effect.catchTag("SimulatorError", ({ message }) => Effect.fail(new Demo.DemoError({ message })))
    )
  })
).pipe(Command.withDescription("Stands in for Twilio's REST API. Each telephone that the service calls answers and speaks"))

demo.pipe(
  Command.withSubcommands([echo, serve]),
  Command.run({ version: "0.1.0" }),
  // The demo logs nothing, so Effect's flag for the log's level would have no effect.
  Effect.provide(CliConfig.layer({ builtIns: GlobalFlag.BuiltIns.filter((flag) => flag !== GlobalFlag.LogLevel) })),
  Effect.catchTag("ConfigError", ({ message }) => Console.error(message).pipe(
    Effect.andThen(Effect.fail(new Demo.DemoError({ message })))
  )),
  Effect.provide(Layer.provideMerge(NodeHttpClient.layerUndici, Layer.provideMerge(Provider, NodeServices.layer))),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
