/** Sends the agent's items to the line as frames, marks and notices, through codec, framer and pacer. */
import { Effect, type Scope } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { OutboundItem, OutboundMark } from "../../conversation/ports/AudioPort.ts"
import { frameMillis, makeEncoder } from "./LineCodec.ts"
import type { LineSender } from "./LineSender.ts"
import type { MediaCounts } from "./MediaCounts.ts"
import * as PacedQueue from "./PacedQueue.ts"

interface OutboundSound {
  /**
   * Sends items behind all earlier ones, and waits while more than 600 ms are ahead of playback. A `clear` during the wait throws away the
   * rest of these items.
   */
  readonly offer: (items: ReadonlyArray<OutboundItem>) => Effect.Effect<unknown>
  /** Sends the remaining sound, filled up to a frame, and this mark behind it. */
  readonly finish: (mark: OutboundMark) => Effect.Effect<unknown>
  /** Throws away all sound that was sent and not played, here and at Twilio. */
  readonly clear: Effect.Effect<void>
  /** Frames that wait in this process. */
  readonly unsentFrames: () => number
}

/** `now`: monotonic ms. */
export const make = Effect.fnUntraced(function*(options: {
  /** The agent's sample rate (Hz). */
  readonly sampleRate: SampleRate
  readonly sender: LineSender
  readonly counts: MediaCounts
  readonly now: () => number
}): Effect.fn.Return<OutboundSound, never, Scope.Scope> {
  const { counts, now, sampleRate, sender } = options
  const encoder = makeEncoder(sampleRate)
  const queue = yield* PacedQueue.make({ sender, counts, now })

  /** How many frames a piece makes. */
  const framesOf = (pcm: Pcm) => Math.ceil((pcm.length * 1000) / (sampleRate * frameMillis))

  const offerMark = (mark: OutboundMark, generation: number): Effect.Effect<unknown> =>
    Effect.andThen(
      // A mark must not overtake the part of a frame that waits for more sound.
      Effect.suspend(() => queue.offerFrames(encoder.pad(), generation)),
      Effect.suspend(() => queue.offerMarker(mark, generation))
    )

  const offerItem = (item: OutboundItem, generation: number): Effect.Effect<unknown> => {
    if (!(item instanceof Int16Array)) {
      return item._tag === "Mark" ? offerMark(item, generation) : queue.offerMarker(item, generation)
    }
    if (generation === queue.generation()) return queue.offerFrames(encoder.push(item), generation)
    counts.addCleared(framesOf(item))
    return Effect.void
  }

  return {
    offer: (items) => {
      const generation = queue.generation()
      return items.length === 1
        ? offerItem(items[0], generation)
        : Effect.forEach(items, (item) => offerItem(item, generation), { discard: true })
    },
    finish: (mark) =>
      Effect.andThen(
        Effect.suspend(() => queue.offerFrames(encoder.flush(), queue.generation())),
        Effect.suspend(() => offerMark(mark, queue.generation()))
      ),
    clear: Effect.gen(function*() {
      yield* queue.clear
      encoder.reset()
      sender.sendClear(now())
    }),
    unsentFrames: queue.unsentFrames
  }
})
