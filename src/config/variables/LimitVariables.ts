/**
 * The variables that limit the number of calls, their length, and the messages of a media stream.
 */
import { Duration, Option, Schema } from "effect"
import { count, duration, DurationText, optionalCount } from "./Values.ts"
import { type ValuesOf, withDefault } from "./Variable.ts"

const backlogBounds = { minimum: Duration.millis(500), maximum: Duration.minutes(1) }

export const limitVariables = {
  MAX_CALLS: count(1, 100_000, 100),
  MAX_CALLS_PER_CALLER: optionalCount(1, 100_000, "50"),
  MAX_CALL_DURATION: duration("above 0", "1 hour", "1h"),
  START_TIMEOUT: duration("above 0", "10 seconds", "10s"),
  MEDIA_TIMEOUT: duration("above 0", "15 seconds", "15s"),
  MEDIA_BACKLOG: withDefault(
    DurationText.check(Schema.makeFilter((backlog) => Duration.between(backlog, backlogBounds))),
    Duration.seconds(6),
    "a duration from 500ms to 1m",
    "6s"
  ),
  MAX_RESUMPTIONS: count(0, 1000, 5),
  MAX_MESSAGE_BYTES: count(1024, 16_777_216, 65_536),
  MAX_BAD_MESSAGES: count(1, 1_000_000, 50),
  SHUTDOWN_GRACE: duration("from 0", "30 seconds", "30s")
} as const

export interface LimitSettings {
  /** The most calls at the same time. A further call is refused as busy. */
  readonly calls: number
  /** The most calls of one caller at the same time. */
  readonly callsPerCaller: number
  readonly callDuration: Duration.Duration
  /** The longest time from our TwiML to the stream's `start` message, and also from the opening of its WebSocket to that message. */
  readonly startTimeout: Duration.Duration
  /** The longest time without a `media` message on an open stream. */
  readonly mediaTimeout: Duration.Duration
  /** How much late sound is kept after a stall of the network. A longer stall counts as a pause of the caller. */
  readonly backlog: Duration.Duration
  /** How often another media stream may replace a lost one. After the next loss, the call is ended. */
  readonly resumptions: number
  /** The largest message of a stream, in bytes. */
  readonly messageBytes: number
  /** How many bad messages a stream may send before it is closed. Each later good message makes up for one bad message. */
  readonly badMessages: number
}

export const limitSettings = (values: ValuesOf<typeof limitVariables>): LimitSettings => ({
  calls: values.MAX_CALLS,
  callsPerCaller: Option.getOrElse(values.MAX_CALLS_PER_CALLER, () => Math.max(1, Math.floor(values.MAX_CALLS / 2))),
  callDuration: values.MAX_CALL_DURATION,
  startTimeout: values.START_TIMEOUT,
  mediaTimeout: values.MEDIA_TIMEOUT,
  // The stream is closed after `MEDIA_TIMEOUT`, so no stall can be longer.
  backlog: Duration.min(values.MEDIA_BACKLOG, values.MEDIA_TIMEOUT),
  resumptions: values.MAX_RESUMPTIONS,
  messageBytes: values.MAX_MESSAGE_BYTES,
  badMessages: values.MAX_BAD_MESSAGES
})
