/**
 * Synthesizes the segments of one reply one after the other, ahead of playback. The sound leaves only while the reply is released.
 */
import { Effect, Fiber, Latch, Queue, type Scope, Stream } from "effect"
import * as Dtmf from "../../audio/Dtmf.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import type { SpeechChunk } from "../ports/TextToSpeech.ts"
import type { SpeechKind } from "../turn/TurnCommand.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import type { Outgoing } from "./Outgoing.ts"
import * as SegmentSynthesis from "./SegmentSynthesis.ts"

/** At most this many pieces are made ahead: 12 s of sound, enough for a long sentence. Without a limit, a fast engine would make the whole reply. */
const maxPiecesAhead = 120

export interface ReplySynthesizer {
  /** Adds a segment after all other segments. */
  readonly speak: (segment: number, text: string, kind: SpeechKind) => void
  /** Adds the tones of keys as a segment. `digits`: `0`–`9`, `*`, `#`, `A`–`D`. */
  readonly press: (segment: number, digits: string) => void
  /** Lets the sound leave. Before the first release, the sound is held. */
  readonly release: Effect.Effect<void>
  readonly hold: Effect.Effect<void>
  /** Drops the segments from this number on. Does not wait until the engine has stopped. */
  readonly stop: (from: number) => Effect.Effect<void>
}

interface MakeOptions {
  readonly reply: number
  /** Makes the sound of a segment's text. Called when all earlier segments have been made. */
  readonly speech: (segment: number, text: string, kind: SpeechKind) => Stream.Stream<SpeechChunk, EngineFailed>
  /** Takes the items that leave. */
  readonly out: Queue.Enqueue<Outgoing>
  readonly report: ReportTurnEvent
  /** The longest wait for the next sound, ms. */
  readonly timeout: number
}

/** Synthesis ends with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<ReplySynthesizer, never, Scope.Scope> {
  const { out, reply, report, speech, timeout } = options
  const scope = yield* Effect.scope
  const segments = yield* Queue.unbounded<SegmentSynthesis.Segment>()
  const madeItems = yield* Queue.bounded<Outgoing>(maxPiecesAhead)
  const released = yield* Latch.make(false)
  const wantedSegments = new Set<number>()
  /** The segment that is being synthesized, or was synthesized last. */
  let currentSegment: number | undefined

  const synthesis = Effect.forever(
    Effect.flatMap(Queue.take(segments), (next) => {
      const { segment } = next
      if (!wantedSegments.has(segment)) return Effect.void
      currentSegment = segment
      return SegmentSynthesis.run(next, {
        reply,
        report,
        timeout,
        isWanted: () => wantedSegments.has(segment),
        put: (item) => Queue.offer(madeItems, item)
      })
    })
  )
  const start = Effect.forkIn(synthesis, scope)
  let running = yield* start

  yield* Effect.forkScoped(Effect.forever(
    Effect.flatMap(Queue.take(madeItems), (item) =>
      Effect.andThen(
        released.await,
        Effect.suspend(() => item.isWanted() ? Queue.offer(out, item) : Effect.void)
      ))
  ))

  const add = (segment: number, isFiller: boolean, sound: SegmentSynthesis.Segment["sound"]) => {
    wantedSegments.add(segment)
    Queue.offerUnsafe(segments, { segment, isFiller, sound })
  }

  return {
    speak: (segment, text, kind) => add(segment, kind === "filler", Stream.suspend(() => speech(segment, text, kind))),
    press: (segment, digits) => add(segment, false, Stream.sync(() => ({ pcm: Dtmf.tones(digits, 8000), sampleRate: 8000 }))),
    release: Effect.asVoid(released.open),
    hold: Effect.asVoid(released.close),
    stop: Effect.fnUntraced(function*(from: number) {
      for (const segment of wantedSegments) {
        if (segment >= from) wantedSegments.delete(segment)
      }
      if (currentSegment === undefined || wantedSegments.has(currentSegment)) return
      currentSegment = undefined
      yield* Effect.forkIn(Fiber.interrupt(running), scope)
      running = yield* start
    })
  }
})
