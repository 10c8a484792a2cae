/**
 * Speech recognition by Whisper, or any other model behind `POST /audio/transcriptions`: OpenAI, vLLM, speaches,
 * whisper.cpp.
 *
 * Whisper hears an utterance as a whole and takes the same time for a short one as for a long one, so it is asked anew
 * for all of it: at a pause, again if the caller went on, and now and then while the caller speaks. A question that is
 * no longer wanted is aborted.
 *
 * Servers go on computing what was aborted. So an utterance has one request at a time: when the transcript is asked for, a
 * request for the words so far has been aborted before, or is waited for where it holds all of the caller's voice. A server
 * that is slow is asked for transcripts alone; see `RequestPace`.
 *
 * On silence Whisper invents words. So sound without a voice is not sent, and what comes back is judged; see `HallucinationFilter`.
 */
import { Cause, Clock, Effect, Exit, Fiber, Layer, Option, Queue, type Scope, Semaphore, Stream } from "effect"
import type { HttpClient } from "effect/http"
import * as Pcm from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import * as Wav from "../../../audio/Wav.ts"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import { SpeechToText, type Transcript } from "../../../conversation/ports/SpeechToText.ts"
import * as UtteranceCompleteness from "./UtteranceCompleteness.ts"
import * as AnswerBody from "../client/AnswerBody.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import * as ServerError from "../client/ServerError.ts"
import * as HallucinationFilter from "./HallucinationFilter.ts"
import * as SpeechEnergy from "./SpeechEnergy.ts"
import * as Multipart from "../client/Multipart.ts"
import * as RequestPace from "../client/RequestPace.ts"
import * as Sse from "../client/Sse.ts"
import * as TranscriptionBody from "./TranscriptionBody.ts"
import * as WhisperPrompt from "./WhisperPrompt.ts"

export interface Options {
  /** ms of further sound after which the words so far are asked for while the caller speaks; 0: never. Default 600. */
  readonly partialsEvery?: number
  /** Tells the model the agent's rare words; see `WhisperPrompt`. Default true. */
  readonly isBiased?: boolean
}

/** Samples at 8 kHz of an utterance that are kept: a minute. A turn ends an utterance after half of it. */
const longest = 480_000

/** ms of voice below which there are no words. */
const leastVoice = 60

/** ms behind the caller's last voiced sample that are sent: the soft end of a word, but no long silence, in which Whisper invents. */
const tail = 250

/** ms of silence that end a turn, where nobody says. */
const standardPause = 300

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
  /** For the words so far: what is lost is not asked for again. */
  readonly isPartial: boolean
}

/** A request for the words so far, while it is under way. */
interface Partial {
  readonly fiber: Fiber.Fiber<Transcript, EngineFailed>
  /** ms of the utterance that it holds. */
  readonly until: number
  /** A transcript was waited for by it in vain. */
  isGivenUp: boolean
}

/** The first samples of some sound. */
const firstOf = (pieces: ReadonlyArray<Pcm.Pcm<8000>>, length: number): ReadonlyArray<Pcm.Pcm<8000>> => {
  const first: Array<Pcm.Pcm<8000>> = []
  let left = length
  for (const piece of pieces) {
    if (left <= 0) break
    first.push(piece.length <= left ? piece : piece.subarray(0, left))
    left -= piece.length
  }
  return first
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
  const endpoint = yield* OpenAiClient.make("speechToText", settings)
  const events = Sse.decoder(endpoint, TranscriptionBody.Event)
  const { leastConfidence = HallucinationFilter.standardLeastConfidence } = settings
  const partialsEvery = options.partialsEvery ?? (settings.hasPartials === false ? 0 : 600)
  /** The fuller one as long as the server takes it: it tells how sure the model is. */
  let format: "verbose_json" | "json" = "verbose_json"
  const pace = RequestPace.make()
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

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
        { accept: "application/json, text/event-stream, text/plain", maxBytes, isResent: !question.isPartial }
      )
      if (answer.contentType === "text/event-stream") {
        return TranscriptionBody.fromEvents(yield* Stream.runCollect(events(answer, prompt)))
      }
      const heard = TranscriptionBody.read(answer.contentType, yield* AnswerBody.text(answer))
      return Option.isSome(heard) ? heard.value : yield* ServerError.unreadable(endpoint)
    },
    Effect.scoped
  )

  const hear = (question: Question): Effect.Effect<TranscriptionBody.Heard, EngineFailed> =>
    Effect.suspend(() => {
      const asked = format
      const began = monotonic()
      return Effect.catchIf(
        ask(question, asked),
        (error) => asked === "verbose_json" && ServerError.isInvalidRequest(error),
        // Other things are answered by 400 too: only if less is taken it was the format.
        () => Effect.tap(ask(question, "json"), () => Effect.sync(() => format = "json"))
      ).pipe(Effect.onExit((exit) =>
        Effect.sync(() => {
          const millis = monotonic() - began
          if (Exit.isSuccess(exit)) pace.answered(millis)
          else if (Cause.hasInterruptsOnly(exit.cause)) pace.aborted(millis)
          else pace.failed()
        })
      ))
    })

  const prepare = Effect.fnUntraced(function*(hints: RecognitionHints) {
    const language = hints.language.split(/[-_]/)[0].toLowerCase()
    const prompt = options.isBiased === false ? undefined : WhisperPrompt.prompt(hints)
    const { pause = standardPause } = hints

    const begin = Effect.gen(function*() {
      const scope = yield* Effect.scope
      const loudness = SpeechEnergy.make()
      const due = yield* Queue.sliding<void>(1)
      const one = yield* Semaphore.make(1)
      const pieces: Array<Pcm.Pcm<8000>> = []
      /** Samples of all pieces. */
      let length = 0
      /** How much of the sound the last question had. */
      let asked = 0
      let askedLoud = 0
      let finals = 0
      let running: Partial | undefined

      /** An utterance begins with what was heard before the voice: so half of it at least has to be loud. */
      const isPartialDue = () =>
        partialsEvery > 0
        && finals === 0
        && running === undefined
        && (length - asked) / 8 >= partialsEvery
        && loudness.loudMillis() - askedLoud >= partialsEvery / 2
        && pace.isQuick(pause)

      const push = (pcm: Pcm.Pcm<8000>) =>
        Effect.sync(() => {
          if (length + pcm.length > longest) return
          loudness.push(pcm)
          pieces.push(pcm)
          length += pcm.length
          if (isPartialDue()) Queue.offerUnsafe(due, undefined)
        })

      /** The words of the sound so far. */
      const question = (isPartial: boolean) => {
        asked = length
        askedLoud = loudness.loudMillis()
        const { voicedUntil, ...measured } = loudness.measure()
        if (measured.voicedMillis < leastVoice) return { until: voicedUntil, words: Effect.succeed(silence) }
        const sent = Math.min(length, 8 * (voicedUntil + tail))
        const sound = { ...measured, millis: sent / 8 }
        const words = Effect.map(hear({ pieces: firstOf(pieces, sent), length: sent, language, prompt, isPartial }), (heard): Transcript => {
          const { confidence, isDoubtful = false, isUnintelligible, text } = HallucinationFilter.judge(heard, {
            language,
            leastConfidence,
            sound,
            ...(prompt === undefined ? {} : { prompt })
          })
          return {
            text,
            ending: UtteranceCompleteness.of(text, language),
            ...(isUnintelligible ? { isUnintelligible } : {}),
            ...(isDoubtful ? { isDoubtful } : {}),
            ...(confidence === undefined ? {} : { confidence })
          }
        })
        return { until: sent / 8, words }
      }

      const askAnew = Effect.suspend(() => question(false).words)

      /** What is under way already, where it holds all of the caller's voice; else it is aborted before anything is sent. */
      const words: Effect.Effect<Transcript, EngineFailed> = Effect.suspend(() => {
        if (running === undefined) return askAnew
        const partial = running
        if (partial.isGivenUp || partial.until < loudness.measure().voicedUntil) {
          return Effect.andThen(Fiber.interrupt(partial.fiber), askAnew)
        }
        return Fiber.await(partial.fiber).pipe(
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              partial.isGivenUp = true
            })
          ),
          Effect.flatMap((exit) => Exit.isSuccess(exit) ? Effect.succeed(exit.value) : askAnew)
        )
      })

      const transcribe = Effect.acquireUseRelease(
        Effect.sync(() => finals++),
        () => words,
        () => Effect.sync(() => finals--)
      )

      const partial = Effect.gen(function*() {
        while (!isPartialDue()) yield* Queue.take(due)
        const { until, words } = question(true)
        const fiber = yield* Effect.forkIn(words, scope)
        const own: Partial = { fiber, until, isGivenUp: false }
        running = own
        const exit = yield* Fiber.await(fiber).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber)),
          Effect.ensuring(Effect.sync(() => {
            running = undefined
          }))
        )
        // The last transcript tells what is wrong.
        return Exit.isSuccess(exit) ? exit.value.text : ""
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
