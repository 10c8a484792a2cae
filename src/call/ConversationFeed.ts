/**
 * The events of one call for its watchers. A watcher that comes late first gets the newest `keptEvents` of the earlier ones.
 *
 * The queue to each watcher slides: a slow watcher loses events and never slows the call.
 */
import { Effect, PubSub, Stream } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"

/** How many events may wait for one watcher. */
const queuedEvents = 256

/** How many events are kept for watchers that come later: the last quarter of an hour of a lively conversation. */
const keptEvents = 500

/** An event with its number. The call's history counts the events. */
export interface NumberedEvent {
  readonly event: ConversationEvent
  /** Rises over all streams and processes of the call. `CallerSays`, which is not stored, has the number of the event before it. */
  readonly sequence: number
  /** `false`: the event has no number of its own, but that of the event before it. */
  readonly isNumbered: boolean
}

/** `undefined`: the call is over. */
type Published = NumberedEvent | undefined

export interface ConversationFeed {
  /** Publishes an event. Never waits. */
  readonly publish: (event: NumberedEvent) => Effect.Effect<void>
  /** The call is over: ends `events`. */
  readonly end: Effect.Effect<void>
  /** The kept events, then all further ones until the call's end. Each run of the stream is a watcher. */
  readonly events: Stream.Stream<NumberedEvent>
  /** Whether anybody watches now. If nobody does, events that are for watchers alone need not be made. */
  readonly isWatched: () => boolean
}

export const make: Effect.Effect<ConversationFeed> = Effect.map(PubSub.sliding<Published>({ capacity: queuedEvents, replay: keptEvents }), (hub) => {
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
