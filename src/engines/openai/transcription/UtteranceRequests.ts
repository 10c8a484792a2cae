/**
 * The requests of one utterance: for its transcript, and for the words so far while the caller speaks.
 *
 * Servers go on computing aborted requests, so an utterance has one request at a time. When the transcript is asked for, a request for the
 * words so far may be running. If this request holds all of the caller's voice, its answer becomes the transcript. If not, it is aborted
 * first.
 */
import { Effect, Exit, Fiber, Queue, type Scope, Semaphore, Stream } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { Transcript } from "../../../conversation/ports/SpeechToText.ts"
import type { Speech, UtteranceSound } from "./UtteranceSound.ts"

const silence: Transcript = { text: "", ending: "unknown" }

/** A running request for the words so far. */
interface PartialRequest {
  readonly fiber: Fiber.Fiber<Transcript, EngineFailed>
  /** The ms of the utterance up to which the request has its sound. */
  readonly until: number
  /** A run of `transcribe` waited for this request and was interrupted. The next run does not wait for it again. */
  isGivenUp: boolean
}

interface MakeOptions {
  readonly sound: UtteranceSound
  readonly request: (speech: Speech, isPartial: boolean) => Effect.Effect<Transcript, EngineFailed>
  /** Whether the server answers soon enough to be asked for the words so far. */
  readonly isServerQuick: () => boolean
  /** The words so far are asked for after this many ms of further sound; 0: never. */
  readonly partialsInterval: number
}

class UtteranceRequests {
  readonly #options: MakeOptions
  readonly #scope: Scope.Scope
  readonly #wakeUps: Queue.Queue<void>
  /** If `partials` runs several times, only one run asks at a time. */
  readonly #partialLock = Semaphore.makeUnsafe(1)
  /** ms of sound, and of loud sound, at the time of the newest request. */
  #askedMillis = 0
  #askedLoudMillis = 0
  /** How many runs of `transcribe` wait for a transcript. */
  #waiting = 0
  #partial: PartialRequest | undefined

  constructor(options: MakeOptions, scope: Scope.Scope, wakeUps: Queue.Queue<void>) {
    this.#options = options
    this.#scope = scope
    this.#wakeUps = wakeUps
  }

  /** The transcript of all sound so far. */
  readonly transcribe: Effect.Effect<Transcript, EngineFailed> = Effect.acquireUseRelease(
    Effect.sync(() => this.#waiting++),
    () => this.#partialOrNewTranscript,
    () => Effect.sync(() => this.#waiting--)
  )

  /** The words so far, repeatedly while sound arrives. Never ends and never fails. */
  readonly partials: Stream.Stream<string> = Stream.suspend(() =>
    Stream.fromEffectRepeat(this.#partialLock.withPermit(this.#nextPartial)).pipe(Stream.filter((text) => text !== ""))
  )

  /** Notes that more sound has arrived. */
  noteSound(): void {
    if (this.#isPartialDue()) Queue.offerUnsafe(this.#wakeUps, undefined)
  }

  #isPartialDue(): boolean {
    const { isServerQuick, partialsInterval, sound } = this.#options
    return partialsInterval > 0
      && this.#waiting === 0
      && this.#partial === undefined
      && sound.millis - this.#askedMillis >= partialsInterval
      // The utterance also holds sound from before the voice, so at least half of it has to be loud.
      && sound.loudMillis - this.#askedLoudMillis >= partialsInterval / 2
      && isServerQuick()
  }

  /** A request with the sound so far. `until`: the ms of the utterance up to which the request has its sound. */
  #ask(isPartial: boolean): { readonly until: number; readonly transcript: Effect.Effect<Transcript, EngineFailed> } {
    const { request, sound } = this.#options
    this.#askedMillis = sound.millis
    this.#askedLoudMillis = sound.loudMillis
    const speech = sound.speech()
    return speech === undefined
      ? { until: 0, transcript: Effect.succeed(silence) }
      : { until: speech.energy.millis, transcript: request(speech, isPartial) }
  }

  readonly #newTranscript: Effect.Effect<Transcript, EngineFailed> = Effect.suspend(() => this.#ask(false).transcript)

  readonly #partialOrNewTranscript: Effect.Effect<Transcript, EngineFailed> = Effect.suspend(() => {
    const partial = this.#partial
    if (partial === undefined) return this.#newTranscript
    if (partial.isGivenUp || partial.until < this.#options.sound.voicedUntil) {
      return Effect.andThen(Fiber.interrupt(partial.fiber), this.#newTranscript)
    }
    return Fiber.await(partial.fiber).pipe(
      Effect.onInterrupt(() =>
        Effect.sync(() => {
          partial.isGivenUp = true
        })
      ),
      Effect.flatMap((exit) => Exit.isSuccess(exit) ? Effect.succeed(exit.value) : this.#newTranscript)
    )
  })

  /** Waits until the words so far are due, and asks for them. Empty if there are no words or the request failed. */
  readonly #nextPartial: Effect.Effect<string> = Effect.gen({ self: this }, function*() {
    while (!this.#isPartialDue()) yield* Queue.take(this.#wakeUps)
    const { transcript, until } = this.#ask(true)
    const fiber = yield* Effect.forkIn(transcript, this.#scope)
    this.#partial = { fiber, until, isGivenUp: false }
    const exit = yield* Fiber.await(fiber).pipe(
      Effect.onInterrupt(() => Fiber.interrupt(fiber)),
      Effect.ensuring(Effect.sync(() => {
        this.#partial = undefined
      }))
    )
    // A failure is ignored here, because the request for the transcript will fail in the same way.
    return Exit.isSuccess(exit) ? exit.value.text : ""
  })
}

/** Requests run in the scope of the utterance. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<UtteranceRequests, never, Scope.Scope> {
  return new UtteranceRequests(options, yield* Effect.scope, yield* Queue.sliding<void>(1))
})
