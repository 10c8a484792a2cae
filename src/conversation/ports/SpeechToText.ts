/**
 * The port of speech recognition: takes the sound of an utterance and gives its words.
 */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { RecognitionHints } from "../../definition/RecognitionHints.ts"
import type { EngineFailed, Observed } from "./Engine.ts"

/** The words of an utterance. */
export interface Transcript {
  /** Empty: no speech, or none that the engine knows. */
  readonly text: string
  /** It was speech, but no word was understood, and `text` is empty. A cough is not speech. */
  readonly isUnintelligible?: boolean
  /** The words are mostly a guess, so the agent asks the caller to repeat them (`AskAgain`). */
  readonly isDoubtful?: boolean
  /**
   * - `complete`: the words can stand as a whole, so the turn may end sooner;
   * - `trailing`: the words break off ("I would like to"), so the turn may end later;
   * - `unknown`: the engine can't tell.
   */
  readonly ending: "complete" | "trailing" | "unknown"
  /** 0 to 1, where the engine knows. */
  readonly confidence?: number
}

/** One utterance that is being recognized. It belongs to the scope in which it was begun. */
export interface Utterance {
  /** Takes sound in order. It may wait for an engine that is behind. The piece must not be written to afterwards. */
  readonly push: (pcm: Pcm<8000>) => Effect.Effect<void, EngineFailed>
  /**
   * The transcript of all sound pushed so far. It may be run again after more sound, since a pause may not be the end. It may also be run
   * again after it was interrupted.
   */
  readonly transcribe: Effect.Effect<Transcript, EngineFailed>
  /** The words so far, each time the engine knows more. The stream never ends and never fails. Unset: the engine has no partial transcripts. */
  readonly partials?: Stream.Stream<string>
}

/** A recognizer that is prepared for one agent, and shared by the agent's calls. */
export interface Recognizer {
  readonly begin: Effect.Effect<Utterance, EngineFailed, Scope.Scope>
}

export class SpeechToText extends Context.Service<SpeechToText, Observed & {
  readonly prepare: (hints: RecognitionHints) => Effect.Effect<Recognizer, EngineFailed, Scope.Scope>
  /** The words of the hints that this engine can't recognize, each once, in their order. */
  readonly unknownWords: (hints: RecognitionHints) => Effect.Effect<ReadonlyArray<string>, EngineFailed>
}>()("client-caller/conversation/ports/SpeechToText") {}
