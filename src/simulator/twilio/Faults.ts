/**
 * The faults that can be requested for a call's Media Stream, for its signed requests, and for the REST API.
 *
 * Each fault is off unless it is set. Times are in milliseconds since the stream's `start`. `jitter` and `lost` are random, but the same
 * `seed` gives the same faults again.
 */
import { Data, Result, Schema } from "effect"

/** The kinds of meaningless messages, in the order in which they take turns. */
export const rubbishKinds = ["notJson", "unknownEvent", "wrongShape", "binary"] as const
export type RubbishKind = typeof rubbishKinds[number]

/** How a connection can be cut. */
export type CutKind = "midFrame" | "reset"

/** The faults of one call. */
export interface Faults {
  /** The seed of random faults. Default: "simulator". */
  readonly seed?: string
  /** Only the first stream of the call has faults. Streams after a reconnect have none. */
  readonly onlyFirstStream?: boolean
  /** Each media frame comes up to `maxMillis` late, but never before an earlier frame. */
  readonly jitter?: { readonly maxMillis: number }
  /** Every `everyMillis` the frames of `holdMillis` are held back and then come all at once. */
  readonly late?: { readonly everyMillis: number; readonly holdMillis: number }
  /**
   * The network stalls: all data to the service is held up for `forMillis`, and then arrives at once and in order, as with TCP. The stall
   * happens once, at `atMillis`. Without `atMillis` it is repeated, with `stallIntervalMillis` of a good line before each stall.
   */
  readonly stall?: { readonly forMillis: number; readonly atMillis?: number }
  /** Each media frame is lost with this probability, 0…1. `chunk` and `timestamp` go on counting. */
  readonly lost?: { readonly probability: number }
  /** Frames stop for a while, without a `stop` message. They stop forever if `forMillis` is `Infinity`. */
  readonly silenceGap?: { readonly atMillis: number; readonly forMillis: number }
  /** A meaningless message comes before every n-th media frame. The kinds take turns. Without `kinds`, all kinds are used. */
  readonly rubbish?: { readonly every: number; readonly kinds?: ReadonlyArray<RubbishKind> }
  /**
   * The connection is cut without a close handshake and without `stop`. The call goes on with the stream's `action`. `streams`: how many
   * streams of the call in a row are cut, each after the same time. Default: all of them.
   */
  readonly suddenClose?: {
    readonly atMillis: number
    /** Cuts after half a WebSocket frame, or by a TCP reset, so that the service sees an error and not the end of the connection. */
    readonly how?: CutKind
    readonly streams?: number
  }
  /** Twilio's side stops reading the service's data for a time, or forever if `forMillis` is `Infinity`. */
  readonly slowReader?: { readonly atMillis: number; readonly forMillis: number }
  /** The number of media frames between `connected` and `start`. */
  readonly mediaBeforeStart?: number
  /** `start` comes twice. */
  readonly startTwice?: boolean
  /** `start` never comes. `media`: media messages come nevertheless. `silent`: no media messages come. */
  readonly startNever?: "media" | "silent"
  /** The header `x-twilio-signature` of the WebSocket upgrade is wrong, or missing. */
  readonly upgradeSignature?: "forged" | "missing"
  /** The stream's `<Parameter>` of this name (default `token`) is left out, or has another value. */
  readonly token?: { readonly is: "missing" | "other"; readonly name?: string }
  /** When the stream has begun, a second stream is opened with the same parameters, including the token. */
  readonly replayStream?: boolean
  /** One text message of about `bytes` bytes (default 2 MiB) is sent. */
  readonly oversized?: { readonly atMillis: number; readonly bytes?: number }
  /** After the caller has hung up, Twilio still requests the stream's `action`, with `CallStatus=completed`. */
  readonly actionAfterEnd?: boolean
  /**
   * The fallback URL is used only for the call's first document. Twilio does not document whether it is also used when a later
   * `<Connect action>` or `<Redirect>` fails.
   */
  readonly noFallback?: boolean
  /** The header `X-Twilio-Signature` of all this call's webhooks is wrong, or missing. */
  readonly webhookSignature?: "forged" | "missing"
}

/** The time before each repeated stall in which the line is good, in ms. */
export const stallIntervalMillis = 4000

/** No fault at all. */
export const none: Faults = {}

/** The text of `--faults` can't be read. */
class FaultsError extends Schema.TaggedError<FaultsError>()("FaultsError", {
  message: Schema.String
}) {}

/** The faults by their names on the command line. `value`: the number after `=`, or 0 without one. Only {@link timed} faults get `at`. */
const presets: Readonly<Record<string, (value: number, at?: number) => Faults>> = {
  jitter: (value) => ({ jitter: { maxMillis: value || 40 } }),
  late: (value) => ({ late: { everyMillis: 1000, holdMillis: value || 200 } }),
  stall: (value, at) => ({ stall: { forMillis: value || 1500, ...(at === undefined ? {} : { atMillis: at }) } }),
  lost: (value) => ({ lost: { probability: value || 0.05 } }),
  gap: (value) => ({ silenceGap: { atMillis: value || 1000, forMillis: 1000 } }),
  "media-stops": (value) => ({ silenceGap: { atMillis: value || 1000, forMillis: Infinity } }),
  rubbish: (value) => ({ rubbish: { every: value || 10 } }),
  "sudden-close": (value) => ({ suddenClose: { atMillis: value || 1000, streams: 1 } }),
  "half-frame": (value) => ({ suddenClose: { atMillis: value || 1000, how: "midFrame", streams: 1 } }),
  reset: (value) => ({ suddenClose: { atMillis: value || 1000, how: "reset", streams: 1 } }),
  "close-each": (value) => ({ suddenClose: { atMillis: value || 2000, streams: 5 } }),
  "slow-reader": (value) => ({ slowReader: { atMillis: value || 500, forMillis: 2000 } }),
  "never-reads": (value) => ({ slowReader: { atMillis: value || 500, forMillis: Infinity } }),
  "media-before-start": (value) => ({ mediaBeforeStart: value || 3 }),
  "start-twice": () => ({ startTwice: true }),
  "start-never": () => ({ startNever: "media" }),
  "start-never-silent": () => ({ startNever: "silent" }),
  "forged-upgrade": () => ({ upgradeSignature: "forged" }),
  "unsigned-upgrade": () => ({ upgradeSignature: "missing" }),
  "no-token": () => ({ token: { is: "missing" } }),
  "other-token": () => ({ token: { is: "other" } }),
  "used-token": () => ({ replayStream: true }),
  oversized: (value) => ({ oversized: { atMillis: 500, bytes: value || 2 * 1024 * 1024 } }),
  "action-after-end": () => ({ actionAfterEnd: true }),
  "first-stream": () => ({ onlyFirstStream: true }),
  "no-fallback": () => ({ noFallback: true }),
  "forged-webhook": () => ({ webhookSignature: "forged" }),
  "unsigned-webhook": () => ({ webhookSignature: "missing" })
}

/** Faults that take a moment (ms) in addition to their number: `stall=1500@3000`. */
const timed: ReadonlySet<string> = new Set(["stall"])

/** Faults whose number is a moment: `sudden-close@3000` means the same as `sudden-close=3000`. */
const momentary: ReadonlySet<string> = new Set(["sudden-close", "half-frame", "reset"])

/** The names that {@link parse} accepts. */
export const names: ReadonlyArray<string> = Object.keys(presets)

const fault = /^([a-z-]+)(?:=([^@]*))?(?:@(.*))?$/

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text)) && Number(text) >= 0

/** Reads one fault: its name, its number and its moment. */
const parseFault = (text: string): Result.Result<Faults, FaultsError> => {
  const [, name = text, value, moment] = fault.exec(text) ?? []
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (preset === undefined) {
    return Result.fail(new FaultsError({ message: `There is no fault "${name}". Use one of: ${names.join(", ")}.` }))
  }
  const takesMoment = timed.has(name) || (momentary.has(name) && value === undefined)
  if ([value, moment].some((part) => part !== undefined && !isNumber(part)) || (moment !== undefined && !takesMoment)) {
    return Result.fail(new FaultsError({
      message: `The value of the fault "${name}" must be a number ≥ 0${timed.has(name) ? ", or two with @ between them: the length and the moment, in ms" : ""}.`
    }))
  }
  const at = moment === undefined ? undefined : Number(moment)
  return Result.succeed(momentary.has(name) ? preset(at ?? Number(value ?? 0)) : preset(Number(value ?? 0), at))
}

/** The faults of one stream of a call. Streams are counted from 0. */
export const ofStream = (faults: Faults, stream: number): Faults => {
  if (faults.onlyFirstStream === true && stream > 0) return none
  const { suddenClose, ...others } = faults
  return suddenClose === undefined || stream < (suddenClose.streams ?? Infinity) ? faults : others
}

/**
 * Reads faults from the command line: comma-separated names, with or without a number, such as `jitter=40,lost=0.02,rubbish`. Some
 * faults take a moment in ms, such as `stall=1500@3000` or `sudden-close@3000`.
 */
export const parse = (text: string): Result.Result<Faults, FaultsError> => {
  const faults: Faults = {}
  for (const part of text.split(",").map((item) => item.trim()).filter((item) => item !== "")) {
    const parsed = parseFault(part)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    Object.assign(faults, parsed.success)
  }
  return Result.succeed(faults)
}

/** A fault of one request to the REST API. */
export type RestFault = Data.TaggedEnum<{
  /** Answers with Twilio's error body. */
  Reply: { readonly status: number; readonly code: number; readonly message: string }
  /** The request is read, but not carried out, and no answer comes. */
  Hang: {}
  /** The connection is closed without an answer, and the request is not carried out. */
  Cut: {}
  /** The request is carried out (a call is placed, a phone rings), but no answer comes. */
  AcceptThenHang: {}
  /** The call is placed, but the answer comes only after the service has received the callback of this status. */
  AnswerLate: { readonly until: "ringing" | "in-progress" | "end" }
  /** No fault: a placeholder in a list. */
  Pass: {}
}>
export const RestFault = Data.taggedEnum<RestFault>()

/** HTTP status 401 with Twilio's code 20003. */
export const unauthorized: RestFault = RestFault.Reply({ status: 401, code: 20003, message: "Authenticate" })

/** HTTP status 429 with Twilio's code 20429. */
export const tooManyRequests: RestFault = RestFault.Reply({ status: 429, code: 20429, message: "Too Many Requests" })

/** HTTP status 500 with Twilio's code 20500. */
export const internalServerError: RestFault = RestFault.Reply({
  status: 500,
  code: 20500,
  message: "An internal server error has occurred"
})

/** HTTP status 400 with one of Twilio's codes, such as 21214. */
export const badRequest = (code: number, message: string): RestFault => RestFault.Reply({ status: 400, code, message })

/** A list with the fault, `times` times. */
export const repeat = (fault: RestFault, times: number): ReadonlyArray<RestFault> =>
  Array.from({ length: times }, () => fault)
