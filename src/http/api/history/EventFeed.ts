/**
 * The events of a call from its beginning, or after one of them, to its end: first those of the history, then live ones.
 *
 * A call of this process tells its events at once. Those of another process's call come through the history, half a second late.
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
import type { Told } from "./EventStream.ts"

/** How often the history is read for a call that another process has. */
const lookEvery = "500 millis"

/** How often a failed read of the history is repeated. */
const repeated = { schedule: Schedule.spaced(lookEvery), times: 60 }

/** The last event of a call's stream: its outcome, as far as it is known then. None if the history does not have the call. */
const outcomeOf = (call: Option.Option<CallDetails>): ReadonlyArray<Told> =>
  Option.match(call, { onNone: () => [], onSome: (ended) => [{ event: { _tag: "Outcome", ...outcome(ended) } }] })

export const make = (
  stored: Pick<StoredCalls["Service"], "events" | "find">,
  callSid: CallSid,
  after: number,
  here: Option.Option<ConversationFeed["events"]>
): Stream.Stream<Told, StoreUnreachable> => {
  /** The number of the newest event that was told. */
  let last = after

  const page = Effect.suspend(() =>
    Effect.map(stored.events(callSid, last), (events) => {
      last = events.at(-1)?.sequence ?? last
      return events.map(({ event, sequence }): Told => ({ event, id: sequence }))
    })
  )
  const surePage = Effect.retry(page, repeated)

  /** A call of this process goes on without its history: what is missing then is read before the next live event. */
  const kept = Stream.paginate(undefined, () =>
    Effect.map(Option.isSome(here) ? Effect.orElseSucceed(page, () => []) : surePage, (events) =>
      [events, events.length === 0 ? Option.none() : Option.some(undefined)] as const))

  /**
   * The events of the history before this one. The history may be a moment behind, so it is read twice before an event counts as not there.
   * If it can't be read for two seconds, live events go on without what is missing.
   */
  const before = (sequence: number, isSecondRead = false): Effect.Effect<ReadonlyArray<Told>> =>
    Effect.gen(function*() {
      if (last >= sequence - 1) return []
      const events = yield* Effect.option(Effect.retry(page, { ...repeated, times: 4 }))
      if (Option.isNone(events)) return []
      if (events.value.length > 0) return [...events.value, ...(yield* before(sequence))]
      return isSecondRead ? [] : yield* Effect.delay(before(sequence, true), lookEvery)
    })

  /** The call as the history has it. Unset: the history can't be read. */
  const look = Effect.option(stored.find(callSid))
  /** Looks for the end before it reads events, so that no event before the end is missed. */
  const follow = Stream.paginate(undefined, () =>
    Effect.gen(function*() {
      const call = yield* look
      const events = yield* surePage
      if (events.length > 0) return [events, Option.some(undefined)] as const
      if (Option.exists(call, (known) => !Option.exists(known, ({ isLive }) => isLive))) return [outcomeOf(Option.flatten(call)), Option.none()] as const
      yield* Effect.sleep(lookEvery)
      return [events, Option.some(undefined)] as const
    }))

  /** A watcher that comes late or is slow lacks events, which are then read from the history. */
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

  return kept.pipe(Stream.concat(live), Stream.concat(follow))
}
