/**
 * The axis of a call: its times are ms since its first media stream began.
 *
 * A process that takes a call over while the store does not answer can't know when that stream began. It writes ms since 1970 instead, for
 * as long as it has the call. Readers put these times on the axis.
 */

/** Times from here on are ms since 1970: no call lasts three years. */
const firstAbsolute = 1e11

/** `axisZero`: the axis's zero in ms since 1970; `null`: it is not known. */
export const onAxis = (time: number, axisZero: number | null): number => time < firstAbsolute ? time : Math.max(0, time - (axisZero ?? time))
