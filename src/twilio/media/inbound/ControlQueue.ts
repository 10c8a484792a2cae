/**
 * The queue of marks, digits and the stop between the socket and the call. No message is lost, and no message waits behind sound. While the
 * queue is full, the socket is not read.
 */
import { type Cause, Effect, Queue, Stream } from "effect"
import type { Control } from "../MediaMessage.ts"
import type { ReadGate } from "./ReadGate.ts"

/** How many messages may wait before the socket is paused. Messages that were read from the socket already are still added. */
export const capacity = 64

export interface ControlQueue {
  readonly offer: (message: Control) => void
  /** Ends the stream once all waiting messages are read. */
  readonly end: () => void
  /** Run it once. */
  readonly stream: Stream.Stream<Control>
}

export const make = Effect.fnUntraced(function*(gate: ReadGate) {
  const queue = yield* Queue.unbounded<Control, Cause.Done>()
  const openIfRoom = Effect.sync(() => {
    if (Queue.sizeUnsafe(queue) < capacity / 2) gate.open("controlWaits")
  })
  return {
    offer: (message) => {
      Queue.offerUnsafe(queue, message)
      if (Queue.sizeUnsafe(queue) >= capacity) gate.close("controlWaits")
    },
    end: () => void Queue.endUnsafe(queue),
    stream: Stream.tap(Stream.fromQueue(queue), () => openIfRoom)
  } satisfies ControlQueue as ControlQueue
})
