/**
 * The port of speech synthesis: text in, sound out, the first of it as early as the engine can.
 */
import { Context, type Effect, type Stream } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { EngineFailed, Observed } from "./Engine.ts"

export interface SpeechRequest {
  /** A clause or a sentence, without markup. */
  readonly text: string
  /** A voice's name as the engine knows it; unset: the engine's own choice. */
  readonly voice?: string
  /** ISO 639-1. */
  readonly language: string
  /** What was said before, oldest first, for an engine that speaks the better for it; see `contextMillis`. */
  readonly context?: ReadonlyArray<SpokenTurn>
}

/** Something that was said and heard, with its sound. */
export interface SpokenTurn {
  readonly role: "caller" | "agent"
  readonly text: string
  /** In its order, in pieces of any length. */
  readonly sound: ReadonlyArray<Pcm>
  readonly sampleRate: SampleRate
}

/** How long a turn's sound lasts, ms. */
export const millisOf = ({ sampleRate, sound }: Pick<SpokenTurn, "sound" | "sampleRate">): number =>
  sound.reduce((sum, { length }) => sum + length, 0) * 1000 / sampleRate

/** Sound of one rate, in pieces of any length. */
export interface SpeechChunk {
  readonly pcm: Pcm
  readonly sampleRate: SampleRate
}

export class TextToSpeech extends Context.Service<TextToSpeech, Observed & {
  /** Stopped by interruption. Text without a letter or digit is no sound. */
  readonly speak: (request: SpeechRequest) => Stream.Stream<SpeechChunk, EngineFailed>
  /** Makes these ready, so that they come without delay: an agent's fixed lines. */
  readonly prepare: (requests: ReadonlyArray<SpeechRequest>) => Effect.Effect<void, EngineFailed>
  /** Whether this is kept here, and so needs no server. Unset: nothing does need one. */
  readonly isReady?: (request: SpeechRequest) => boolean
  /** The voices it has; empty where it can't tell. */
  readonly voices: ReadonlyArray<string>
  /** The most sound (ms) of the conversation before that it can use; unset: none, and nobody needs to keep it. */
  readonly contextMillis?: number
}>()("client-caller/conversation/ports/TextToSpeech") {}
