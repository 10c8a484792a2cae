/**
 * The events of a call from its beginning, or after one of them, to its end: first those of the history, then live ones.
 *
 * The events of a call in this process come at once. Those of a call in another process come from the history, half a second late.
 *
 * If events are missing and the history can't be read for half a minute, the stream fails: a clean end would look like the call's end. The
 * client then connects again, and gets the events after the last one that it has.
 */
import { Effect, Option, Schedule, Stream } from "effect"
import type { ConversationFeed } from "../../../call/ConversationFeed.ts"
import type { CallSid } from "../../../domain/Sid.ts"
import type { StoreUnreachable } from "../../../store/CallStore.ts"
import { outcome } from "../../../store/history/CallFields.ts"
import type { CallDetails, StoredCalls } from "../../../store/history/StoredCalls.ts"
import type { FeedEvent } from "./EventStream.ts"

/** The time between two reads of the history for a call that another process has. */
const readInterval = "500 millis"

/** When and how often a failed read of the history is repeated. */
const retries = { schedule: Schedule.spaced(readInterval), times: 60 }

/** The last event of a feed: the call's outcome, as far as it is known by then. No event if the history does not have the call. */
const outcomeOf = (call: Option.Option<CallDetails>): ReadonlyArray<FeedEvent> =>
  Option.match(call, { onNone: () => [], onSome: (ended) => [{ event: { _tag: "Outcome", ...outcome(ended) } }] })

export const make = (
  stored: Pick<StoredCalls["Service"], "events" | "find">,
  callSid: CallSid,
  after: number,
  here: Option.Option<ConversationFeed["events"]>
): Stream.Stream<FeedEvent, StoreUnreachable> => {
  /** The number of the newest event in the feed. */
  let last = after

  const page = Effect.suspend(() =>
    Effect.map(stored.events(callSid, last), (events) => {
      last = events.at(-1)?.sequence ?? last
      return events.map(({ event, sequence }): FeedEvent => ({ event, id: sequence }))
    })
  )
  const surePage = Effect.retry(page, retries)

  /** The events of the history, page by page. For a call in this process, a failed read ends them: `live` reads what is missing. */
  const past = Stream.paginate(undefined, () =>
    Effect.map(Option.isSome(here) ? Effect.orElseSucceed(page, () => []) : surePage, (events) =>
      [events, events.length === 0 ? Option.none() : Option.some(undefined)] as const))

  /**
   * The events of the history before the event with this number. The history may be a moment behind, so it is read twice before an event
   * counts as not there. If it can't be read for two seconds, the missing events are left out.
   */
  const before = (sequence: number, isSecondRead = false): Effect.Effect<ReadonlyArray<FeedEvent>> =>
    Effect.gen(function*() {
      if (last >= sequence - 1) return []
      const events = yield* Effect.option(Effect.retry(page, { ...retries, times: 4 }))
      if (Option.isNone(events)) return []
      if (events.value.length > 0) return [...events.value, ...(yield* before(sequence))]
      return isSecondRead ? [] : yield* Effect.delay(before(sequence, true), readInterval)
    })

  /** The call as the history has it. Unset: the history can't be read. */
  const storedCall = Effect.option(stored.find(callSid))
  /** Follows the history to the call's end. It checks for the end before it reads the events, so that it misses none before the end. */
  const follow = Stream.paginate(undefined, () =>
    Effect.gen(function*() {
      const call = yield* storedCall
      const events = yield* surePage
      if (events.length > 0) return [events, Option.some(undefined)] as const
      if (Option.exists(call, (known) => !Option.exists(known, ({ isLive }) => isLive))) return [outcomeOf(Option.flatten(call)), Option.none()] as const
      yield* Effect.sleep(readInterval)
      return [events, Option.some(undefined)] as const
    }))

  /** The live events. A client that comes late or reads slowly lacks some of them, which are then read from the history. */
  const live = Option.match(here, {
    onNone: () => Stream.empty,
    onSome: (events) =>
      events.pipe(
        Stream.mapEffect(Effect.fnUntraced(function*({ event, isNumbered, sequence }) {
          if (!isNumbered) return sequence >= last ? [{ event }] : []
          const missing = yield* before(sequence)
          if (sequence <= last) return missing
          last = sequence
          return [...missing, { event, id: sequence }]
        })),
        Stream.flattenIterable
      )
  })

  return past.pipe(Stream.concat(live), Stream.concat(follow))
}
