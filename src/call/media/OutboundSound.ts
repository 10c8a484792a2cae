/** Sends the agent's items to the line: the sound as paced frames, and the marks and notices between them. */
import { Effect, type Scope } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import type { OutboundItem, OutboundMark } from "../../conversation/ports/AudioPort.ts"
import { frameMillis, makeEncoder } from "./LineCodec.ts"
import type { LineSender } from "./LineSender.ts"
import type { MediaCounts } from "./MediaCounts.ts"
import * as PacedQueue from "./PacedQueue.ts"

interface OutboundSound {
  /**
   * Sends items after all earlier items. Waits while more than 600 ms of sound are ahead of playback. A `clear` during the wait drops the items
   * that are not sent yet.
   */
  readonly offer: (items: ReadonlyArray<OutboundItem>) => Effect.Effect<unknown>
  /** Sends the sound that is still in the encoder, filled up to whole frames, and then this mark. */
  readonly finish: (mark: OutboundMark) => Effect.Effect<unknown>
  /** Drops all sound that was not played yet, in this process and at Twilio. */
  readonly clear: Effect.Effect<void>
  /** Frames that wait in this process to be sent. */
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

  /** How many frames a piece fills. The last one may be incomplete. */
  const framesOf = (pcm: Pcm) => Math.ceil((pcm.length * 1000) / (sampleRate * frameMillis))

  const offerMark = (mark: OutboundMark, generation: number): Effect.Effect<unknown> =>
    Effect.andThen(
      // The mark must not overtake the incomplete frame, so that frame is filled up and sent first.
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
