/**
 * Makes the sound of one segment, at 8 kHz and in short pieces that can be dropped one by one. A mark comes after the last piece.
 */
import { Effect, Stream } from "effect"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"
import { EngineFailed, failureOf } from "../ports/Engine.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import type { SpeechChunk } from "../ports/TextToSpeech.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import type { Outgoing } from "./Outgoing.ts"

/** Samples of a piece: 100 ms, so that a barge-in has little to drop. */
const pieceLength = 800

/** Samples of a segment's first piece: 20 ms. The piece is short, because `MediaSent` is reported after the whole piece was sent. */
const firstPieceLength = 160

const synthesisTimeout = new EngineFailed({
  stage: "textToSpeech",
  reason: "timeout",
  advice: "No sound came in time. Look at the load and the log of the speech engine, or raise timeouts.speech in the agent's file."
})

const noSound = new EngineFailed({
  stage: "textToSpeech",
  reason: "broken",
  advice: "The engine made no sound for a text. Look at the log of the speech engine, and whether the voice speaks the agent's language."
})

export interface Segment {
  readonly segment: number
  readonly isFiller: boolean
  readonly sound: Stream.Stream<SpeechChunk, EngineFailed>
}

interface RunOptions {
  readonly reply: number
  /** `false`: the segment was cancelled. */
  readonly isWanted: () => boolean
  /** Takes the items in order, and waits while the queue is full. */
  readonly put: (item: Outgoing) => Effect.Effect<unknown>
  readonly report: ReportTurnEvent
  /** The longest wait for the next sound, ms. */
  readonly timeout: number
}

/** Cuts sound into pieces without copying it. The first piece has at most `firstLength` samples. */
const cut = (pcm: Pcm<8000>, firstLength: number): ReadonlyArray<Pcm<8000>> => {
  const pieces: Array<Pcm<8000>> = []
  let at = 0
  let length = firstLength
  while (at < pcm.length) {
    pieces.push(pcm.subarray(at, at + length))
    at += length
    length = pieceLength
  }
  return pieces
}

/**
 * Makes the segment's items, and reports `SpeechBegan` and `SpeechEnded`. After a failure, the effect reports `SpeechFailed` and waits to be
 * interrupted. So no later segment is made before the turn machine has decided about the failed segment.
 */
export const run = (segment: Segment, options: RunOptions): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { isWanted, put, reply, report } = options
    const item = { reply, segment: segment.segment, isWanted }
    let resampler: Resampler.Resampler<SampleRate, 8000> | undefined
    let sampleRate = 8000
    /** Samples so far, at 8 kHz. */
    let length = 0

    const putSound = Effect.fnUntraced(function*(pcm: Pcm<8000>) {
      if (pcm.length === 0) return
      const isFirst = length === 0
      length += pcm.length
      if (isFirst) report({ _tag: "SpeechBegan", reply, segment: segment.segment })
      const pieces = cut(pcm, isFirst ? firstPieceLength : pieceLength)
      for (let index = 0; index < pieces.length; index++) {
        yield* put({ ...item, _tag: "Sound", pcm: pieces[index] })
        if (isFirst && index === 0) yield* put({ ...item, _tag: "Sent" })
      }
    })

    const putChunk = (chunk: SpeechChunk) =>
      Effect.suspend(() => {
        if (chunk.sampleRate === 8000) return putSound(chunk.pcm as Pcm<8000>)
        if (resampler === undefined || sampleRate !== chunk.sampleRate) {
          sampleRate = chunk.sampleRate
          resampler = Resampler.make(chunk.sampleRate, 8000)
        }
        return putSound(resampler.process(chunk.pcm))
      })

    const putEnd = Effect.suspend(() => {
      // A mark without sound would confirm words that nobody heard.
      if (length === 0) return Effect.fail(noSound)
      report({ _tag: "SpeechEnded", reply, segment: segment.segment, duration: length / 8 })
      return put({ ...item, _tag: "Mark", isFiller: segment.isFiller })
    })

    return StreamTimeout.runForEach(segment.sound, { millis: options.timeout, onTimeout: () => synthesisTimeout, each: putChunk }).pipe(
      Effect.andThen(Effect.suspend(() => resampler === undefined ? Effect.void : putSound(resampler.flush()))),
      Effect.andThen(putEnd),
      Effect.asVoid,
      Effect.catchCause((cause) =>
        Effect.suspend(() => {
          report({ _tag: "SpeechFailed", reply, segment: segment.segment, hadSound: length > 0, ...failureOf(cause) })
          return isWanted() ? Effect.never : Effect.void
        }))
    )
  })
