/**
 * A sliding queue between a socket's callback and one fiber: when it is full, the oldest goes.
 *
 * It does what `Queue.sliding` does, for one reader and for less. The readers that are due are woken
 * together, when the event loop has read all sockets: first the sockets' code runs for all calls, then the
 * agents' code, and each finds the processor's caches warm (docs/adr/0002, 0010).
 */
import { Cause, Effect, type Pull, Stream } from "effect"

export interface FrameQueue<A> {
  /**
   * Takes an element that came at this moment (ms). Undefined: there was room for it. Otherwise the oldest element has gone, and
   * this is how long (ms) it had waited.
   */
  readonly offer: (element: A, at: number) => number | undefined
  /**
   * To be called after `offer`, until it gives undefined: while all that waits weighs too much, the oldest element goes, and this is how long
   * (ms) it had waited at this moment. The newest stays, whatever it weighs.
   */
  readonly shed: (at: number) => number | undefined
  /** What is in the queue is still read, then the stream ends. */
  readonly end: () => void
  /** To be run once: all that waits comes as one batch. */
  readonly stream: Stream.Stream<A>
  /**
   * Does what `Stream.runForEachArray` does with `stream`, in place of it, and runs no fiber for a batch whose `use` is
   * `Effect.void`: where nothing is waited for, suspending a fiber and resuming it costs more than a frame of sound does.
   */
  readonly runForEachArray: <E>(use: (batch: readonly [A, ...Array<A>]) => Effect.Effect<unknown, E>) => Effect.Effect<void, E>
}

/**
 * So many readers in one go, about a millisecond; then what else has come has its turn. After a halt of the event loop all
 * calls have sound to be heard, and an engine's answer, for which somebody waits, must not wait for all of that.
 */
const most = 16

/** What is to be woken, of all inboxes. */
const due: Array<() => void> = []
const runDue = () => {
  const batch = due.splice(0, most)
  if (due.length > 0) setImmediate(runDue)
  for (let index = 0; index < batch.length; index++) batch[index]()
}
const later = (wake: () => void) => {
  if (due.push(wake) === 1) setImmediate(runDue)
}

/** `maxWeight`: of all that waits, where elements have a weight. */
export const make = <A>(capacity: number, weightOf: (element: A) => number = () => 0, maxWeight = Infinity): FrameQueue<A> => {
  type Batch = readonly [A, ...Array<A>]
  type Read = Pull.Pull<Batch>
  let waiting: Array<A> = []
  /** When each of those came. */
  let cameAt: Array<number> = []
  let weight = 0
  let isEnded = false
  /** Whoever waits for the next element or the end. */
  let reader: (() => void) | undefined

  const take = (): Batch => {
    const batch = waiting as unknown as Batch
    waiting = []
    cameAt = []
    weight = 0
    return batch
  }

  const read = (): Read => waiting.length > 0 ? Effect.succeed(take()) : isEnded ? Cause.done() : wait

  const wake = () => {
    const woken = reader
    reader = undefined
    woken?.()
  }

  // A reader that is interrupted stays here until the next element: waking it does nothing, and to take it back would
  // cost every wait.
  const wait: Read = Effect.callback((resume) => {
    reader = () => resume(read())
  })

  const dropOldest = (at: number): number => {
    weight -= weightOf(waiting.shift()!)
    return at - cameAt.shift()!
  }

  const runForEachArray = <E>(use: (batch: Batch) => Effect.Effect<unknown, E>): Effect.Effect<void, E> => {
    /** Until a use is to be waited for; succeeds with it, and with nothing at the end. */
    const untilBusy: Effect.Effect<Effect.Effect<unknown, E> | undefined> = Effect.callback((resume) => {
      const go = () => {
        try {
          const used = waiting.length > 0 ? use(take()) : Effect.void
          if (used !== Effect.void) return resume(Effect.succeed(used))
        } catch (defect) {
          return resume(Effect.die(defect))
        }
        if (isEnded) return resume(Effect.undefined)
        reader = go
      }
      go()
      return Effect.sync(() => {
        reader = undefined
      })
    })
    const run: Effect.Effect<void, E> = Effect.flatMap(untilBusy, (used) => used === undefined ? Effect.void : Effect.andThen(used, run))
    return run
  }

  return {
    offer: (element, at) => {
      if (isEnded) return undefined
      const waited = waiting.length >= capacity ? dropOldest(at) : undefined
      waiting.push(element)
      cameAt.push(at)
      weight += weightOf(element)
      if (reader !== undefined && waiting.length === 1) later(wake)
      return waited
    },
    shed: (at) => (weight > maxWeight && waiting.length > 1 ? dropOldest(at) : undefined),
    end: () => {
      isEnded = true
      later(wake)
    },
    stream: Stream.fromPull(Effect.succeed(Effect.suspend(read))),
    runForEachArray
  }
}
