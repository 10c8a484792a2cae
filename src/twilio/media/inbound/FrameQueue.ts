/**
 * A sliding queue between a socket's callback and one fiber: when it is full, the oldest element is dropped.
 *
 * It works like `Queue.sliding`, but for only one reader and at a lower cost. The readers of all queues are woken together, after the event
 * loop has read all sockets. So the sockets' code runs for all calls first, and the agents' code after it. This uses the processor's caches
 * better (docs/adr/0002, 0010).
 */
import { Cause, Effect, type Pull, Stream } from "effect"

export interface FrameQueue<A> {
  /**
   * Adds an element that came at the time `at` (ms). Returns undefined if there was room. Otherwise drops the oldest element, and returns how
   * long (ms) that element had waited.
   */
  readonly offer: (element: A, at: number) => number | undefined
  /**
   * Call it after `offer` until it returns undefined. If the waiting elements weigh too much together, it drops the oldest element, and
   * returns how long (ms) that element had waited. It never drops the newest element.
   */
  readonly dropExcess: (at: number) => number | undefined
  /** Ends the stream once all waiting elements are read. */
  readonly end: () => void
  /** Run it once. All waiting elements come as one batch. */
  readonly stream: Stream.Stream<A>
  /**
   * Does the same as `Stream.runForEachArray` on `stream`. Run only one of them. If `use` returns `Effect.void`, no fiber runs for the batch.
   * This saves time, because suspending and resuming a fiber costs more than the work on a frame of sound.
   */
  readonly runForEachArray: <E>(use: (batch: readonly [A, ...Array<A>]) => Effect.Effect<unknown, E>) => Effect.Effect<void, E>
}

/**
 * How many readers are woken in one turn of the event loop: about a millisecond of work. After the event loop was blocked, every call has new
 * sound. An engine's answer must not wait until the sound of all calls is processed.
 */
const maxReadersPerTurn = 16

/** The readers of all queues that will be woken. */
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
 * @param maxWeight how much all waiting elements may weigh together
 */
export const make = <A>(capacity: number, weightOf: (element: A) => number = () => 0, maxWeight = Infinity): FrameQueue<A> => {
  type Batch = readonly [A, ...Array<A>]
  type Read = Pull.Pull<Batch>
  let waiting: Array<A> = []
  /** When each element of `waiting` came (ms). */
  let cameAt: Array<number> = []
  let weight = 0
  let isEnded = false
  /** Resumes the fiber that waits for the next element or the end. */
  let resumeReader: (() => void) | undefined

  const takeAll = (): Batch => {
    const batch = waiting as unknown as Batch
    waiting = []
    cameAt = []
    weight = 0
    return batch
  }

  const read = (): Read => waiting.length > 0 ? Effect.succeed(takeAll()) : isEnded ? Cause.done() : wait

  const wake = () => {
    const resume = resumeReader
    resumeReader = undefined
    resume?.()
  }

  // An interrupted reader stays registered until the next element comes. Waking it does nothing, and removing it would make every wait more
  // expensive.
  const wait: Read = Effect.callback((resume) => {
    resumeReader = () => resume(read())
  })

  const dropOldest = (at: number): number => {
    weight -= weightOf(waiting.shift()!)
    return at - cameAt.shift()!
  }

  const runForEachArray = <E>(use: (batch: Batch) => Effect.Effect<unknown, E>): Effect.Effect<void, E> => {
    /**
     * Calls `use` for each batch until `use` returns an effect that must be run. Succeeds with that effect, or with undefined at the queue's
     * end.
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
        resumeReader = useNext
      }
      useNext()
      return Effect.sync(() => {
        resumeReader = undefined
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
        // Usually one element waits. An array literal has room for one element, but a first `push` makes room for seventeen.
        waiting = [element]
        cameAt = [at]
      } else {
        waiting.push(element)
        cameAt.push(at)
      }
      weight += weightOf(element)
      if (resumeReader !== undefined && waiting.length === 1) wakeInLaterTurn(wake)
      return waitedMillis
    },
    dropExcess: (at) => (weight > maxWeight && waiting.length > 1 ? dropOldest(at) : undefined),
    end: () => {
      isEnded = true
      wakeInLaterTurn(wake)
    },
    stream: Stream.fromPull(Effect.succeed(Effect.suspend(read))),
    runForEachArray
  }
}
