/**
 * Samples at 8 kHz (1.5 s). A shorter utterance is decoded as a whole when its words are asked for: the decoder evens out the line's tone
 * over the utterance, and a "yes" is too short to do so while it comes.
 */
export const shortUtterance = 12_000
