/**
 * Speech recognition by Whisper, or any other model with `POST /audio/transcriptions`: OpenAI, vLLM, speaches, whisper.cpp.
 *
 * Whisper takes as long for a short sound as for a long sound, so each request holds all of the utterance so far. Requests are sent at each
 * pause, and at intervals while the caller speaks (`UtteranceRequests`). A slow server is asked only at pauses (`RequestPace`).
 *
 * Whisper invents words in silence. So sound without a voice is not sent (`UtteranceSound`), and answers are judged
 * (`HallucinationFilter`).
 */
import { Effect, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { SpeechToText, type Transcript, type Utterance } from "../../../conversation/ports/SpeechToText.ts"
import type { RecognitionHints } from "../../../definition/RecognitionHints.ts"
import * as HallucinationFilter from "./HallucinationFilter.ts"
import type { Heard } from "./TranscriptionBody.ts"
import * as TranscriptionServer from "./TranscriptionServer.ts"
import * as UtteranceCompleteness from "./UtteranceCompleteness.ts"
import * as UtteranceRequests from "./UtteranceRequests.ts"
import { UtteranceSound } from "./UtteranceSound.ts"
import * as WhisperPrompt from "./WhisperPrompt.ts"

export interface Options {
  /** While the caller speaks, the words so far are asked for after this many ms of further sound; 0: never. Default 600. */
  readonly partialsInterval?: number
  /** Whether the prompt names the agent's rare words; see `WhisperPrompt`. Default true. */
  readonly isBiased?: boolean
}

const defaultPartialsInterval = 600

/** ms of silence that end a turn, if the hints have no `pause`. */
const defaultPause = 300

const transcriptOf = (heard: Heard, circumstances: HallucinationFilter.Circumstances): Transcript => {
  const { confidence, isDoubtful = false, isUnintelligible, text } = HallucinationFilter.judge(heard, circumstances)
  return {
    text,
    ending: UtteranceCompleteness.of(text, circumstances.language),
    ...(isUnintelligible ? { isUnintelligible } : {}),
    ...(isDoubtful ? { isDoubtful } : {}),
    ...(confidence === undefined ? {} : { confidence })
  }
}

export const make = Effect.fnUntraced(function*(
  settings: EngineSettings,
  options: Options = {}
): Effect.fn.Return<SpeechToText["Service"], never, HttpClient.HttpClient | Scope.Scope> {
  const server = yield* TranscriptionServer.make(settings)
  const { leastConfidence = HallucinationFilter.standardLeastConfidence } = settings
  const partialsInterval = options.partialsInterval ?? (settings.hasPartials === false ? 0 : defaultPartialsInterval)

  const prepare = ({ pause = defaultPause, ...hints }: RecognitionHints) => {
    const language = hints.language.split(/[-_]/)[0].toLowerCase()
    const prompt = options.isBiased === false ? undefined : WhisperPrompt.prompt(hints)

    const begin = Effect.gen(function*() {
      const sound = new UtteranceSound()
      const requests = yield* UtteranceRequests.make({
        sound,
        request: (speech, isPartial) =>
          Effect.map(server.transcribe({ speech, language, prompt, isPartial }), (heard) =>
            transcriptOf(heard, { language, leastConfidence, sound: speech.energy, ...(prompt === undefined ? {} : { prompt }) })),
        isServerQuick: () => server.pace.isQuick(pause),
        partialsInterval
      })
      return {
        push: (pcm) =>
          Effect.sync(() => {
            sound.push(pcm)
            requests.noteSound()
          }),
        transcribe: requests.transcribe,
        ...(partialsInterval > 0 ? { partials: requests.partials } : {})
      } satisfies Utterance
    })
    return Effect.succeed({ begin })
  }

  return SpeechToText.of({ prepare, unknownWords: () => Effect.succeed([]) })
})
