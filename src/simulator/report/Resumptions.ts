/**
 * Measures how long the caller heard nothing when a stream was lost and another stream followed.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import type { SimulatedCallEvent, StreamEnd } from "./SimulatedCallEvent.ts"
import { speeches } from "./SpeakingTurns.ts"
import { samplesPerMilli } from "./Timeline.ts"

/** A lost stream that another stream followed. */
export interface Resumption {
  /** When the stream was lost, in ms since the call was answered. */
  readonly lostAt: number
  /** The time from the last sound before the loss to the first sound after it, in ms. `undefined` if no sound followed. */
  readonly silence: number | undefined
  /** The time from the loss to the first sound after it, in ms. `undefined` if no sound followed. */
  readonly sinceLoss: number | undefined
}

/** Whether the stream was lost: its connection broke, because of a requested fault or for another reason. */
export const isLoss = (why: StreamEnd): boolean => why === "fault" || why === "connectionLost"

/** A time without a stream, in ms since the call was answered. */
interface Gap {
  readonly from: number
  /** When the next stream began. `Infinity` if there was no further stream. */
  readonly to: number
}

const answeredAt = (events: ReadonlyArray<SimulatedCallEvent>): number =>
  events.find((event) => event._tag === "Status" && event.status === "in-progress")?.at ?? 0

/** The time from each loss of a stream to the next stream. */
export const gaps = (events: ReadonlyArray<SimulatedCallEvent>): ReadonlyArray<Gap> => {
  const answered = answeredAt(events)
  return events.flatMap((event) => {
    if (event._tag !== "StreamEnded" || !isLoss(event.why)) return []
    const next = events.find(({ _tag, at }) => _tag === "StreamStarted" && at > event.at)
    return [{ from: event.at - answered, to: next === undefined ? Infinity : next.at - answered }]
  })
}

/**
 * The round-trip time of each frame in ms. Frames come back in the order in which they were sent. Frames that were on their way when a
 * stream was lost do not come back.
 */
export const roundTrips = (
  { arrivals, sentAt }: { readonly sentAt: ReadonlyArray<number>; readonly arrivals: ReadonlyArray<{ readonly at: number }> },
  lost: ReadonlyArray<Gap>
): ReadonlyArray<number> =>
  [...lost.map(({ from }) => from), Infinity].flatMap((end, index) => {
    const isWithin = (at: number) => at >= (lost[index - 1]?.from ?? -Infinity) && at < end
    const sent = sentAt.filter(isWithin)
    return arrivals.filter(({ at }) => isWithin(at)).flatMap(({ at }, nth) => nth < sent.length ? [at - sent[nth]] : [])
  })

/** Every loss of a stream that another stream followed. `heard` begins at the answer. */
export const resumptions = (events: ReadonlyArray<SimulatedCallEvent>, heard: Pcm<8000>): ReadonlyArray<Resumption> => {
  const losses = gaps(events).flatMap(({ from, to }) => to === Infinity ? [] : [from])
  const soundBetween = (from: number, to: number | undefined) =>
    speeches(heard.slice(Math.round(from * samplesPerMilli), to === undefined ? undefined : Math.round(to * samplesPerMilli)) as Pcm<8000>)
  return losses.map((lostAt, index) => {
    const lastSound = soundBetween(0, lostAt).at(-1)?.to ?? 0
    const sinceLoss = soundBetween(lostAt, losses[index + 1])[0]?.from
    return { lostAt, sinceLoss, silence: sinceLoss === undefined ? undefined : lostAt + sinceLoss - lastSound }
  })
}

/** A readable line for each resumption. */
export const describe = (all: ReadonlyArray<Resumption>): ReadonlyArray<string> =>
  all.map(({ lostAt, silence, sinceLoss }) => {
    const when = `The stream was lost at ${(lostAt / 1000).toFixed(1)} s:`
    return silence === undefined || sinceLoss === undefined
      ? `${when.padEnd(34)} nothing was heard from then on`
      : `${when.padEnd(34)} ${Math.round(silence)} ms without a sound, ${Math.round(sinceLoss)} ms of them after the loss`
  })
