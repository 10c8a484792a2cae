/**
 * Passes the sound of one utterance to the recognizer, in pieces of 60 ms and without the silence after words (`HeldSilence`).
 *
 * One fiber pushes the pieces in order, so that a slow recognizer delays no other part.
 */
import { Deferred, Effect, Exit, type Latch, Queue, type Scope, Stream } from "effect"
import * as Pcm from "../../audio/Pcm.ts"
import type { EngineFailed } from "../ports/Engine.ts"
import type { Recognizer, Utterance } from "../ports/SpeechToText.ts"
import * as HeldSilence from "./HeldSilence.ts"

/** Samples that are pushed at once: 60 ms. */
const pieceLength = 480

interface MakeOptions {
  readonly recognizer: Recognizer
  /** Open while partial transcripts are wanted. Each partial transcript is a request to the engine. */
  readonly partialsWanted: Latch.Latch
  readonly onPartial: (text: string) => void
}

export interface UtteranceFeed {
  /** Takes sound from before the utterance was detected. The array must not be changed afterwards. */
  readonly pushPreSpeech: (pcm: Pcm.Pcm<8000>) => void
  /** Takes a copy of the caller's next sound. */
  readonly push: (pcm: Pcm.Pcm<8000>) => void
  /** The voice ended `millis` before the newest sample. */
  readonly voiceStopped: (millis: number) => void
  readonly voiceStarted: () => void
  /** Waits until all sound so far has been pushed, and returns the recognizer's utterance. Fails if the recognizer has failed. */
  readonly drain: () => Effect.Effect<Utterance, EngineFailed>
}

/** Begins an utterance of the recognizer in the background. The utterance ends with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<UtteranceFeed, never, Scope.Scope> {
  const inbox = yield* Queue.unbounded<Pcm.Pcm<8000> | Deferred.Deferred<Utterance, EngineFailed>>()
  const gathered = new Int16Array(pieceLength)
  let gatheredLength = 0

  const reportPartials = Effect.fnUntraced(function*(partials: Stream.Stream<string>) {
    const next = yield* Stream.toPull(partials)
    yield* options.partialsWanted.await.pipe(
      Effect.andThen(next),
      Effect.flatMap((texts) => Effect.sync(() => texts.forEach(options.onPartial))),
      Effect.forever,
      Effect.ignore,
      Effect.forkScoped
    )
  })

  /** Processes the inbox until the scope is closed. After the recognizer has failed, each request in the inbox gets that failure. */
  const run = Effect.gen(function*() {
    const begun = yield* Effect.exit(options.recognizer.begin)
    if (Exit.isSuccess(begun) && begun.value.partials !== undefined) yield* reportPartials(begun.value.partials)
    let state: Exit.Exit<Utterance, EngineFailed> = begun
    while (true) {
      const item = yield* Queue.take(inbox)
      if (!(item instanceof Int16Array)) {
        yield* Deferred.done(item, state)
      } else if (Exit.isSuccess(state)) {
        const utterance = state.value
        const pushed = yield* Effect.exit(Effect.suspend(() => utterance.push(item)))
        if (Exit.isFailure(pushed)) state = Exit.failCause(pushed.cause)
      }
    }
  })

  const flush = () => {
    if (gatheredLength > 0) Queue.offerUnsafe(inbox, gathered.slice(0, gatheredLength))
    gatheredLength = 0
  }

  const silence = HeldSilence.make((pcm) => {
    for (let at = 0; at < pcm.length;) {
      const length = Math.min(pcm.length - at, pieceLength - gatheredLength)
      Pcm.copy(pcm, at, length, gathered, gatheredLength)
      gatheredLength += length
      at += length
      if (gatheredLength === pieceLength) flush()
    }
  })

  yield* Effect.forkScoped(run)

  return {
    pushPreSpeech: (pcm) => void Queue.offerUnsafe(inbox, pcm),
    push: silence.push,
    voiceStopped: silence.voiceStopped,
    voiceStarted: silence.voiceStarted,
    drain: () => {
      flush()
      const drained = Deferred.makeUnsafe<Utterance, EngineFailed>()
      Queue.offerUnsafe(inbox, drained)
      return Deferred.await(drained)
    }
  }
})
