/**
 * Work of HTTP requests in small steps, so that it takes turns with the calls.
 *
 * One thread carries all calls. A stranger who sends a thousand requests in one packet would have it do all of them before it reads
 * the next call's sound. So a step waits for its turn: in each turn of the event loop all steps together have a few ms, and what is
 * left over waits for the next one. Connections take turns among themselves: one with many steps does not keep the others waiting.
 *
 * Nothing is refused here, only put off. Steps of an address whose signatures have failed again and again come last.
 */
import { Effect } from "effect"

/** ms of one turn of the event loop. A step that is begun is ended, so a turn may take a step longer. */
const millisPerTurn = 4

export interface Turns {
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

export const make = (now: () => number = () => performance.now(), limit = millisPerTurn): Turns => {
  const first: Steps = new Map()
  const last: Steps = new Map()
  let waiting = 0
  let isPlanned = false

  const plan = () => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      next(now())
    })
  }

  /** The next step is taken when what the last one woke has run, so that this counts too. */
  const next = (begunAt: number) => {
    const step = takeFrom(first) ?? takeFrom(last)
    if (step === undefined) return
    waiting--
    try {
      step()
    } finally {
      if (waiting > 0) process.nextTick(goOn, begunAt)
    }
  }

  const goOn = (begunAt: number) => {
    if (now() - begunAt < limit) next(begunAt)
    else plan()
  }

  const run: Turns["run"] = (key, step, isLast = false) => {
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
