/**
 * A circuit breaker: it decides whether an engine is sent a request, by how earlier requests ended. Pure; all times are ms of one
 * monotonic clock.
 *
 * - If another engine can stand in, an engine that fails three times in a row is left alone for 5 s, then longer, up to 30 s. An
 *   engine that asks to be left alone (`Retry-After`) is left alone at once, for as long as it asks.
 * - The only engine of a stage is sent every request, because no other engine can answer. While it can't be reached there are short
 *   pauses, so that a hundred calls do not try to connect a hundred times.
 * - After a pause, one request or probe tries the engine. Other requests wait until that one has ended, or go to another engine.
 *
 * A refusal or an empty answer is no failure: the engine works. Effect's `CircuitBreaker` has neither of the first two rules. It opens
 * for five seconds even if a server asks for 0.3, and even for the only engine.
 */

export interface CircuitBreaker {
  /** Failures in a row. */
  readonly failures: number
  /** Pauses in a row; each is longer than the one before, up to a limit. */
  readonly openings: number
  /** When the pause ends; 0: there was no pause since the last success. */
  readonly openUntil: number
  /** The server has asked for the pause. */
  readonly isAskedFor: boolean
  /** Since when the engine can't be reached; undefined: it can. */
  readonly awaySince: number | undefined
  /** Until when other requests wait for the request that tries the engine; 0: none tries it. */
  readonly trialUntil: number
}

export interface Failure {
  /** The server did not answer, not even with an error. */
  readonly isUnreachable: boolean
  /** ms that the server asks to be left alone for. */
  readonly retryAfter: number | undefined
  /** The same request has failed before. The cause may be the request, so its failures count once. */
  readonly isRepeated?: boolean
}

export type Admission =
  | { readonly _tag: "Go"; readonly isTrial: boolean }
  /** Ask again in `millis`. */
  | { readonly _tag: "Wait"; readonly millis: number; readonly isAskedFor: boolean }

export const closed: CircuitBreaker = { failures: 0, openings: 0, openUntil: 0, isAskedFor: false, awaySince: undefined, trialUntil: 0 }

/** Failures in a row that open the circuit. */
const failuresToOpen = 3

/** ms of the first pause, and of the longest. */
const firstPause = 5000
const maxPause = 30_000

/** The longest pause (ms) that a server may ask for. */
const maxAskedPause = 60_000

/** ms of the pauses of the only engine, while it can't be reached. A restart is noticed within the longest. */
const firstPauseOfOnly = 250
const maxPauseOfOnly = 1000

/** ms after which a request that has not failed has reached the server: a refused connection is known at once. */
const connectedAfter = 250

/** ms until a waiting request looks again whether the trial has ended. */
const trialCheckInterval = 100

/** `first`, doubled `times` times, but at most `max`. */
const doubling = (first: number, max: number, times: number) => Math.min(max, first * 2 ** Math.min(times, 16))

/** The engine has failed so often that it counts as gone. */
export const isDown = ({ failures }: CircuitBreaker): boolean => failures >= failuresToOpen

/** The engine is in a pause. */
export const isOpen = ({ openUntil }: CircuitBreaker, now: number): boolean => now < openUntil

/** The circuit after a failed request. `isAlone`: no other engine can stand in. */
export const failed = (circuit: CircuitBreaker, now: number, { isRepeated, isUnreachable, retryAfter }: Failure, isAlone: boolean): CircuitBreaker => {
  const next: CircuitBreaker = {
    ...circuit,
    failures: circuit.failures + (isRepeated === true && !isUnreachable ? 0 : 1),
    awaySince: isUnreachable ? circuit.awaySince ?? now : undefined,
    trialUntil: 0
  }
  // A request that was sent before the pause says nothing new.
  const isPaused = isOpen(circuit, now)
  if (isAlone) {
    if (!isUnreachable) return { ...next, openings: 0, openUntil: 0 }
    if (isPaused) return next
    return { ...next, openUntil: now + doubling(firstPauseOfOnly, maxPauseOfOnly, circuit.openings), openings: circuit.openings + 1 }
  }
  if (retryAfter !== undefined) {
    return { ...next, openUntil: Math.max(circuit.openUntil, now + Math.min(retryAfter, maxAskedPause)), isAskedFor: true }
  }
  if (isPaused || !isDown(next)) return next
  return { ...next, openUntil: now + doubling(firstPause, maxPause, circuit.openings), openings: circuit.openings + 1, isAskedFor: false }
}

/** The circuit after an answered request. */
export const succeeded: CircuitBreaker = closed

/** The circuit after an answered probe: requests are let through. If they fail again, the next pause is longer than the last. */
export const probeSucceeded = ({ openings }: CircuitBreaker): CircuitBreaker => ({ ...closed, openings })

/** The circuit after the request that tried the engine was interrupted. */
export const released = (circuit: CircuitBreaker): CircuitBreaker => ({ ...circuit, trialUntil: 0 })

/**
 * Whether a request may be sent now. `isLastResort`: other engines have had their chance, so only a pause that the server asked for
 * counts.
 */
export const admit = (circuit: CircuitBreaker, now: number, isLastResort: boolean): readonly [Admission, CircuitBreaker] => {
  const { awaySince, isAskedFor, openUntil, trialUntil } = circuit
  if (openUntil === 0 || isLastResort && !isAskedFor) return [{ _tag: "Go", isTrial: false }, circuit]
  if (now < openUntil) return [{ _tag: "Wait", millis: openUntil - now, isAskedFor }, circuit]
  if (trialUntil === 0) {
    const until = awaySince === undefined ? Number.POSITIVE_INFINITY : now + connectedAfter
    return [{ _tag: "Go", isTrial: true }, { ...circuit, trialUntil: until }]
  }
  if (now < trialUntil) return [{ _tag: "Wait", millis: Math.min(trialCheckInterval, trialUntil - now), isAskedFor: false }, circuit]
  return [{ _tag: "Go", isTrial: false }, circuit]
}

/** Whether to probe the engine. In a pause only an engine that can't be reached is probed, to find out when it is back. */
export const takesProbe = ({ awaySince, isAskedFor, openUntil }: CircuitBreaker, now: number): boolean =>
  now >= openUntil || awaySince !== undefined && !isAskedFor
