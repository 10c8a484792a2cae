/**
 * The port of speech synthesis: takes text and streams its sound as early as possible.
 */
import { Context, type Effect, type Stream } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { EngineFailed, EngineStates } from "./Engine.ts"

export interface SpeechRequest {
  /** A clause or a sentence, without markup. */
  readonly text: string
  /** The engine's name of a voice. Unset: the engine chooses. */
  readonly voice?: string
  /** ISO 639-1. */
  readonly language: string
  /** The turns before this text, oldest first, for a voice that sounds better with them (`contextMillis`). */
  readonly context?: ReadonlyArray<SpokenTurn>
}

/** Words that one side said and the other side heard, with their sound. */
export interface SpokenTurn {
  readonly role: "caller" | "agent"
  readonly text: string
  /** The pieces in order, each of any length. */
  readonly sound: ReadonlyArray<Pcm>
  readonly sampleRate: SampleRate
}

/** How long a turn's sound lasts, ms. */
export const millisOf = ({ sampleRate, sound }: Pick<SpokenTurn, "sound" | "sampleRate">): number =>
  sound.reduce((sum, { length }) => sum + length, 0) * 1000 / sampleRate

/** A piece of sound, of any length. */
export interface SpeechChunk {
  readonly pcm: Pcm
  readonly sampleRate: SampleRate
}

export class TextToSpeech extends Context.Service<TextToSpeech, EngineStates & {
  /** Interruption stops the synthesis. Text without a letter or digit has no sound. */
  readonly speak: (request: SpeechRequest) => Stream.Stream<SpeechChunk, EngineFailed>
  /** Makes the sound of an agent's fixed lines in advance, so that they are spoken without delay. */
  readonly prepare: (requests: ReadonlyArray<SpeechRequest>) => Effect.Effect<void, EngineFailed>
  /** Whether the sound of this request was made in advance, so that no server is needed. Unset: the engine never needs a server. */
  readonly isReady?: (request: SpeechRequest) => boolean
  /** Names of the engine's voices. Empty: the engine can't tell. */
  readonly voices: ReadonlyArray<string>
  /** How much sound (ms) of earlier turns the voice can use. Unset: the voice uses no earlier sound, so none is kept. */
  readonly contextMillis?: number
}>()("client-caller/conversation/ports/TextToSpeech") {}
