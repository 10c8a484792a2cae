/**
 * Samples at 8 kHz (1.5 s). A shorter utterance is decoded as a whole when its words are asked for. The decoder corrects for the line's
 * tone by a mean over the utterance, and the first half of a "yes" is too short for a good mean.
 */
export const shortUtterance = 12_000
