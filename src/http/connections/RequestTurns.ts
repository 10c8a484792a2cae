/**
 * A queue for the work of HTTP requests, so that the requests do not delay the sound of the calls.
 *
 * One thread carries all calls. Without the queue, a thousand requests in one packet would all be handled before the next call's sound is
 * read. Work is queued in steps. In each turn of the event loop the steps have a few milliseconds together; the remaining steps wait for the
 * next turn. The keys (connections) take turns too, so a connection with many steps does not delay the others.
 *
 * No step is refused. Steps of an address with many wrong signatures come last, but they always come: behind a tunnel Twilio has the same
 * address.
 */
import { Effect } from "effect"

/** ms for all steps in one turn of the event loop. A step is never broken off, so a turn may take one step longer. */
const millisPerTurn = 4

/** Every fourth turn of the event loop goes to the steps that come last, if there are any. */
const turnsPerLastTurn = 4

export interface RequestTurns {
  /** Queues a step; it never runs at once. Steps of one key run in order. `isLast`: the step comes after all steps without `isLast`. */
  readonly run: (key: object, step: () => void, isLast?: boolean) => void
  /** Waits until a step of this key would run. */
  readonly turn: (key: object, isLast?: boolean) => Effect.Effect<void>
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

export const make = (now: () => number = () => performance.now(), limit = millisPerTurn): RequestTurns => {
  const first: Steps = new Map()
  const last: Steps = new Map()
  let waiting = 0
  let isPlanned = false
  /** In how many turns in a row steps of `last` have waited without one of them being run. */
  let passedOver = 0

  const plan = () => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      passedOver = last.size === 0 ? 0 : passedOver + 1
      next(now(), passedOver >= turnsPerLastTurn)
    })
  }

  const take = (isTurnOfTheLast: boolean) => {
    const step = isTurnOfTheLast ? undefined : takeFrom(first)
    if (step !== undefined) return step
    passedOver = 0
    return takeFrom(last) ?? takeFrom(first)
  }

  /** Runs one step. The next one waits until `nextTick`, so that the effects this step resumed count in the time of the turn. */
  const next = (begunAt: number, isTurnOfTheLast: boolean) => {
    const step = take(isTurnOfTheLast)
    if (step === undefined) return
    waiting--
    try {
      step()
    } finally {
      if (waiting > 0) process.nextTick(goOn, begunAt, isTurnOfTheLast)
    }
  }

  const goOn = (begunAt: number, isTurnOfTheLast: boolean) => {
    if (now() - begunAt < limit) next(begunAt, isTurnOfTheLast)
    else plan()
  }

  const run: RequestTurns["run"] = (key, step, isLast = false) => {
    const steps = isLast ? last : first
    const others = steps.get(key)
    if (others === undefined) steps.set(key, [step])
    else others.push(step)
    waiting++
    plan()
  }

  return {
    run,
    turn: (key, isLast) => Effect.callback((resume) => run(key, () => resume(Effect.void), isLast)),
    waiting: () => waiting
  }
}

/** All requests of the process share one queue, since they share one event loop. */
export const shared = make()
