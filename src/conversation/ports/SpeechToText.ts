/**
 * The port of speech recognition: takes the sound of an utterance and returns its words.
 */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { RecognitionHints } from "../../definition/RecognitionHints.ts"
import type { EngineFailed, EngineStates } from "./Engine.ts"

/** The words of an utterance. */
export interface Transcript {
  /** Empty: the sound has no speech, or the engine recognized no word. */
  readonly text: string
  /** The sound was speech, but no word was understood, so `text` is empty. A cough is not speech. */
  readonly isUnintelligible?: boolean
  /** The engine is not sure of the words, so the agent may ask the caller to repeat them (`AskAgain`). */
  readonly isDoubtful?: boolean
  /**
   * - `complete`: the words can stand as a whole, so the turn may end sooner;
   * - `trailing`: the words break off ("I would like to"), so the turn may end later;
   * - `unknown`: the engine can't tell.
   */
  readonly ending: "complete" | "trailing" | "unknown"
  /** 0 to 1. Unset: the engine can't tell. */
  readonly confidence?: number
}

/** One utterance that is being recognized. The utterance ends with the scope in which it was begun. */
export interface Utterance {
  /** Takes the next sound. The effect may wait for an engine that is slower than the sound. The array must not be changed afterwards. */
  readonly push: (pcm: Pcm<8000>) => Effect.Effect<void, EngineFailed>
  /**
   * The transcript of all sound pushed so far. The effect may be run again after more sound, since a pause may not be the end of the
   * utterance. It may also be run again after an interruption.
   */
  readonly transcribe: Effect.Effect<Transcript, EngineFailed>
  /** A partial transcript each time the engine has recognized more words. The stream never ends and never fails. Unset: the engine has no partial transcripts. */
  readonly partials?: Stream.Stream<string>
}

/** A recognizer that is prepared for one agent, and shared by the agent's calls. */
export interface Recognizer {
  readonly begin: Effect.Effect<Utterance, EngineFailed, Scope.Scope>
}

export class SpeechToText extends Context.Service<SpeechToText, EngineStates & {
  readonly prepare: (hints: RecognitionHints) => Effect.Effect<Recognizer, EngineFailed, Scope.Scope>
  /** The words of the hints that this engine can't recognize, each once, in their order. */
  readonly unknownWords: (hints: RecognitionHints) => Effect.Effect<ReadonlyArray<string>, EngineFailed>
}>()("client-caller/conversation/ports/SpeechToText") {}
