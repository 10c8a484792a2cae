/**
 * The engines that the operator chose for each stage, and the settings of those that are servers.
 */
import type { Array, Option, Redacted } from "effect"

/** One speech or language engine at an OpenAI-compatible address. */
export interface EngineSettings {
  readonly url: URL
  readonly model: Option.Option<string>
  readonly apiKey: Option.Option<Redacted.Redacted>
  readonly voice: Option.Option<string>
  /** Text to speech: Hz of the samples where the answer does not say it. Unset: 24000. */
  readonly sampleRate?: number
  /** Text to speech: the engine writes figures out itself, so it gets them as figures. Unset: it does not. */
  readonly writesFiguresOut?: boolean
  /** Speech to text: while the caller speaks, it is asked for the words so far. Default true. */
  readonly hasPartials?: boolean
  /** Speech to text: words of less confidence (0 to 0.9) are doubtful; 0: none are. Unset: the engine's own. */
  readonly leastConfidence?: number
  /** Language models: the size of answers. */
  readonly reply?: ReplySettings
}

/** The size of a language model's answers, in tokens. */
export interface ReplySettings {
  /** Of the spoken part. */
  readonly maxTokens: number
  /** How much the model is to think before it answers. */
  readonly thinking: "off" | "low" | "medium" | "high"
  /** Added to `maxTokens` where the model thinks: servers count both together. */
  readonly thinkingTokens: number
  /** Of prompt and answer together, as the server holds them. Unset: the server is asked. */
  readonly contextWindow?: number
}

export type EngineChoice =
  /** The engine that runs in this process. */
  | { readonly _tag: "Embedded" }
  | { readonly _tag: "Server"; readonly settings: EngineSettings }

/** The engines of a stage; the first that works is used. */
export type EngineChoices = Array.NonEmptyReadonlyArray<EngineChoice>

/** The engines of all stages. */
export interface StageSettings {
  readonly speechToText: EngineChoices
  readonly replyModel: EngineChoices
  readonly textToSpeech: EngineChoices
}
