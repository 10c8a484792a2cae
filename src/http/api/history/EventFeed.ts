/**
 * The events of a call from its beginning, or after one of them, to its end: first those of the history, then live ones.
 *
 * A call of this process tells its events at once. Those of another process's call come through the history, half a second late.
 *
 * If the history can't be read for half a minute, the stream fails: a clean end would look like the call's end. The client then connects again,
 * and gets the events after the last one that it has.
 */
import { Effect, Option, Schedule, Stream } from "effect"
import type { ConversationFeed } from "../../../call/ConversationFeed.ts"
import type { CallSid } from "../../../domain/Sid.ts"
import type { StoreUnreachable } from "../../../store/CallStore.ts"
import type { StoredCalls } from "../../../store/history/StoredCalls.ts"
import type { Told } from "./EventStream.ts"

/** How often the history is read for a call that another process has. */
const lookEvery = "500 millis"

/** How often a failed read of the history is repeated. */
const repeated = { schedule: Schedule.spaced(lookEvery), times: 60 }

export const make = (
  stored: Pick<StoredCalls["Service"], "events" | "find">,
  callSid: CallSid,
  after: number,
  here: Option.Option<ConversationFeed["events"]>
): Stream.Stream<Told, StoreUnreachable> => {
  /** The number of the newest event that was told. */
  let last = after

  const page = Effect.suspend(() =>
    Effect.map(Effect.retry(stored.events(callSid, last), repeated), (events) => {
      last = events.at(-1)?.sequence ?? last
      return events.map(({ event, sequence }): Told => ({ event, id: sequence }))
    })
  )

  const kept = Stream.paginate(undefined, () => Effect.map(page, (events) => [events, events.length === 0 ? Option.none() : Option.some(undefined)] as const))

  const isOver = stored.find(callSid).pipe(
    Effect.map((call) => !Option.exists(call, ({ isLive }) => isLive)),
    Effect.orElseSucceed(() => false)
  )
  /** Looks for the end before it reads events, so that no event before the end is missed. */
  const follow = Stream.paginate(undefined, () =>
    Effect.gen(function*() {
      const isLast = yield* isOver
      const events = yield* page
      if (events.length > 0) return [events, Option.some(undefined)] as const
      if (isLast) return [events, Option.none()] as const
      yield* Effect.sleep(lookEvery)
      return [events, Option.some(undefined)] as const
    }))

  const live = Option.match(here, {
    onNone: () => Stream.empty,
    onSome: (events) =>
      events.pipe(
        Stream.filter(({ isNumbered, sequence }) => isNumbered ? sequence > last : sequence >= last),
        Stream.map(({ event, isNumbered, sequence }): Told => {
          if (!isNumbered) return { event }
          last = sequence
          return { event, id: sequence }
        })
      )
  })

  return kept.pipe(Stream.concat(live), Stream.concat(follow))
}
