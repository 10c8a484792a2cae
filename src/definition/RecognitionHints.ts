/**
 * What callers of an agent are likely to say. A grammar engine understands nothing else. An engine with a language model may prefer these
 * words. `PhraseNotation` describes the notation of phrases.
 */
export interface RecognitionHints {
  /** ISO 639-1. */
  readonly language: string
  readonly phrases: ReadonlyArray<string>
  /** The ways to say the values of each slot, in the same notation, without slots. */
  readonly slots: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * The silence that ends the caller's turn, ms. An engine that takes longer for a transcript is not asked for partial transcripts. Unset:
   * the engine's own value.
   */
  readonly pause?: number
}
