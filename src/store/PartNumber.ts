/**
 * The numbers of a call's media streams, and of the parts of its recording. They count from 0.
 */

/**
 * A number for a stream or part of a call whose earlier numbers are not known: they may be on another machine, or in a bucket. It depends on
 * the time (ms since 1970). It is far above the usual numbers, and has at most five digits.
 */
export const partNumberAt = (now: number): number => 10_000 + Math.floor(now / 1000) % 80_000
