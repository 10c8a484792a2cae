/**
 * Samples at 8 kHz (1.5 s): what is shorter is heard as a whole, when its words are asked for. The decoder evens out the
 * line's tone over all of an utterance, and has too little of a "yes" to do so while it comes.
 */
export const shortUtterance = 12_000
