/**
 * One reply's sound: its segments are made one after the other, ahead of what is said, and leave when the
 * reply is released.
 */
import { Effect, Fiber, Latch, Queue, type Scope, Stream } from "effect"
import * as Dtmf from "../../audio/Dtmf.ts"
import type { Pcm, SampleRate } from "../../audio/Pcm.ts"
import * as Resampler from "../../audio/resample/Resampler.ts"
import { EngineFailed, failureOf } from "../ports/Engine.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import type { SpeechChunk, SpeechRequest } from "../ports/TextToSpeech.ts"
import type { TurnEvent } from "../turn/TurnEvent.ts"

/** Samples at 8 kHz that leave at once: 100 ms, so that little has to be thrown away. */
const pieceLength = 800

/** Of a segment's first sound, 20 ms leave alone: the moment at which they do is the reply's first media. */
const firstLength = 160

/** Pieces of 100 ms that are made ahead: enough for a long sentence, and a bound for an engine faster than speech. */
const piecesAhead = 120

/** What leaves for the caller. It counts only while `isWanted`. */
export type Outgoing =
  & { readonly reply: number; readonly segment: number; readonly isWanted: () => boolean }
  & (
    | { readonly _tag: "Sound"; readonly pcm: Pcm<8000> }
    /** All before it has left. */
    | { readonly _tag: "Sent" }
    | { readonly _tag: "Mark" }
  )

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never

/** What a player reports, less the time and the reply. */
export type Report = DistributiveOmit<
  Extract<TurnEvent, { readonly _tag: "SpeechBegan" | "SpeechEnded" | "SpeechFailed" }>,
  "at" | "reply"
>

export interface ReplySynthesizer {
  readonly speak: (segment: number, text: string) => void
  /** The tones of keys, as a segment of their own. */
  readonly press: (segment: number, digits: string) => void
  readonly release: Effect.Effect<void>
  readonly hold: Effect.Effect<void>
  /** Forgets the segments from this one on; does not wait for an engine that is slow to let go. */
  readonly stop: (from: number) => Effect.Effect<void>
}

export interface Options {
  readonly reply: number
  readonly speech: (text: string, segment: number) => Stream.Stream<SpeechChunk, EngineFailed>
  readonly out: Queue.Enqueue<Outgoing>
  readonly report: (report: Report) => void
  /** The longest wait for the next sound, ms. */
  readonly timeout: number
}

interface Job {
  readonly segment: number
  readonly sound: Stream.Stream<SpeechChunk, EngineFailed>
}

/** The request of a text, by the persona's voice. */
export const requestOf = (persona: { readonly language: string; readonly voice?: string }) => (text: string): SpeechRequest =>
  persona.voice === undefined
    ? { text, language: persona.language }
    : { text, language: persona.language, voice: persona.voice }

const late = new EngineFailed({
  stage: "textToSpeech",
  reason: "timeout",
  advice: "No sound came in time. Look at the load and the log of the speech engine, or raise timeouts.speech in the agent's file."
})

const empty = new EngineFailed({
  stage: "textToSpeech",
  reason: "broken",
  advice: "Words were given, and no sound came. Look at the log of the speech engine, and whether the voice speaks the agent's language."
})

/** Cuts into pieces of at most `pieceLength`, without copying. */
const cut = (pcm: Pcm<8000>, first: number): ReadonlyArray<Pcm<8000>> => {
  const pieces: Array<Pcm<8000>> = []
  let at = 0
  let length = first
  while (at < pcm.length) {
    pieces.push(pcm.subarray(at, at + length))
    at += length
    length = pieceLength
  }
  return pieces
}

export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<ReplySynthesizer, never, Scope.Scope> {
  const jobs = yield* Queue.unbounded<Job>()
  const made = yield* Queue.bounded<Outgoing>(piecesAhead)
  const released = yield* Latch.make(false)
  const wanted = new Set<number>()
  /** The segment that is being made. */
  let making: number | undefined

  const synthesise = Effect.fnUntraced(function*({ segment, sound }: Job) {
    const isWanted = () => wanted.has(segment)
    const item = { reply: options.reply, segment, isWanted }
    let resampler: Resampler.Resampler<SampleRate, 8000> | undefined
    let rate = 8000
    let samples = 0

    const put = Effect.fnUntraced(function*(pcm: Pcm<8000>) {
      if (pcm.length === 0) return
      const isFirst = samples === 0
      samples += pcm.length
      if (isFirst) options.report({ _tag: "SpeechBegan", segment })
      const pieces = cut(pcm, isFirst ? firstLength : pieceLength)
      for (let index = 0; index < pieces.length; index++) {
        yield* Queue.offer(made, { ...item, _tag: "Sound", pcm: pieces[index] })
        if (isFirst && index === 0) yield* Queue.offer(made, { ...item, _tag: "Sent" })
      }
    })

    const take = (chunk: SpeechChunk) =>
      Effect.suspend(() => {
        if (chunk.sampleRate === 8000) return put(chunk.pcm as Pcm<8000>)
        if (resampler === undefined || rate !== chunk.sampleRate) {
          rate = chunk.sampleRate
          resampler = Resampler.make(chunk.sampleRate, 8000)
        }
        return put(resampler.process(chunk.pcm))
      })

    yield* StreamTimeout.runForEach(sound, { millis: options.timeout, onLate: () => late, each: take }).pipe(
      Effect.andThen(Effect.suspend(() => resampler === undefined ? Effect.void : put(resampler.flush()))),
      Effect.andThen(Effect.suspend(() => {
        // Its mark would come back, and say that these words were heard.
        if (samples === 0) return Effect.fail(empty)
        options.report({ _tag: "SpeechEnded", segment, duration: samples / 8 })
        return Queue.offer(made, { ...item, _tag: "Mark" })
      })),
      Effect.catchCause((cause) =>
        Effect.suspend(() => {
          options.report({ _tag: "SpeechFailed", segment, hadSound: samples > 0, ...failureOf(cause) })
          // What follows waits for the decision about this one.
          return isWanted() ? Effect.never : Effect.void
        }))
    )
  })

  const synthesis = Effect.forever(
    Effect.flatMap(Queue.take(jobs), (job) => {
      if (!wanted.has(job.segment)) return Effect.void
      making = job.segment
      return synthesise(job)
    })
  )

  const scope = yield* Effect.scope
  const start = Effect.forkIn(synthesis, scope)
  let running = yield* start

  yield* Effect.forkScoped(Effect.forever(
    Effect.flatMap(Queue.take(made), (item) =>
      Effect.andThen(
        released.await,
        Effect.suspend(() => item.isWanted() ? Queue.offer(options.out, item) : Effect.void)
      ))
  ))

  const add = (job: Job) => {
    wanted.add(job.segment)
    Queue.offerUnsafe(jobs, job)
  }

  return {
    speak: (segment, text) => add({ segment, sound: Stream.suspend(() => options.speech(text, segment)) }),
    press: (segment, digits) =>
      add({ segment, sound: Stream.sync(() => ({ pcm: Dtmf.tones(digits, 8000), sampleRate: 8000 })) }),
    release: Effect.asVoid(released.open),
    hold: Effect.asVoid(released.close),
    stop: Effect.fnUntraced(function*(from: number) {
      for (const segment of wanted) {
        if (segment >= from) wanted.delete(segment)
      }
      if (making === undefined || wanted.has(making)) return
      making = undefined
      yield* Effect.forkIn(Fiber.interrupt(running), scope)
      running = yield* start
    })
  }
})
