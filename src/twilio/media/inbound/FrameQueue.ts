/**
 * A sliding queue between a socket's callback and one fiber: when it is full, the oldest element is dropped.
 *
 * It does what `Queue.sliding` does, for one reader and at a lower cost. Readers of all queues are woken together, after the event loop has
 * read all sockets. So the sockets' code runs for all calls, then the agents' code, and both find the processor's caches warm
 * (docs/adr/0002, 0010).
 */
import { Cause, Effect, type Pull, Stream } from "effect"

export interface FrameQueue<A> {
  /**
   * Takes an element that came at this moment (ms). Returns undefined if there was room. Otherwise it has dropped the oldest element, and
   * returns how long (ms) that element had waited.
   */
  readonly offer: (element: A, at: number) => number | undefined
  /**
   * Call it after `offer` until it returns undefined. While the waiting elements weigh too much, it drops the oldest one and returns how
   * long (ms) that element had waited. The newest element stays, whatever it weighs.
   */
  readonly shed: (at: number) => number | undefined
  /** Ends the stream once all elements in the queue are read. */
  readonly end: () => void
  /** Run it once. All waiting elements come as one batch. */
  readonly stream: Stream.Stream<A>
  /**
   * Does the same as `Stream.runForEachArray` on `stream`; run one or the other. If `use` returns `Effect.void`, no fiber runs for the
   * batch. To suspend and resume a fiber costs more than the work on a frame of sound.
   */
  readonly runForEachArray: <E>(use: (batch: readonly [A, ...Array<A>]) => Effect.Effect<unknown, E>) => Effect.Effect<void, E>
}

/**
 * How many readers are woken in one turn of the event loop: about a millisecond of work. After a halt of the loop every call has sound,
 * and an engine's answer must not wait for all of that.
 */
const maxReadersPerTurn = 16

/** The readers to wake, of all queues. */
const dueReaders: Array<() => void> = []
const wakeDueReaders = () => {
  const batch = dueReaders.splice(0, maxReadersPerTurn)
  if (dueReaders.length > 0) setImmediate(wakeDueReaders)
  for (let index = 0; index < batch.length; index++) batch[index]()
}
const wakeInLaterTurn = (wake: () => void) => {
  if (dueReaders.push(wake) === 1) setImmediate(wakeDueReaders)
}

/**
 * @param capacity how many elements may wait
 * @param maxWeight the most weight of all waiting elements together
 */
export const make = <A>(capacity: number, weightOf: (element: A) => number = () => 0, maxWeight = Infinity): FrameQueue<A> => {
  type Batch = readonly [A, ...Array<A>]
  type Read = Pull.Pull<Batch>
  let waiting: Array<A> = []
  /** When each of `waiting` came. */
  let cameAt: Array<number> = []
  let weight = 0
  let isEnded = false
  /** Resumes the fiber that waits for the next element or the end. */
  let reader: (() => void) | undefined

  const takeAll = (): Batch => {
    const batch = waiting as unknown as Batch
    waiting = []
    cameAt = []
    weight = 0
    return batch
  }

  const read = (): Read => waiting.length > 0 ? Effect.succeed(takeAll()) : isEnded ? Cause.done() : wait

  const wake = () => {
    const woken = reader
    reader = undefined
    woken?.()
  }

  // An interrupted reader stays registered until the next element comes. Waking it does nothing, and removing it would make every wait more
  // expensive.
  const wait: Read = Effect.callback((resume) => {
    reader = () => resume(read())
  })

  const dropOldest = (at: number): number => {
    weight -= weightOf(waiting.shift()!)
    return at - cameAt.shift()!
  }

  const runForEachArray = <E>(use: (batch: Batch) => Effect.Effect<unknown, E>): Effect.Effect<void, E> => {
    /**
     * Calls `use` for batches until one returns an effect that has to be run, and succeeds with that effect. At the queue's end it succeeds
     * with undefined.
     */
    const useUntilBusy: Effect.Effect<Effect.Effect<unknown, E> | undefined> = Effect.callback((resume) => {
      const useNext = () => {
        try {
          const used = waiting.length > 0 ? use(takeAll()) : Effect.void
          if (used !== Effect.void) return resume(Effect.succeed(used))
        } catch (defect) {
          return resume(Effect.die(defect))
        }
        if (isEnded) return resume(Effect.undefined)
        reader = useNext
      }
      useNext()
      return Effect.sync(() => {
        reader = undefined
      })
    })
    const run: Effect.Effect<void, E> = Effect.flatMap(useUntilBusy, (used) => used === undefined ? Effect.void : Effect.andThen(used, run))
    return run
  }

  return {
    offer: (element, at) => {
      if (isEnded) return undefined
      const waitedMillis = waiting.length >= capacity ? dropOldest(at) : undefined
      if (waiting.length === 0) {
        // Mostly one element waits. A literal has room for one, where the first `push` makes room for seventeen.
        waiting = [element]
        cameAt = [at]
      } else {
        waiting.push(element)
        cameAt.push(at)
      }
      weight += weightOf(element)
      if (reader !== undefined && waiting.length === 1) wakeInLaterTurn(wake)
      return waitedMillis
    },
    shed: (at) => (weight > maxWeight && waiting.length > 1 ? dropOldest(at) : undefined),
    end: () => {
      isEnded = true
      wakeInLaterTurn(wake)
    },
    stream: Stream.fromPull(Effect.succeed(Effect.suspend(read))),
    runForEachArray
  }
}
