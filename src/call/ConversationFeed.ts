/**
 * What is told of one call to those who watch it: all from its beginning, also to who comes later.
 *
 * The queue to each watcher slides, so that a slow one loses events and never slows the call.
 */
import { Effect, PubSub, Stream } from "effect"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"

/** Events that wait for one watcher. */
const capacity = 256

/** Events that are kept for who comes later: the last quarter of an hour of a lively conversation. */
const kept = 500

/** `undefined`: the call is over. */
type Told = ConversationEvent | undefined

export interface ConversationFeed {
  /** Never waits. */
  readonly tell: (event: ConversationEvent) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
  /** From the first event that is kept to the call's end. */
  readonly events: Stream.Stream<ConversationEvent>
  /** Whether anybody watches now: what only a watcher sees need not be found out otherwise. */
  readonly isWatched: () => boolean
}

export const make: Effect.Effect<ConversationFeed> = Effect.map(
  PubSub.sliding<Told>({ capacity, replay: kept }),
  (hub) => {
    let watchers = 0
    const come = Effect.acquireRelease(Effect.sync(() => watchers++), () => Effect.sync(() => watchers--))
    return {
      tell: (event) => Effect.asVoid(PubSub.publish(hub, event)),
      end: Effect.asVoid(PubSub.publish(hub, undefined)),
      events: Stream.unwrap(Effect.as(come, Stream.fromPubSub(hub))).pipe(
        Stream.takeWhile((told): told is ConversationEvent => told !== undefined)
      ),
      isWatched: () => watchers > 0
    }
  }
)
