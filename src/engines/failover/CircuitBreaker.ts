/**
 * Whether an engine is asked at the moment, by what became of the requests before: a circuit breaker, pure. All times are ms of
 * one monotonic clock.
 *
 * - With somebody to stand in, an engine that fails three times in a row is left alone for 5 s, then longer, up to 30 s. One
 *   that asks to be left alone (`Retry-After`) is at once, for as long as it asks.
 * - An engine that nobody stands in for is always asked: its next answer is the only one there can be. Only where it can't be reached at all
 *   there is a short pause, so that a hundred calls do not knock a hundred times.
 * - Behind a pause one request, or a probe, tries; the others wait for it, or go to another engine.
 *
 * Answers are no failures, whatever they say. Effect's `CircuitBreaker` knows neither of the first two rules: it opens for five
 * seconds where a server asks for 0.3, and does so for the only engine as well.
 */

export interface CircuitBreaker {
  /** In a row. */
  readonly failures: number
  /** Pauses in a row; each is longer. */
  readonly openings: number
  /** The end of the pause; 0: there was none since the last success. */
  readonly openUntil: number
  /** The pause is the server's own wish. */
  readonly isAskedFor: boolean
  /** Since when it can't be reached. */
  readonly awaySince: number | undefined
  /** Until then others wait for the request that tries; 0: none does. */
  readonly trialUntil: number
}

export interface Failure {
  /** Nobody answered, not even with an error. */
  readonly isUnreachable: boolean
  /** ms that the server asks to be left alone for. */
  readonly retryAfter: number | undefined
  /** The same request has failed before: it may be about the request, so it counts once. */
  readonly isRepeated?: boolean
}

export type Admission =
  | { readonly _tag: "Go"; readonly isTrial: boolean }
  /** To be asked again in `millis`. */
  | { readonly _tag: "Wait"; readonly millis: number; readonly isAskedFor: boolean }

export const closed: CircuitBreaker = { failures: 0, openings: 0, openUntil: 0, isAskedFor: false, awaySince: undefined, trialUntil: 0 }

/** Failures in a row that open it. */
export const failuresToOpen = 3

const firstOpen = 5000
const longestOpen = 30_000

/** The longest that a server may ask for. */
const longestAsked = 60_000

/** Of the only engine, while it can't be reached. A restart is noticed within the longest. */
const firstAway = 250
const longestAway = 1000

/** A refused connection is known in no time: who has not failed by then has reached the server. */
const connectedAfter = 250

/** Between looks at a trial that is under way. */
const trialLook = 100

const growing = (first: number, longest: number, times: number) => Math.min(longest, first * 2 ** Math.min(times, 16))

/** It has failed so often that it counts as gone. */
export const isDown = ({ failures }: CircuitBreaker): boolean => failures >= failuresToOpen

/** A pause is on. */
export const isOpen = ({ openUntil }: CircuitBreaker, now: number): boolean => now < openUntil

export const failed = (circuit: CircuitBreaker, now: number, { isRepeated, isUnreachable, retryAfter }: Failure, isAlone: boolean): CircuitBreaker => {
  const next: CircuitBreaker = {
    ...circuit,
    failures: circuit.failures + (isRepeated === true && !isUnreachable ? 0 : 1),
    awaySince: isUnreachable ? circuit.awaySince ?? now : undefined,
    trialUntil: 0
  }
  // What was sent before the pause tells nothing new.
  const isPaused = isOpen(circuit, now)
  if (isAlone) {
    if (!isUnreachable) return { ...next, openings: 0, openUntil: 0 }
    if (isPaused) return next
    return { ...next, openUntil: now + growing(firstAway, longestAway, circuit.openings), openings: circuit.openings + 1 }
  }
  if (retryAfter !== undefined) {
    return { ...next, openUntil: Math.max(circuit.openUntil, now + Math.min(retryAfter, longestAsked)), isAskedFor: true }
  }
  if (isPaused || !isDown(next)) return next
  return { ...next, openUntil: now + growing(firstOpen, longestOpen, circuit.openings), openings: circuit.openings + 1, isAskedFor: false }
}

/** A request was answered. */
export const succeeded: CircuitBreaker = closed

/** A probe was: requests are let through, and if they fail again, the next pause is longer all the same. */
export const found = ({ openings }: CircuitBreaker): CircuitBreaker => ({ ...closed, openings })

/** The request that tried was called off. */
export const released = (circuit: CircuitBreaker): CircuitBreaker => ({ ...circuit, trialUntil: 0 })

/** `isLastResort`: everybody else was asked already, so only the server's own wish counts. */
export const admit = (circuit: CircuitBreaker, now: number, isLastResort: boolean): readonly [Admission, CircuitBreaker] => {
  const { awaySince, isAskedFor, openUntil, trialUntil } = circuit
  if (openUntil === 0 || isLastResort && !isAskedFor) return [{ _tag: "Go", isTrial: false }, circuit]
  if (now < openUntil) return [{ _tag: "Wait", millis: openUntil - now, isAskedFor }, circuit]
  if (trialUntil === 0) {
    const until = awaySince === undefined ? Number.POSITIVE_INFINITY : now + connectedAfter
    return [{ _tag: "Go", isTrial: true }, { ...circuit, trialUntil: until }]
  }
  if (now < trialUntil) return [{ _tag: "Wait", millis: Math.min(trialLook, trialUntil - now), isAskedFor: false }, circuit]
  return [{ _tag: "Go", isTrial: false }, circuit]
}

/** Whether a probe is of use: not within a pause, unless it is to tell when the server can be reached again. */
export const takesProbe = ({ awaySince, isAskedFor, openUntil }: CircuitBreaker, now: number): boolean =>
  now >= openUntil || awaySince !== undefined && !isAskedFor
