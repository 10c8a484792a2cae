/**
 * The events of a call until its end. The feed begins with the first event, or after a given event. Events of the history come first, then
 * live events.
 *
 * For a call in this process, events come at once. For a call in another process, they are read from the history, up to half a second late.
 *
 * If events are missing and the history can't be read for half a minute, the stream fails, because a clean end would look like the call's
 * end. The client then connects again and gets the events after the last event that it has.
 */
import { Effect, Option, Schedule, Stream } from "effect"
import type { ConversationFeed } from "../../../call/ConversationFeed.ts"
import type { CallSid } from "../../../domain/Sid.ts"
import type { StoreUnreachable } from "../../../store/CallStore.ts"
import { outcome } from "../../../store/history/CallFields.ts"
import type { CallDetails, StoredCalls } from "../../../store/history/StoredCalls.ts"
import type { FeedEvent } from "./EventStream.ts"

/** The time between two reads of the history for a call in another process. */
const readInterval = "500 millis"

/** A failed read of the history is repeated for half a minute. */
const retries = { schedule: Schedule.spaced(readInterval), times: 60 }

/** The last event of a feed: the call's outcome, as far as the history has it at this time. No event if the history does not have the call. */
const outcomeOf = (call: Option.Option<CallDetails>): ReadonlyArray<FeedEvent> =>
  Option.match(call, { onNone: () => [], onSome: (ended) => [{ event: { _tag: "Outcome", ...outcome(ended) } }] })

export const make = (
  stored: Pick<StoredCalls["Service"], "events" | "find">,
  callSid: CallSid,
  after: number,
  liveEvents: Option.Option<ConversationFeed["events"]>
): Stream.Stream<FeedEvent, StoreUnreachable> => {
  /** The number of the newest event in the feed. */
  let lastSequence = after

  const page = Effect.suspend(() =>
    Effect.map(stored.events(callSid, lastSequence), (events) => {
      lastSequence = events.at(-1)?.sequence ?? lastSequence
      return events.map(({ event, sequence }): FeedEvent => ({ event, id: sequence }))
    })
  )
  const retriedPage = Effect.retry(page, retries)

  /** The events of the history, page by page. For a call in this process, a failed read ends this stream, and `live` reads the missing events. */
  const past = Stream.paginate(undefined, () =>
    Effect.map(Option.isSome(liveEvents) ? Effect.orElseSucceed(page, () => []) : retriedPage, (events) =>
      [events, events.length === 0 ? Option.none() : Option.some(undefined)] as const))

  /**
   * The events of the history before the event with this number. The store may write an event a moment after it happened, so the history is
   * read twice before an event counts as missing. If it can't be read for two seconds, the missing events are left out.
   */
  const eventsBefore = (sequence: number, isSecondRead = false): Effect.Effect<ReadonlyArray<FeedEvent>> =>
    Effect.gen(function*() {
      if (lastSequence >= sequence - 1) return []
      const events = yield* Effect.option(Effect.retry(page, { ...retries, times: 4 }))
      if (Option.isNone(events)) return []
      if (events.value.length > 0) return [...events.value, ...(yield* eventsBefore(sequence))]
      return isSecondRead ? [] : yield* Effect.delay(eventsBefore(sequence, true), readInterval)
    })

  /** The call in the history. `None`: the history can't be read. */
  const storedCall = Effect.option(stored.find(callSid))
  /** Reads the history until the call ends. Each round looks for the end first and then reads the events, so no event before the end is missed. */
  const remainder = Stream.paginate(undefined, () =>
    Effect.gen(function*() {
      const call = yield* storedCall
      const events = yield* retriedPage
      if (events.length > 0) return [events, Option.some(undefined)] as const
      if (Option.exists(call, (known) => !Option.exists(known, ({ isLive }) => isLive))) return [outcomeOf(Option.flatten(call)), Option.none()] as const
      yield* Effect.sleep(readInterval)
      return [events, Option.some(undefined)] as const
    }))

  /** The live events. If the client connects late or reads slowly, some are missing; the feed then reads them from the history. */
  const live = Option.match(liveEvents, {
    onNone: () => Stream.empty,
    onSome: (events) =>
      events.pipe(
        Stream.mapEffect(Effect.fnUntraced(function*({ event, isNumbered, sequence }) {
          // An event without a number of its own has that of the event before it. It is left out if a later event is in the feed.
          if (!isNumbered) return sequence >= lastSequence ? [{ event }] : []
          const missing = yield* eventsBefore(sequence)
          if (sequence <= lastSequence) return missing
          lastSequence = sequence
          return [...missing, { event, id: sequence }]
        })),
        Stream.flattenIterable
      )
  })

  return past.pipe(Stream.concat(live), Stream.concat(remainder))
}
