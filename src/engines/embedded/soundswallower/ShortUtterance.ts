/**
 * Samples at 8 kHz (1.5 s). A shorter utterance is decoded as a whole when its words are asked for. The decoder subtracts the
 * cepstral mean of the sound so far, to remove the frequency response of the telephone line. The first half of a "yes" is too short for a
 * good mean.
 */
export const shortUtterance = 12_000
