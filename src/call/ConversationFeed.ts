/**
 * The events of one call, for watchers. A watcher that comes late first gets the earlier events, at most the newest `maxKeptEvents`.
 *
 * If more than `maxQueuedEvents` wait for a slow watcher, that watcher loses the oldest of them. A watcher never slows the call.
 */
import { Effect, PubSub, Stream } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"

/** How many events may wait for one watcher. */
const maxQueuedEvents = 256

/** How many events are kept for watchers that come later: about a quarter of an hour of a lively conversation. */
const maxKeptEvents = 500

/** An event with the number that the call's history gives it. */
export interface NumberedEvent {
  readonly event: ConversationEvent
  /** Rises over all streams and processes of the call. */
  readonly sequence: number
  /** `false` for `CallerSays`, which is not stored: its `sequence` is the number of the event before it. */
  readonly isNumbered: boolean
}

/** `undefined`: the call is over. */
type Published = NumberedEvent | undefined

export interface ConversationFeed {
  /** Publishes an event. Never waits. */
  readonly publish: (event: NumberedEvent) => Effect.Effect<void>
  /** Ends `events`, because the call is over. */
  readonly end: Effect.Effect<void>
  /** The kept events, then all further events until the call's end. Each run of the stream counts as a watcher. */
  readonly events: Stream.Stream<NumberedEvent>
  /** Whether the call has a watcher now. Events that are only for watchers need not be made without one. */
  readonly isWatched: () => boolean
}

export const make: Effect.Effect<ConversationFeed> = Effect.map(PubSub.sliding<Published>({ capacity: maxQueuedEvents, replay: maxKeptEvents }), (hub) => {
  let watchers = 0
  const countWatcher = Effect.acquireRelease(Effect.sync(() => watchers++), () => Effect.sync(() => watchers--))
  return {
    publish: (event) => Effect.asVoid(PubSub.publish(hub, event)),
    end: Effect.asVoid(PubSub.publish(hub, undefined)),
    events: Stream.unwrap(Effect.as(countWatcher, Stream.fromPubSub(hub))).pipe(
      Stream.takeWhile((event): event is NumberedEvent => event !== undefined)
    ),
    isWatched: () => watchers > 0
  }
})
