/**
 * Sends the agent's frames to Twilio at the speed of playback, so that Twilio holds little sound that it has not played.
 *
 * Frames up to 200 ms ahead of playback are sent at once. Further frames wait in a queue of 400 ms. When the queue is full, the agent
 * waits. Marks and notices keep their place between the frames.
 *
 * A `clear` begins a new generation. Each offer contains the generation in which its sound was made. Items of an older generation are
 * dropped, whether they are queued or offered later.
 */
import { Effect, Fiber, Queue, type Scope } from "effect"
import * as Pacer from "../../audio/Pacer.ts"
import type { OutboundMark, SentNotice } from "../../conversation/ports/AudioPort.ts"
import { frameBytes, frameMillis } from "./LineCodec.ts"
import type { LineSender } from "./LineSender.ts"
import type { MediaCounts } from "./MediaCounts.ts"

/** How many frames may wait for the pacer: 400 ms. */
export const maxQueuedFrames = 20

/** How many frames one item of the queue has at most. */
const framesPerItem = 5

/** The largest lead: how far (ms) the sent sound may be ahead of its playback. */
export const maxLeadMillis = 200

/**
 * By how much (ms) the lead may shrink before the pacing fiber wakes up. It then sends several frames in one write, because a wake-up costs
 * more than sending a frame.
 */
const slackMillis = 40

interface QueuedItem {
  /** Whole frames of μ-law, or a mark or notice between frames. */
  readonly item: Uint8Array | OutboundMark | SentNotice
  readonly generation: number
}

/** Frames that are sent in one write, because a write to the kernel costs more than encoding the frames. */
interface FrameBatch {
  /** Whether no further frame fits. */
  readonly isFull: () => boolean
  /** Copies one frame of `source`, from the byte `at` on. `playsAt` (monotonic ms) is used for the first frame of the batch only. */
  readonly add: (source: Uint8Array, at: number, playsAt: number) => void
  /** Sends all frames, if there are any. Returns their number. */
  readonly send: () => number
  readonly discard: () => void
}

const makeBatch = (sender: LineSender): FrameBatch => {
  // More than the queue holds, because the agent may refill the queue while the batch takes its frames.
  const bytes = new Uint8Array(2 * maxQueuedFrames * frameBytes)
  let length = 0
  let firstPlaysAt = 0
  return {
    isFull: () => length === bytes.length,
    add: (source, at, playsAt) => {
      if (length === 0) firstPlaysAt = playsAt
      for (let byte = 0; byte < frameBytes; byte++) bytes[length + byte] = source[at + byte]
      length += frameBytes
    },
    send: () => {
      if (length === 0) return 0
      const frames = length / frameBytes
      length = 0
      sender.sendFrames(bytes.subarray(0, frames * frameBytes), firstPlaysAt)
      return frames
    },
    discard: () => {
      length = 0
    }
  }
}

interface PacedQueue {
  /** Changes with each `clear`. */
  readonly generation: () => number
  /** Frames that are not sent yet: queued, waiting for room in the queue, or held by the pacer. */
  readonly unsentFrames: () => number
  /** Sends or queues whole frames of μ-law. Waits while the queue is full. Afterwards `mulaw` may be overwritten. */
  readonly offerFrames: (mulaw: Uint8Array, generation: number) => Effect.Effect<unknown>
  /** Sends or queues a mark or a notice, after all frames offered before. Waits while the queue is full. */
  readonly offerMarker: (marker: OutboundMark | SentNotice, generation: number) => Effect.Effect<unknown>
  /** Drops the items that are not sent yet. Later items may be sent at once, so a `clear` must also be sent to Twilio. */
  readonly clear: Effect.Effect<void>
}

/** Nothing is sent after the scope closes. `now`: monotonic ms. */
export const make = Effect.fnUntraced(function*(options: {
  readonly sender: LineSender
  readonly counts: MediaCounts
  readonly now: () => number
}): Effect.fn.Return<PacedQueue, never, Scope.Scope> {
  const { counts, now, sender } = options
  const scope = yield* Effect.scope
  const pacer = Pacer.make({ maxLeadMillis })
  const queue = yield* Queue.bounded<QueuedItem>(maxQueuedFrames / framesPerItem)
  const batch = makeBatch(sender)
  let unsentFrames = 0
  let generation = 0

  const isIdle = () => unsentFrames === 0 && Queue.sizeUnsafe(queue) === 0

  const enqueueFrames = Effect.fnUntraced(function*(mulaw: Uint8Array, ofGeneration: number) {
    for (let at = 0; at < mulaw.length; at += framesPerItem * frameBytes) {
      if (ofGeneration !== generation) return counts.addCleared((mulaw.length - at) / frameBytes)
      const item = mulaw.subarray(at, at + framesPerItem * frameBytes)
      unsentFrames += item.length / frameBytes
      yield* Queue.offer(queue, { item, generation: ofGeneration })
    }
  })

  const offerFrames = (mulaw: Uint8Array, ofGeneration: number): Effect.Effect<unknown> => {
    let at = 0
    if (isIdle()) {
      const moment = now()
      const playsAt = moment + pacer.unplayed(moment)
      for (; at < mulaw.length && pacer.unplayed(moment) + frameMillis <= maxLeadMillis; at += frameBytes) pacer.reserve(moment, frameMillis)
      if (at > 0) sender.sendFrames(at === mulaw.length ? mulaw : mulaw.subarray(0, at), playsAt)
    }
    return at === mulaw.length ? Effect.void : enqueueFrames(mulaw.slice(at), ofGeneration)
  }

  const sendMarker = (marker: OutboundMark | SentNotice) => marker._tag === "Mark" ? sender.sendMark(marker.name) : marker.notify()

  const sendBatch = () => {
    unsentFrames -= batch.send()
  }

  const pace = Effect.gen(function*() {
    while (true) {
      if (Queue.sizeUnsafe(queue) === 0) sendBatch()
      const { generation: ofGeneration, item } = yield* Queue.take(queue)
      if (ofGeneration !== generation) continue
      if (!(item instanceof Uint8Array)) {
        sendBatch()
        sendMarker(item)
        continue
      }
      for (let at = 0; at < item.length; at += frameBytes) {
        const moment = now()
        const playsAt = moment + pacer.unplayed(moment)
        const wait = pacer.reserve(moment, frameMillis)
        if (wait > 0) {
          sendBatch()
          yield* Effect.sleep(wait + slackMillis)
        }
        if (batch.isFull()) sendBatch()
        batch.add(item, at, playsAt)
      }
    }
  })

  const startPacing = Effect.forkIn(pace, scope)
  let pacing = yield* startPacing

  return {
    generation: () => generation,
    unsentFrames: () => unsentFrames,
    offerFrames,
    offerMarker: (marker, ofGeneration) => {
      if (ofGeneration !== generation) return Effect.void
      return isIdle() ? Effect.sync(() => sendMarker(marker)) : Queue.offer(queue, { item: marker, generation: ofGeneration })
    },
    clear: Effect.gen(function*() {
      generation++
      // The pacing fiber may be asleep because of sound that is dropped now. Later sound must not wait for that sleep.
      yield* Fiber.interrupt(pacing)
      yield* Queue.clear(queue)
      counts.addCleared(unsentFrames)
      unsentFrames = 0
      batch.discard()
      pacing = yield* startPacing
      pacer.clear(now())
    })
  }
})
