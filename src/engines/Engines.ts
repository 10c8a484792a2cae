/**
 * The engines of each stage, as `STT_URL`, `LLM_URL` and `TTS_URL` name them: the embedded engine, a server with OpenAI's API, or a list
 * in order of preference. Voice activity is always detected in this process, because it decides what is sent to servers.
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

/** Connections that are opened to each server at start: one for a turn, one for a preemptive reply beside it. */
const warmConnections = 2

/**
 * In ms. `hedgeAfter` is two to three times the latency that is published for the stage's engines on a GPU. `patience` bounds requests
 * that no turn waits for; a turn sets its own bound (`StageBudget`).
 */
const bounds: Record<Exclude<Stage, "voiceActivity">, Pick<Failover.MakeOptions, "hedgeAfter" | "patience">> = {
  speechToText: { hedgeAfter: 500, patience: 8000 },
  replyModel: { hedgeAfter: 800, patience: 10_000 },
  textToSpeech: { hedgeAfter: 600, patience: 8000 }
}

/** Whether the server answered, even if with an error status. */
const isAnswer = (error: EngineFailed): boolean => ServerError.statusOf(error) !== undefined

type Members<S> = ReadonlyArray<Member<S>>

const stageOf = <I, S, E, RE>(options: {
  readonly stage: Exclude<Stage, "voiceActivity">
  readonly service: Context.Service<I, S>
  readonly embedded: Layer.Layer<I, E, RE>
  readonly server: (settings: EngineSettings) => Effect.Effect<S, never, HttpClient.HttpClient | Scope.Scope>
  /** Wraps an engine of this stage before others use it. */
  readonly adapted?: (engine: S, choice: EngineChoice) => S
  /** Makes one engine of all members: the first that works answers. */
  readonly together: (members: Members<S>, options: Omit<Failover.MakeOptions, "stage">) => Effect.Effect<S, never, Scope.Scope>
}) =>
  Layer.effect(
    options.service,
    Effect.gen(function*() {
      const { engines } = yield* AppConfig
      const choices: Array.NonEmptyReadonlyArray<EngineChoice> = engines[options.stage]

      const { adapted = (engine: S) => engine } = options

      const member = Effect.fnUntraced(function*(choice: EngineChoice) {
        if (choice._tag === "Embedded") {
          return { name: embedded, engine: adapted(Context.get(yield* Layer.build(options.embedded), options.service), choice) }
        }
        const { settings } = choice
        const endpoint = yield* OpenAiClient.make(options.stage, settings)
        yield* Effect.forkScoped(endpoint.warm(warmConnections))
        return { name: EngineName.of(settings), engine: adapted(yield* options.server(settings), choice), probe: Liveness.make(endpoint) }
      })

      const members = yield* Effect.forEach(choices, member)
      return yield* options.together(members, { ...bounds[options.stage], retryAfter: ServerError.retryAfterOf, isAnswer })
    })
  )

const speechToText = stageOf({
  stage: "speechToText",
  service: SpeechToText,
  embedded: SoundSwallower.layer,
  server: (settings) => OpenAiSpeechToText.make(settings),
  together: FallbackSpeechToText.make
})

const replyModel = stageOf({
  stage: "replyModel",
  service: ReplyModel,
  embedded: Scripted.layer,
  server: (settings) => OpenAiReplyModel.make(settings),
  together: FallbackReplyModel.make
})

const textToSpeech = stageOf({
  stage: "textToSpeech",
  service: TextToSpeech,
  embedded: Flite.layer,
  server: (settings) => OpenAiTextToSpeech.make(settings),
  adapted: (engine, choice) =>
    choice._tag === "Server" && choice.settings.writesFiguresOut === true ? engine : VerbalizedTextToSpeech.make(engine),
  together: FallbackTextToSpeech.make
})

export const layer = Layer.mergeAll(Silero.layer, speechToText, replyModel, textToSpeech, HttpTools.layer).pipe(
  Layer.provide(EngineHttpClient.layer)
)
