/**
 * The events that the service reports during a call: `GET /calls/{callSid}/events`.
 */
import { Config, Data, Effect, FileSystem, Option, Path, Redacted, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpClient, HttpClientRequest } from "effect/http"

const Timed = { at: Schema.Number, turn: Schema.Number }

/** The events that the demo shows. All other events are left out. */
export const LiveEvent = Schema.Union([
  Schema.TaggedStruct("CallerSaid", { ...Timed, text: Schema.String }),
  Schema.TaggedStruct("AgentSays", { ...Timed, text: Schema.String }),
  Schema.TaggedStruct("AgentFills", { ...Timed, text: Schema.String }),
  Schema.TaggedStruct("AgentPresses", { ...Timed, digits: Schema.String }),
  Schema.TaggedStruct("Transferring", { ...Timed, to: Schema.String }),
  Schema.TaggedStruct("TransferFailed", { ...Timed, to: Schema.String, reason: Schema.String }),
  Schema.TaggedStruct("AgentHeard", { ...Timed, text: Schema.String, isWhole: Schema.Boolean }),
  Schema.TaggedStruct("BargeIn", { ...Timed, clearAfter: Schema.Number }),
  Schema.TaggedStruct("Resumed", Timed),
  Schema.TaggedStruct("TurnMeasured", { ...Timed, times: Schema.Record(Schema.String, Schema.Number) }),
  Schema.TaggedStruct("EngineTrouble", { ...Timed, stage: Schema.String, reason: Schema.String }),
  Schema.TaggedStruct("Ended", { ...Timed, reason: Schema.String })
])
export type LiveEvent = typeof LiveEvent.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(LiveEvent))

/** `API_KEY` or, if that is not set, the key that the service has made in its data folder. */
export const apiKey = Effect.gen(function*() {
  const configured = yield* Config.option(Config.Redacted("API_KEY"))
  // A secret that is mounted as a file ends with a newline, which the service removes, too.
  if (Option.isSome(configured)) return Option.map(configured, (key) => Redacted.make(Redacted.value(key).trim()))
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* Config.withDefault(Config.NonEmptyString("DATA_DIR"), "data"), "api-key")
  return yield* Effect.option(Effect.map(fs.readFileString(file), (text) => Redacted.make(text.trim())))
})

/** The service does not send the events of the call. The message ends a sentence. */
class NoEvents extends Data.TaggedError("NoEvents")<{ readonly status: number }> {
  override get message() {
    return `the service answers with ${this.status}${this.status === 401 ? "; set API_KEY to its key" : ""}`
  }
}

/** The events of a call from its beginning to its end. */
export const of = (service: string, callSid: string, key: Redacted.Redacted) =>
  Stream.unwrap(Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const response = yield* http.execute(
      HttpClientRequest.bearerToken(HttpClientRequest.get(`${service}/calls/${callSid}/events`), key)
    )
    if (response.status !== 200) return yield* new NoEvents({ status: response.status })
    return response.stream.pipe(
      Stream.decodeText,
      Stream.pipeThroughChannel(Sse.decode()),
      Stream.map(({ data }) => decode(data)),
      Stream.filter(Option.isSome),
      Stream.map(({ value }) => value)
    )
  }))
