/**
 * The client of `POST /audio/transcriptions`. It sends speech and asks for the words as `verbose_json`. After the server has refused this
 * format, it asks for `json`. It notes how long the answers take (`RequestPace`).
 */
import { Cause, Clock, Effect, Exit, Option, type Scope, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as AnswerBody from "../client/AnswerBody.ts"
import * as Multipart from "../client/Multipart.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import * as ServerError from "../client/ServerError.ts"
import * as Sse from "../client/Sse.ts"
import * as RequestPace from "./RequestPace.ts"
import * as TranscriptionBody from "./TranscriptionBody.ts"
import * as UtteranceFile from "./UtteranceFile.ts"
import type { Speech } from "./UtteranceSound.ts"

/** Connections that are opened before the first call. */
const warmConnections = 2

const samplesPerSecond = 8000

const maxAnswerBytes = 1024 * 1024

interface TranscriptionRequest {
  readonly speech: Speech
  /** ISO 639-1. */
  readonly language: string
  /** Words that the model should expect. */
  readonly prompt: string | undefined
  /** The request is for the words so far, so it is not sent again if its connection breaks. */
  readonly isPartial: boolean
}

interface TranscriptionServer {
  readonly transcribe: (request: TranscriptionRequest) => Effect.Effect<TranscriptionBody.Heard, EngineFailed>
  readonly pace: RequestPace.RequestPace
}

/** Makes the client, and opens connections in the background. */
export const make = Effect.fnUntraced(function*(
  settings: EngineSettings
): Effect.fn.Return<TranscriptionServer, never, HttpClient.HttpClient | Scope.Scope> {
  const client = yield* OpenAiClient.make("speechToText", settings)
  const events = Sse.decoder(client, TranscriptionBody.Event)
  const clock = yield* Clock.Clock
  const monotonicMillis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const pace = RequestPace.make()
  /** The format to ask for. `verbose_json` has the model's scores. */
  let format: "verbose_json" | "json" = "verbose_json"

  yield* Effect.forkScoped(client.warm(warmConnections))

  const send = Effect.fnUntraced(
    function*(
      { isPartial, language, prompt, speech }: TranscriptionRequest,
      responseFormat: string
    ): Effect.fn.Return<TranscriptionBody.Heard, EngineFailed, Scope.Scope> {
      const model = yield* client.model
      const fields = { model: Option.getOrUndefined(model), language, prompt, temperature: "0", response_format: responseFormat }
      const answer = yield* client.post(
        "/audio/transcriptions",
        Multipart.encode(fields, UtteranceFile.of(speech)),
        { accept: "application/json, text/event-stream, text/plain", maxBytes: maxAnswerBytes, isResent: !isPartial, use: { soundSeconds: speech.length / samplesPerSecond } }
      )
      if (answer.contentType === "text/event-stream") {
        return TranscriptionBody.fromEvents(yield* Stream.runCollect(events(answer, prompt)))
      }
      const heard = TranscriptionBody.read(answer.contentType, yield* AnswerBody.text(answer))
      return Option.isSome(heard) ? heard.value : yield* ServerError.unreadable(client)
    },
    Effect.scoped
  )

  const transcribe: TranscriptionServer["transcribe"] = (request) =>
    Effect.suspend(() => {
      const sentFormat = format
      const sentAt = monotonicMillis()
      return Effect.catchIf(
        send(request, sentFormat),
        (error) => sentFormat === "verbose_json" && ServerError.isInvalidRequest(error),
        // A server answers 400 for other reasons, too. The format was the reason only if the server accepts `json`.
        () => Effect.tap(send(request, "json"), () => Effect.sync(() => format = "json"))
      ).pipe(Effect.onExit((exit) =>
        Effect.sync(() => {
          const millis = monotonicMillis() - sentAt
          if (Exit.isSuccess(exit)) pace.noteAnswer(millis)
          else if (Cause.hasInterruptsOnly(exit.cause)) pace.noteAbort(millis)
          else pace.noteFailure()
        })
      ))
    })

  return { transcribe, pace }
})
