/**
 * A queue for the work of HTTP requests, so that the requests do not delay the sound of the calls.
 *
 * One thread carries all calls. Without the queue, a thousand requests in one packet would all be handled before any call's sound is read
 * again. Work is queued in steps. In each turn of the event loop, all steps together have a few milliseconds; the remaining steps wait for
 * the next turn. Each step belongs to a key, its connection. The keys take turns, so a connection with many steps does not delay the others.
 *
 * No step is refused. Steps of an address with many refused requests come last, but they are always run, because behind a tunnel Twilio has
 * the same address.
 */
import { Effect } from "effect"

/** The time for all steps in one turn of the event loop, in ms. A step is never broken off, so the last step may end later. */
const millisPerTurn = 4

/** In every fourth turn of the event loop, the steps that come last are run first, if there are any. */
const turnsPerLastTurn = 4

export interface RequestTurns {
  /**
   * Queues a step, which never runs at once. Steps of one key run in order. `isLast`: the step comes after all steps without `isLast`, except
   * in every fourth turn.
   */
  readonly run: (key: object, step: () => void, isLast?: boolean) => void
  /** Waits in the queue like a step of this key. */
  readonly awaitTurn: (key: object, isLast?: boolean) => Effect.Effect<void>
  /** How many steps wait. */
  readonly waiting: () => number
}

type Steps = Map<object, Array<() => void>>

/** Takes the first step of the key that has waited longest, and moves the key to the end of the queue. */
const takeFrom = (steps: Steps): (() => void) | undefined => {
  for (const [key, [step, ...rest]] of steps) {
    steps.delete(key)
    if (rest.length > 0) steps.set(key, rest)
    return step
  }
  return undefined
}

export const make = (now: () => number = () => performance.now(), turnMillis = millisPerTurn): RequestTurns => {
  const firstSteps: Steps = new Map()
  const lastSteps: Steps = new Map()
  let waiting = 0
  let isPlanned = false
  /** The number of turns in a row in which steps of `lastSteps` waited and none of them was run. */
  let passedOver = 0

  const plan = () => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      passedOver = lastSteps.size === 0 ? 0 : passedOver + 1
      runNext(now(), passedOver >= turnsPerLastTurn)
    })
  }

  const take = (isTurnOfTheLast: boolean) => {
    const step = isTurnOfTheLast ? undefined : takeFrom(firstSteps)
    if (step !== undefined) return step
    passedOver = 0
    return takeFrom(lastSteps) ?? takeFrom(firstSteps)
  }

  /** Runs one step. The next step waits until `nextTick`, so that the time of effects that this step resumes counts as time of the turn. */
  const runNext = (begunAt: number, isTurnOfTheLast: boolean) => {
    const step = take(isTurnOfTheLast)
    if (step === undefined) return
    waiting--
    try {
      step()
    } finally {
      if (waiting > 0) process.nextTick(continueTurn, begunAt, isTurnOfTheLast)
    }
  }

  const continueTurn = (begunAt: number, isTurnOfTheLast: boolean) => {
    if (now() - begunAt < turnMillis) runNext(begunAt, isTurnOfTheLast)
    else plan()
  }

  const run: RequestTurns["run"] = (key, step, isLast = false) => {
    const steps = isLast ? lastSteps : firstSteps
    const stepsOfKey = steps.get(key)
    if (stepsOfKey === undefined) steps.set(key, [step])
    else stepsOfKey.push(step)
    waiting++
    plan()
  }

  return {
    run,
    awaitTurn: (key, isLast) => Effect.callback((resume) => run(key, () => resume(Effect.void), isLast)),
    waiting: () => waiting
  }
}

/** All requests of the process share one queue, since they share one event loop. */
export const shared = make()
