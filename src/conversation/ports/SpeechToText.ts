/**
 * The port of speech recognition: the sound of an utterance in, its words out.
 */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { RecognitionHints } from "../../definition/RecognitionHints.ts"
import type { EngineFailed, Observed } from "./Engine.ts"

/** The words of an utterance. */
export interface Transcript {
  /** Empty: no speech, or none that the engine knows. */
  readonly text: string
  /** It was speech, but no words could be told; `text` is empty. A cough is not speech. */
  readonly isUnintelligible?: boolean
  /** The words are more of a guess than what was said: to be asked for again rather than to be answered; see `AskAgain`. */
  readonly isDoubtful?: boolean
  /**
   * - `complete`: it can stand as a whole, so the turn may end sooner;
   * - `trailing`: it breaks off ("I would like to"), so the turn may end later;
   * - `unknown`: the engine can't tell.
   */
  readonly ending: "complete" | "trailing" | "unknown"
  /** 0 to 1, where the engine knows. */
  readonly confidence?: number
}

/** One utterance that is being heard; belongs to the scope it was begun in. */
export interface Utterance {
  /** Sound in order. It may wait for an engine that is behind; the piece must not be written to afterwards. */
  readonly push: (pcm: Pcm<8000>) => Effect.Effect<void, EngineFailed>
  /**
   * The transcript of all sound pushed so far. May be asked again after more was pushed: a pause that was
   * not the end. Stopped by interruption, after which it may be asked anew.
   */
  readonly transcribe: Effect.Effect<Transcript, EngineFailed>
  /** What was understood so far, anew while sound comes; where the engine has it. It never ends and never fails. */
  readonly partials?: Stream.Stream<string>
}

/** An engine that has been told what to expect; one an agent, shared by its calls. */
export interface Recognizer {
  readonly begin: Effect.Effect<Utterance, EngineFailed, Scope.Scope>
}

export class SpeechToText extends Context.Service<SpeechToText, Observed & {
  readonly prepare: (hints: RecognitionHints) => Effect.Effect<Recognizer, EngineFailed, Scope.Scope>
  /** Words of the hints that this engine could never hear, in the order of their appearance, each once. */
  readonly unknownWords: (hints: RecognitionHints) => Effect.Effect<ReadonlyArray<string>, EngineFailed>
}>()("client-caller/conversation/ports/SpeechToText") {}
