/**
 * Speech recognition by Whisper, or any other model behind `POST /audio/transcriptions`: OpenAI, vLLM, speaches,
 * whisper.cpp.
 *
 * Whisper hears an utterance as a whole and takes the same time for a short one as for a long one, so it is asked anew
 * for all of it: at a pause, again if the caller went on, and now and then while the caller speaks. A question that is
 * no longer wanted is aborted, and at most one of those in between is under way.
 *
 * On silence Whisper invents words. So sound without a voice is not sent, and what comes back is judged; see `Inventions`.
 */
import { Deferred, Effect, Layer, Option, Queue, type Scope, Semaphore, Stream } from "effect"
import type { HttpClient } from "effect/http"
import * as Pcm from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/Resampler.ts"
import * as Wav from "../../audio/Wav.ts"
import type { EngineSettings } from "../../config/AppConfig.ts"
import type { EngineFailed } from "../../conversation/Engine.ts"
import { type Hints, SpeechToText, type Transcript } from "../../conversation/SpeechToText.ts"
import * as Ending from "./Ending.ts"
import * as Endpoint from "./Endpoint.ts"
import * as Inventions from "./Inventions.ts"
import * as Loudness from "./Loudness.ts"
import * as Multipart from "./Multipart.ts"
import * as Sse from "./Sse.ts"
import * as TranscriptionBody from "./TranscriptionBody.ts"
import * as Vocabulary from "./Vocabulary.ts"

export interface Options {
  /** ms of further sound after which the words so far are asked for while the caller speaks; 0: never. Default 600. */
  readonly partialsEvery?: number
  /** Tells the model the agent's rare words; see `Vocabulary`. Default true. */
  readonly isBiased?: boolean
}

/** Samples at 8 kHz of an utterance that are kept: a minute. A turn ends an utterance after half of it. */
const longest = 480_000

/** ms of voice below which there are no words. */
const leastVoice = 60

/** Connections that are open before the first call. */
const connections = 2

const maxBytes = 1024 * 1024

const silence: Transcript = { text: "", ending: "unknown" }

interface Question {
  readonly pieces: ReadonlyArray<Pcm.Pcm<8000>>
  /** Samples of all pieces. */
  readonly length: number
  readonly language: string
  readonly prompt: string | undefined
}

/** A piece at 16 kHz: read before the next is made, so all calls share it. */
let work: Pcm.Pcm<16000> = new Int16Array(2048)

/** The sound of a question as a file. It is resampled for each: to keep it at 16 kHz would take more memory than time. */
const fileOf = ({ length, pieces }: Pick<Question, "pieces" | "length">) => {
  const size = 2 * 2 * length
  return {
    field: "file",
    name: "utterance.wav",
    type: "audio/wav",
    length: Wav.headerBytes + size,
    write: (bytes: Uint8Array) => {
      const resampler = Resampler.make(8000, 16000)
      Wav.writeHeader(bytes, { sampleRate: 16_000, channels: 1, size })
      let at = Wav.headerBytes
      for (const piece of pieces) {
        if (work.length < 2 * piece.length) work = new Int16Array(2 * piece.length)
        const count = resampler.processInto(piece, work)
        Pcm.writeBytes(work.subarray(0, count), bytes, at)
        at += 2 * count
      }
    }
  }
}

export const make = Effect.fnUntraced(function*(
  settings: EngineSettings,
  options: Options = {}
): Effect.fn.Return<SpeechToText["Service"], never, HttpClient.HttpClient | Scope.Scope> {
  const endpoint = yield* Endpoint.make("speechToText", settings)
  const events = Sse.decoder(endpoint, TranscriptionBody.Event)
  const partialsEvery = options.partialsEvery ?? (settings.hasPartials === false ? 0 : 600)
  /** The fuller one as long as the server takes it: it tells how sure the model is. */
  let format: "verbose_json" | "json" = "verbose_json"

  yield* Effect.forkScoped(endpoint.warm(connections))

  const ask = Effect.fnUntraced(
    function*(question: Question, format: string): Effect.fn.Return<TranscriptionBody.Heard, EngineFailed, Scope.Scope> {
      const { language, prompt } = question
      const model = yield* endpoint.model
      const answer = yield* endpoint.post(
        "/audio/transcriptions",
        Multipart.encode(
          { model: Option.getOrUndefined(model), language, prompt, temperature: "0", response_format: format },
          fileOf(question)
        ),
        { accept: "application/json, text/event-stream, text/plain", maxBytes }
      )
      if (answer.contentType === "text/event-stream") {
        return TranscriptionBody.fromEvents(yield* Stream.runCollect(events(answer, prompt)))
      }
      const heard = TranscriptionBody.read(answer.contentType, yield* Endpoint.text(answer))
      return Option.isSome(heard) ? heard.value : yield* Endpoint.unreadable("speechToText", endpoint.url)
    },
    Effect.scoped
  )

  const hear = (question: Question): Effect.Effect<TranscriptionBody.Heard, EngineFailed> =>
    Effect.suspend(() => {
      const asked = format
      return Effect.catchIf(
        ask(question, asked),
        (error) => asked === "verbose_json" && Endpoint.isNotTaken(error),
        // Other things are answered by 400 too: only if less is taken it was the format.
        () => Effect.tap(ask(question, "json"), () => Effect.sync(() => format = "json"))
      )
    })

  const prepare = Effect.fnUntraced(function*(hints: Hints) {
    const language = hints.language.split(/[-_]/)[0].toLowerCase()
    const prompt = options.isBiased === false ? undefined : Vocabulary.prompt(hints)

    const begin = Effect.gen(function*() {
      const loudness = Loudness.make()
      const due = yield* Queue.sliding<void>(1)
      const one = yield* Semaphore.make(1)
      const pieces: Array<Pcm.Pcm<8000>> = []
      /** Samples of all pieces. */
      let length = 0
      /** How much of the sound the last question had. */
      let asked = 0
      let askedLoud = 0
      let finals = 0
      let stopPartial: Deferred.Deferred<string> | undefined

      /** An utterance begins with what was heard before the voice: so half of it at least has to be loud. */
      const isPartialDue = () =>
        partialsEvery > 0
        && finals === 0
        && (length - asked) / 8 >= partialsEvery
        && loudness.loudMillis() - askedLoud >= partialsEvery / 2

      const push = (pcm: Pcm.Pcm<8000>) =>
        Effect.sync(() => {
          if (length + pcm.length > longest) return
          loudness.push(pcm)
          pieces.push(pcm)
          length += pcm.length
          if (isPartialDue()) Queue.offerUnsafe(due, undefined)
        })

      const words: Effect.Effect<Transcript, EngineFailed> = Effect.suspend(() => {
        asked = length
        askedLoud = loudness.loudMillis()
        const measured = loudness.measure()
        if (measured.voicedMillis < leastVoice) return Effect.succeed(silence)
        return Effect.map(hear({ pieces: [...pieces], length, language, prompt }), (heard): Transcript => {
          const { confidence, isUnintelligible, text } = Inventions.judge(heard, {
            language,
            sound: measured,
            ...(prompt === undefined ? {} : { prompt })
          })
          return {
            text,
            ending: Ending.of(text, language),
            ...(isUnintelligible ? { isUnintelligible } : {}),
            ...(confidence === undefined ? {} : { confidence })
          }
        })
      })

      const dropPartial = Effect.sync(() => {
        if (stopPartial !== undefined) Deferred.doneUnsafe(stopPartial, Effect.succeed(""))
      })
      yield* Effect.addFinalizer(() => dropPartial)

      const transcribe = Effect.acquireUseRelease(
        Effect.andThen(dropPartial, Effect.sync(() => finals++)),
        () => words,
        () => Effect.sync(() => finals--)
      )

      const partial = Effect.gen(function*() {
        while (!isPartialDue()) yield* Queue.take(due)
        const stop = yield* Deferred.make<string>()
        stopPartial = stop
        return yield* words.pipe(
          // The next one may succeed; and if not, the last transcript tells what is wrong.
          Effect.match({ onSuccess: ({ text }) => text, onFailure: () => "" }),
          Effect.raceFirst(Deferred.await(stop))
        )
      })

      return {
        push,
        transcribe,
        ...(partialsEvery > 0
          ? { partials: Stream.filter(Stream.fromEffectRepeat(one.withPermit(partial)), (text) => text !== "") }
          : {})
      }
    })
    return { begin }
  })

  return SpeechToText.of({ prepare, unknownWords: () => Effect.succeed([]) })
})

export const layer = (settings: EngineSettings, options?: Options): Layer.Layer<SpeechToText, never, HttpClient.HttpClient> =>
  Layer.effect(SpeechToText, make(settings, options))
