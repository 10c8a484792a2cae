/**
 * A circuit breaker. It decides from the results of earlier requests whether an engine is sent a request. Pure. All times are ms of one
 * monotonic clock.
 *
 * - If the stage has other engines, an engine that fails three times in a row gets a pause: no requests for 5 s. Further pauses are longer,
 *   up to 30 s. A server that asks for a pause (`Retry-After`) gets it at once, up to a minute.
 * - The only engine of a stage is sent every request, because no other engine can answer. While it can't be reached there are short
 *   pauses, so that a hundred calls do not try to connect a hundred times.
 * - After a pause, one request or probe tries the engine. Other requests wait until this trial has ended, or go to another engine.
 *
 * A refusal or an empty answer is not a failure, because the engine works. Effect's `CircuitBreaker` has neither of the first two rules.
 * It opens for five seconds even if a server asks for 0.3 s, and even for the only engine.
 */

export interface CircuitBreaker {
  /** The number of failures in a row. */
  readonly failures: number
  /** The number of pauses in a row. Each pause is longer than the last, up to a limit. */
  readonly openings: number
  /** When the pause ends; 0 if there was no pause since the last success. */
  readonly openUntil: number
  /** The server has asked for the pause. */
  readonly isRequestedByServer: boolean
  /** Since when the engine can't be reached; `undefined` if it can. */
  readonly unreachableSince: number | undefined
  /** Until this time other requests wait for the request that tries the engine; 0 if no request tries it. */
  readonly trialUntil: number
}

export interface Failure {
  /** The server did not answer, not even with an error. */
  readonly isUnreachable: boolean
  /** The pause (ms) that the server asks for. */
  readonly retryAfter: number | undefined
  /** The same request has failed on this engine before. Then the request may be the cause, so its failures count only once. */
  readonly isRepeated?: boolean
}

export type Admission =
  | { readonly _tag: "Go"; readonly isTrial: boolean }
  /** The engine is in a pause or is being tried: ask again in `millis`. */
  | { readonly _tag: "Wait"; readonly millis: number; readonly isRequestedByServer: boolean }

export const closed: CircuitBreaker = {
  failures: 0,
  openings: 0,
  openUntil: 0,
  isRequestedByServer: false,
  unreachableSince: undefined,
  trialUntil: 0
}

/** After this many failures in a row the circuit opens. */
const failuresToOpen = 3

/** The pauses (ms) of an engine that has another one beside it. Each pause is twice as long as the one before, up to `maxPause`. */
const firstPause = 5000
const maxPause = 30_000

/** The longest pause (ms) that a server can ask for (`Retry-After`). */
const maxAskedPause = 60_000

/** The pauses (ms) of a stage's only engine while it can't be reached. They are short, so that its restart is noticed within a second. */
const firstPauseOfOnly = 250
const maxPauseOfOnly = 1000

/** A request that has not failed after this many ms has reached the server, because a refused connection fails at once. */
const connectedAfter = 250

/** ms until a waiting request checks again whether the trial has ended. */
const trialCheckInterval = 100

/** `first`, doubled `times` times, but at most `max`. */
const doubling = (first: number, max: number, times: number) => Math.min(max, first * 2 ** Math.min(times, 16))

/** The engine has failed so often that it counts as down. */
export const isDown = ({ failures }: CircuitBreaker): boolean => failures >= failuresToOpen

/** The engine is in a pause. */
export const isOpen = ({ openUntil }: CircuitBreaker, now: number): boolean => now < openUntil

/** The circuit after a failed request. `isAlone`: no other engine can stand in. */
export const failed = (circuit: CircuitBreaker, now: number, { isRepeated, isUnreachable, retryAfter }: Failure, isAlone: boolean): CircuitBreaker => {
  const next: CircuitBreaker = {
    ...circuit,
    failures: circuit.failures + (isRepeated === true && !isUnreachable ? 0 : 1),
    unreachableSince: isUnreachable ? circuit.unreachableSince ?? now : undefined,
    trialUntil: 0
  }
  // A request that fails in a pause was sent before it. Its failure does not begin another pause.
  const isPaused = isOpen(circuit, now)
  if (isAlone) {
    if (!isUnreachable) return { ...next, openings: 0, openUntil: 0 }
    if (isPaused) return next
    return { ...next, openUntil: now + doubling(firstPauseOfOnly, maxPauseOfOnly, circuit.openings), openings: circuit.openings + 1 }
  }
  if (retryAfter !== undefined) {
    return { ...next, openUntil: Math.max(circuit.openUntil, now + Math.min(retryAfter, maxAskedPause)), isRequestedByServer: true }
  }
  if (isPaused || !isDown(next)) return next
  return {
    ...next,
    openUntil: now + doubling(firstPause, maxPause, circuit.openings),
    openings: circuit.openings + 1,
    isRequestedByServer: false
  }
}

/** The circuit after an answered request. */
export const succeeded: CircuitBreaker = closed

/** The circuit after an answered probe. It lets requests through. If they fail again, the next pause is longer than the last. */
export const probeSucceeded = ({ openings }: CircuitBreaker): CircuitBreaker => ({ ...closed, openings })

/** The circuit after the request that tried the engine was interrupted. */
export const trialInterrupted = (circuit: CircuitBreaker): CircuitBreaker => ({ ...circuit, trialUntil: 0 })

/**
 * Whether a request may be sent now. `isLastResort`: the other engines have been asked before, so only a pause that the server asked for
 * stops the request.
 */
export const admit = (circuit: CircuitBreaker, now: number, isLastResort: boolean): readonly [Admission, CircuitBreaker] => {
  const { isRequestedByServer, openUntil, trialUntil, unreachableSince } = circuit
  if (openUntil === 0 || isLastResort && !isRequestedByServer) return [{ _tag: "Go", isTrial: false }, circuit]
  if (now < openUntil) return [{ _tag: "Wait", millis: openUntil - now, isRequestedByServer }, circuit]
  if (trialUntil === 0) {
    const until = unreachableSince === undefined ? Number.POSITIVE_INFINITY : now + connectedAfter
    return [{ _tag: "Go", isTrial: true }, { ...circuit, trialUntil: until }]
  }
  if (now < trialUntil) return [{ _tag: "Wait", millis: Math.min(trialCheckInterval, trialUntil - now), isRequestedByServer: false }, circuit]
  return [{ _tag: "Go", isTrial: false }, circuit]
}

/**
 * Whether to probe the engine. In a pause, only an engine that can't be reached is probed, to find out when it is back. In a pause that
 * the server asked for, it is not probed.
 */
export const takesProbe = ({ isRequestedByServer, openUntil, unreachableSince }: CircuitBreaker, now: number): boolean =>
  now >= openUntil || unreachableSince !== undefined && !isRequestedByServer
