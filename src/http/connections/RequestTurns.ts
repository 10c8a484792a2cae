/**
 * Work of HTTP requests in small steps, so that it takes turns with the calls.
 *
 * One thread carries all calls. A stranger who sends a thousand requests in one packet would have it do all of them before it reads
 * the next call's sound. So a step waits for its turn: in each turn of the event loop all steps together have a few ms, and what is
 * left over waits for the next one. Connections take turns among themselves: one with many steps does not keep the others waiting.
 *
 * Nothing is refused here, only put off. Steps of an address whose signatures have failed again and again come last; but they come,
 * whatever else is waiting: behind a tunnel Twilio has that address, too.
 */
import { Effect } from "effect"

/** ms of one turn of the event loop. A step that is begun is ended, so a turn may take a step longer. */
const millisPerTurn = 4

/** While steps that come last are waiting, one turn of the event loop in so many is theirs. */
const turnsForOneOfTheLast = 4

export interface RequestTurns {
  /** Runs the step when it is its turn, never at once. Steps of one key run in their order. */
  readonly run: (key: object, step: () => void, isLast?: boolean) => void
  /** Waits for a turn. */
  readonly turn: (key: object, isLast?: boolean) => Effect.Effect<void>
  /** Steps that wait. */
  readonly waiting: () => number
}

type Steps = Map<object, Array<() => void>>

/** The first step of the key that has waited longest; the key goes to the end of the line. */
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
  /** Turns in which steps of `last` waited, and none of them ran. */
  let passedOver = 0

  const plan = () => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      passedOver = last.size === 0 ? 0 : passedOver + 1
      next(now(), passedOver >= turnsForOneOfTheLast)
    })
  }

  const take = (isTurnOfTheLast: boolean) => {
    const step = isTurnOfTheLast ? undefined : takeFrom(first)
    if (step !== undefined) return step
    passedOver = 0
    return takeFrom(last) ?? takeFrom(first)
  }

  /** The next step is taken when what the last one woke has run, so that this counts too. */
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

/** The process has one event loop, and its requests share one line. */
export const shared = make()
