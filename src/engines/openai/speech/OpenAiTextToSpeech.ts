/**
 * Speech by any server with `POST /audio/speech`: Sesame CSM, Kokoro, speaches, vLLM-Omni, OpenAI.
 *
 * Servers differ in the fields that they take and in how they send sound. The first request has all helpful fields. Later requests leave
 * out the fields that the server refused (`SpeechFields`). The bytes of an answer show its format (`SpeechBody`). A server without PCM is
 * asked for WAV. Sound is passed on as it arrives. An agent's fixed lines are kept in memory (`PreparedLines`).
 */
import { Effect, Option, Schema, type Scope, Stream } from "effect"
import { Base64 } from "effect/encoding"
import { HttpBody, type HttpClient } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { type SpeechChunk, type SpeechRequest, TextToSpeech } from "../../../conversation/ports/TextToSpeech.ts"
import * as AnswerBody from "../client/AnswerBody.ts"
import * as Json from "../client/Json.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import * as ServerError from "../client/ServerError.ts"
import * as Sse from "../client/Sse.ts"
import * as PreparedLines from "./PreparedLines.ts"
import * as RawPcmFormat from "./RawPcmFormat.ts"
import * as SpeechChunks from "./SpeechChunks.ts"
import * as SpeechContext from "./SpeechContext.ts"
import * as SpeechFault from "./SpeechFault.ts"
import * as SpeechFields from "./SpeechFields.ts"

export interface MakeOptions {
  /** Whether the server takes the sound of earlier turns. Default: true if the model's name has "csm" in it. */
  readonly takesContext?: boolean
}

/** How many fixed lines are requested at the same time. */
const concurrentLines = 4

/** ms that the start of the service waits for the list of a server's voices. */
const voicesTimeout = 2000

/** The most ms of sound for a text. CSM does not always stop at the end of the text. A digit or a symbol is spoken as a whole word. */
const maxMillisOf = (text: string): number => {
  const spokenSymbols = text.match(/[\p{N}\p{S}]/gu)?.length ?? 0
  return 2000 + 120 * text.length + 480 * spokenSymbols
}

/** Words of a refusal that concerns the format of the sound. */
const namesFormat = /response_?format|\bpcm\b/i

const AudioEvent = Schema.Struct({ audio: Schema.String, response_format: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const OtherEvent = Schema.Struct({ type: Schema.String })
const SpeechEvent = Schema.Union([AudioEvent, OtherEvent])

const Voices = Schema.Struct({
  voices: Schema.Array(Schema.Union([
    Schema.String,
    Schema.Struct({ id: Schema.String }),
    Schema.Struct({ voice_id: Schema.String }),
    Schema.Struct({ name: Schema.String })
  ]))
})
const decodeVoices = Schema.decodeUnknownOption(Voices)

const unreadableEvent = new EngineFailed({
  stage: "textToSpeech",
  reason: "broken",
  advice: "The speech engine sent sound that can't be read. Look into its log."
})

const hasWords = ({ text }: SpeechRequest): boolean => /[\p{L}\p{N}]/u.test(text)

/** One server, and what earlier answers have shown about it. */
interface Server {
  readonly endpoint: OpenAiClient.OpenAiClient
  readonly settings: EngineSettings
  readonly fields: SpeechFields.SpeechFields
  readonly context: SpeechContext.SpeechContext
  readonly takesContext: boolean
  readonly events: (answer: OpenAiClient.Answer, sent: string) => Stream.Stream<typeof SpeechEvent.Type, EngineFailed>
  /** Whether at least one answer was sound that could be read. */
  hasSpoken: boolean
}

/** The names of a server's voices; none if the server does not list them, or the request fails. */
const voicesOf = (endpoint: OpenAiClient.OpenAiClient, context: SpeechContext.SpeechContext): Effect.Effect<ReadonlyArray<string>> =>
  endpoint.get("/audio/voices").pipe(
    Effect.tap(({ headers }) => Effect.sync(() => context.noteHeaders(headers))),
    Effect.flatMap(AnswerBody.json(endpoint, decodeVoices)),
    Effect.map(({ voices }) =>
      voices.map((voice) => typeof voice === "string" ? voice : "id" in voice ? voice.id : "voice_id" in voice ? voice.voice_id : voice.name)
    ),
    Effect.scoped,
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )

const bodyOf = (
  { context, settings }: Server,
  request: SpeechRequest,
  model: Option.Option<string>,
  fields: ReadonlyArray<SpeechFields.SpeechField>
): HttpBody.HttpBody => {
  const voice = Option.orElse(Option.fromUndefinedOr(request.voice), () => settings.voice)
  const body = {
    ...(Option.isSome(model) ? { model: model.value } : {}),
    input: request.text,
    ...(Option.isSome(voice) ? { voice: voice.value } : {}),
    response_format: fields.includes("pcm") ? "pcm" : "wav",
    ...(fields.includes("stream") ? { stream: true } : {}),
    ...(fields.includes("streamFormat") ? { stream_format: "audio" } : {}),
    ...(fields.includes("context") ? { max_audio_ms: maxMillisOf(request.text) } : {})
  }
  if (!fields.includes("context")) return HttpBody.jsonUnsafe(body)
  const speaker = Option.getOrElse(voice, () => "0")
  return HttpBody.uint8Array(context.addTo(JSON.stringify(body), request.context ?? [], speaker), "application/json")
}

/** Sends the request with all fields that the server may take. After each refusal one untried field is left out. */
const ask = Effect.fnUntraced(function*(server: Server, request: SpeechRequest): Effect.fn.Return<OpenAiClient.Answer, EngineFailed, Scope.Scope> {
  const { context, endpoint } = server
  const model = yield* endpoint.model
  let fields = server.fields.usable()
  const post = (fields: ReadonlyArray<SpeechFields.SpeechField>) =>
    Effect.suspend(() =>
      endpoint.post("/audio/speech", bodyOf(server, request, model, fields), {
        accept: "audio/pcm, audio/wav, text/event-stream",
        use: { characters: request.text.length }
      })
    ).pipe(
      Effect.retry({
        times: 1,
        while: (error) => {
          // 409: the server no longer has a sound whose hash the request names.
          if (!context.keepsSound() || !ServerError.isConflict(error)) return false
          context.forget()
          return true
        }
      })
    )
  while (true) {
    let refused: SpeechFields.SpeechField | undefined
    const answer = yield* Effect.map(post(fields), Option.some).pipe(
      Effect.catchIf(
        (error) => {
          if (!ServerError.isInvalidRequest(error)) return false
          refused = server.fields.suspect(fields, ServerError.mentions(error, namesFormat))
          return refused !== undefined
        },
        () => Effect.succeedNone
      )
    )
    if (Option.isSome(answer)) {
      server.fields.noteAnswered(fields)
      if (context.keepsSound() && fields.includes("context")) context.noteSent(request.context ?? [])
      context.noteHeaders(answer.value.headers)
      return answer.value
    }
    fields = fields.filter((field) => field !== refused)
  }
})

/** The bytes of sound in an answer, without the events around them. */
const bytesOf = ({ events }: Server, answer: OpenAiClient.Answer, sent: string): Stream.Stream<Uint8Array, EngineFailed | SpeechFault.SpeechFault> =>
  answer.contentType !== "text/event-stream" ? answer.body : events(answer, sent).pipe(
    Stream.mapEffect((event): Effect.Effect<Uint8Array, EngineFailed | SpeechFault.SpeechFault> => {
      if (!("audio" in event)) return event.type.endsWith("error") ? Effect.fail(unreadableEvent) : Effect.succeed(new Uint8Array(0))
      const format = event.response_format ?? "pcm"
      if (format !== "pcm" && format !== "wav") return Effect.fail(SpeechFault.compressed(format))
      return Effect.mapError(Effect.fromResult(Base64.decode(event.audio)), () => unreadableEvent)
    })
  )

/** The sound of one request. */
const soundOf = (server: Server, request: SpeechRequest): Stream.Stream<SpeechChunk, EngineFailed | SpeechFault.SpeechFault> =>
  Stream.unwrap(Effect.map(ask(server, request), (answer) => {
    const { context, settings, takesContext } = server
    const isEvents = answer.contentType === "text/event-stream"
    const head = { contentType: isEvents ? "audio/pcm" : answer.contentType, headers: answer.headers }
    let millis = 0
    return Stream.transformPull(bytesOf(server, answer, request.text), (pull) =>
      Effect.sync(() =>
        SpeechChunks.make(pull, {
          raw: RawPcmFormat.read(head, settings.sampleRate ?? 24_000),
          // A slow voice may need twice as long. Sound after that is noise.
          maxMillis: 2 * maxMillisOf(request.text),
          isHashed: takesContext && context.keepsSound(),
          onSound: (soFar) => {
            server.hasSpoken = true
            millis = soFar
          },
          onComplete: context.noteHash
        })
      )).pipe(Stream.ensuring(Effect.suspend(() => server.endpoint.count({ soundSeconds: millis / 1000 }))))
  }))

const failureOf = ({ endpoint }: Server, { advice, reason, text }: SpeechFault.SpeechFault, sent: string): EngineFailed =>
  text === undefined || text.trimStart().startsWith("<")
    ? new EngineFailed({ stage: "textToSpeech", reason, advice })
    : ServerError.failure({ server: endpoint, status: 0, body: Option.getOrElse(Json.parse(text), () => text), sent })

/** The sound of a text. If a server's first answer is compressed, the sound is requested again as WAV. */
const synthesise = (server: Server, request: SpeechRequest): Stream.Stream<SpeechChunk, EngineFailed> => {
  const toFailure = (error: EngineFailed | SpeechFault.SpeechFault) =>
    error._tag === "SpeechFault" ? failureOf(server, error, request.text) : error
  return soundOf(server, request).pipe(
    Stream.catch((error) => {
      // A fault comes before any sound, so a second request repeats no sound.
      const mayHaveWav = error._tag === "SpeechFault" && error.isCompressed === true && !server.hasSpoken && server.fields.mayTake("pcm")
      if (!mayHaveWav) return Stream.fail(toFailure(error))
      server.fields.noteRefused("pcm")
      return Stream.mapError(soundOf(server, request), toFailure)
    })
  )
}

/** Makes the engine of these settings. It first asks the server for its voices and its model, for at most two seconds. */
export const make = Effect.fnUntraced(function*(
  settings: EngineSettings,
  options: MakeOptions = {}
): Effect.fn.Return<TextToSpeech["Service"], never, HttpClient.HttpClient | Scope.Scope> {
  const endpoint = yield* OpenAiClient.make("textToSpeech", settings)
  const fields = SpeechFields.make()
  const context = SpeechContext.make()
  const lines = PreparedLines.make()

  const { model, voices } = yield* Effect.all({
    voices: voicesOf(endpoint, context),
    model: Option.isSome(settings.model) ? Effect.as(endpoint.warm(), settings.model) : endpoint.model
  }, { concurrency: 2 }).pipe(
    Effect.timeoutOrElse({
      duration: voicesTimeout,
      orElse: () => Effect.succeed({ voices: [] as ReadonlyArray<string>, model: settings.model })
    })
  )
  const takesContext = options.takesContext ?? Option.exists(model, (name) => /csm/i.test(name))
  if (!takesContext) fields.noteRefused("context")
  const server: Server = { endpoint, settings, fields, context, takesContext, events: Sse.decoder(endpoint, SpeechEvent), hasSpoken: false }

  return TextToSpeech.of({
    isReady: lines.has,
    voices,
    ...(takesContext ? { contextMillis: SpeechContext.contextMillis } : {}),
    speak: (request) =>
      Stream.suspend(() => {
        if (!hasWords(request)) return Stream.empty
        const line = lines.get(request)
        return line === undefined ? synthesise(server, request) : Stream.fromArray(line)
      }),
    prepare: (requests) =>
      Effect.forEach(
        requests.filter((request) => hasWords(request) && !lines.has(request)),
        (request) => Effect.map(Stream.runCollect(synthesise(server, request)), (chunks) => lines.add(request, chunks)),
        { concurrency: concurrentLines, discard: true }
      )
  })
})
