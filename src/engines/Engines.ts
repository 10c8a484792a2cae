/**
 * Builds the engine of each stage from `STT_URL`, `LLM_URL` and `TTS_URL`. Each variable names the embedded engine, a server with
 * OpenAI's API, or several of these in order of preference. Voice activity is always detected in this process, because it decides which
 * sound is sent to servers.
 */
import { type Array, Context, Effect, Layer, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import { AppConfig } from "../config/AppConfig.ts"
import { embedded, type EngineChoice, type EngineSettings } from "../config/EngineSettings.ts"
import type { EngineFailed, Stage } from "../conversation/ports/Engine.ts"
import { ReplyModel } from "../conversation/ports/ReplyModel.ts"
import { SpeechToText } from "../conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../conversation/ports/TextToSpeech.ts"
import * as Flite from "./embedded/flite/FliteTextToSpeech.ts"
import * as Scripted from "./embedded/script/ScriptedReplyModel.ts"
import * as Silero from "./embedded/silero/SileroVoiceActivity.ts"
import * as SoundSwallower from "./embedded/soundswallower/SoundSwallowerSpeechToText.ts"
import * as EngineName from "./EngineName.ts"
import type * as Failover from "./failover/Failover.ts"
import type { Member } from "./failover/Member.ts"
import * as FallbackReplyModel from "./failover/FallbackReplyModel.ts"
import * as FallbackSpeechToText from "./failover/FallbackSpeechToText.ts"
import * as FallbackTextToSpeech from "./failover/FallbackTextToSpeech.ts"
import * as EngineHttpClient from "./openai/client/EngineHttpClient.ts"
import * as OpenAiClient from "./openai/client/OpenAiClient.ts"
import * as ServerError from "./openai/client/ServerError.ts"
import * as Liveness from "./openai/client/Liveness.ts"
import * as OpenAiReplyModel from "./openai/chat/OpenAiReplyModel.ts"
import * as OpenAiSpeechToText from "./openai/transcription/OpenAiSpeechToText.ts"
import * as OpenAiTextToSpeech from "./openai/speech/OpenAiTextToSpeech.ts"
import * as HttpTools from "./tools/HttpTools.ts"
import * as VerbalizedTextToSpeech from "./VerbalizedTextToSpeech.ts"

/** Connections that are opened to each server at start. A turn and a preemptive reply may each need one at the same time. */
const warmConnections = 2

/**
 * Time limits in ms (see `Failover.MakeOptions`). `hedgeAfter` is two to three times the latency that is published for the stage's
 * engines on a GPU. `answerTimeout` limits requests that no turn waits for. A turn sets its own limit (`StageBudget`).
 */
const timeLimits: Record<Exclude<Stage, "voiceActivity">, Pick<Failover.MakeOptions, "hedgeAfter" | "answerTimeout">> = {
  speechToText: { hedgeAfter: 500, answerTimeout: 8000 },
  replyModel: { hedgeAfter: 800, answerTimeout: 10_000 },
  textToSpeech: { hedgeAfter: 600, answerTimeout: 8000 }
}

/** Whether the failure is an answer of the server with an error status. */
const isServerAnswer = (error: EngineFailed): boolean => ServerError.statusOf(error) !== undefined

type Members<S> = ReadonlyArray<Member<S>>

/** The layer of a stage's engine. */
const stageLayer = <I, S, E, RE>(options: {
  readonly stage: Exclude<Stage, "voiceActivity">
  readonly service: Context.Service<I, S>
  readonly embeddedLayer: Layer.Layer<I, E, RE>
  readonly makeServerEngine: (settings: EngineSettings) => Effect.Effect<S, never, HttpClient.HttpClient | Scope.Scope>
  /** Wraps each engine of this stage. */
  readonly adapt?: (engine: S, choice: EngineChoice) => S
  /** Combines the members into one engine. Its requests are answered by the first member that works. */
  readonly combine: (members: Members<S>, options: Omit<Failover.MakeOptions, "stage">) => Effect.Effect<S, never, Scope.Scope>
}) =>
  Layer.effect(
    options.service,
    Effect.gen(function*() {
      const { engines } = yield* AppConfig
      const choices: Array.NonEmptyReadonlyArray<EngineChoice> = engines[options.stage]

      const { adapt = (engine: S) => engine } = options

      const makeMember = Effect.fnUntraced(function*(choice: EngineChoice) {
        if (choice._tag === "Embedded") {
          return { name: embedded, engine: adapt(Context.get(yield* Layer.build(options.embeddedLayer), options.service), choice) }
        }
        const { settings } = choice
        const endpoint = yield* OpenAiClient.make(options.stage, settings)
        yield* Effect.forkScoped(endpoint.warm(warmConnections))
        return { name: EngineName.of(settings), engine: adapt(yield* options.makeServerEngine(settings), choice), probe: Liveness.make(endpoint) }
      })

      const members = yield* Effect.forEach(choices, makeMember)
      return yield* options.combine(members, { ...timeLimits[options.stage], retryAfter: ServerError.retryAfterOf, isServerAnswer })
    })
  )

const speechToText = stageLayer({
  stage: "speechToText",
  service: SpeechToText,
  embeddedLayer: SoundSwallower.layer,
  makeServerEngine: (settings) => OpenAiSpeechToText.make(settings),
  combine: FallbackSpeechToText.make
})

const replyModel = stageLayer({
  stage: "replyModel",
  service: ReplyModel,
  embeddedLayer: Scripted.layer,
  makeServerEngine: (settings) => OpenAiReplyModel.make(settings),
  combine: FallbackReplyModel.make
})

const textToSpeech = stageLayer({
  stage: "textToSpeech",
  service: TextToSpeech,
  embeddedLayer: Flite.layer,
  makeServerEngine: (settings) => OpenAiTextToSpeech.make(settings),
  adapt: (engine, choice) =>
    choice._tag === "Server" && choice.settings.writesFiguresOut === true ? engine : VerbalizedTextToSpeech.make(engine),
  combine: FallbackTextToSpeech.make
})

export const layer = Layer.mergeAll(Silero.layer, speechToText, replyModel, textToSpeech, HttpTools.layer).pipe(
  Layer.provide(EngineHttpClient.layer)
)
