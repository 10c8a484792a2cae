/**
 * What happens in one call, for its watchers: from the beginning, also for a watcher that comes later.
 *
 * The queue to each watcher slides: a slow watcher loses events and never slows the call.
 */
import { Effect, PubSub, Stream } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"

/** Events that may wait for one watcher. */
const queuedEvents = 256

/** Events that are kept for watchers that come later: the last quarter of an hour of a lively conversation. */
const keptEvents = 500

/** An event with its number, which the call's history counts. */
export interface NumberedEvent {
  readonly event: ConversationEvent
  /** It rises over all streams and processes of the call. An event without a number of its own has that of the event before it. */
  readonly sequence: number
  /** The number is the event's own. */
  readonly isNumbered: boolean
}

/** `undefined`: the call is over. */
type Published = NumberedEvent | undefined

export interface ConversationFeed {
  /** Never waits. */
  readonly tell: (event: NumberedEvent) => Effect.Effect<void>
  /** The call is over: ends `events`. */
  readonly end: Effect.Effect<void>
  /** From the first event that is kept to the call's end. Each run of it is a watcher. */
  readonly events: Stream.Stream<NumberedEvent>
  /** Whether anybody watches now; without watchers, nobody needs to find out what only they see. */
  readonly isWatched: () => boolean
}

export const make: Effect.Effect<ConversationFeed> = Effect.map(PubSub.sliding<Published>({ capacity: queuedEvents, replay: keptEvents }), (hub) => {
  let watchers = 0
  const countWatcher = Effect.acquireRelease(Effect.sync(() => watchers++), () => Effect.sync(() => watchers--))
  return {
    tell: (event) => Effect.asVoid(PubSub.publish(hub, event)),
    end: Effect.asVoid(PubSub.publish(hub, undefined)),
    events: Stream.unwrap(Effect.as(countWatcher, Stream.fromPubSub(hub))).pipe(
      Stream.takeWhile((event): event is NumberedEvent => event !== undefined)
    ),
    isWatched: () => watchers > 0
  }
})
