/**
 * The phrases that callers of an agent are likely to say. A grammar engine recognizes only these phrases. An engine with a language model may
 * prefer their words. `PhraseNotation` describes the notation of phrases.
 */
export interface RecognitionHints {
  /** ISO 639-1. */
  readonly language: string
  readonly phrases: ReadonlyArray<string>
  /** The ways to say the values of each slot, in the same notation, without slots. */
  readonly slots: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * The silence that ends the caller's turn, ms. If an engine takes longer than this for a transcript, no partial transcripts are requested
   * from it. Unset: the engine's own value.
   */
  readonly pause?: number
}
