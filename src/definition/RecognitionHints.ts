/**
 * What callers of an agent are likely to say. A grammar engine understands nothing else; an engine with
 * a language model may prefer these words.
 *
 * A phrase is lower-case words with spaces between them. `[words]` may be left out, `(this | that)` is one of
 * the two, and `{day}` is one of the values of the slot `day`. They nest.
 */
export interface RecognitionHints {
  /** ISO 639-1. */
  readonly language: string
  readonly phrases: ReadonlyArray<string>
  /** How each value of a slot is said; the same notation, without slots. */
  readonly slots: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * ms of silence that end the caller's turn. An engine that takes longer to answer is not asked for the words so far. Unset: the
   * engine's own.
   */
  readonly pause?: number
}
