/**
 * Recognizes the caller's utterances: the current one, and earlier parts of the same turn whose transcripts are not finished.
 *
 * This module carries out commands of the turn machine, and reports transcripts. No command waits for a recognizer.
 */
import { Effect, Exit, Fiber, Latch, Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import { EngineFailed, failureOf } from "../ports/Engine.ts"
import type { Recognizer, Transcript } from "../ports/SpeechToText.ts"
import { StageBudget } from "../ports/StageBudget.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import * as UtteranceFeed from "./UtteranceFeed.ts"

const transcriptTimeout = new EngineFailed({
  stage: "speechToText",
  reason: "timeout",
  advice: "No transcript came in time. Look at the load of the speech recognition, or raise timeouts.transcript in the agent's file."
})

/** Gets a copy of the sound of the caller's utterances. An utterance and the parts that continue it count as one. */
interface UtteranceCopy {
  readonly beginUtterance: () => void
  /** Takes the next sound. The array may be overwritten after the function returns. */
  readonly hear: (pcm: Pcm<8000>) => void
  readonly endUtterance: () => void
}

interface MakeOptions {
  readonly recognizer: Recognizer
  /** The longest wait for a transcript, ms. */
  readonly timeout: number
  readonly report: ReportTurnEvent
  readonly copy?: UtteranceCopy
}

interface OpenUtterance {
  readonly id: number
  readonly scope: Scope.Closeable
  readonly feed: UtteranceFeed.UtteranceFeed
}

export interface UtteranceRecognition {
  /**
   * Begins an utterance. `preSpeech`: its first sound. `continues`: the id of the utterance of which the new one is a later part. That
   * utterance stays open.
   */
  readonly begin: (id: number, options: { readonly preSpeech?: Pcm<8000>; readonly continues?: number }) => Effect.Effect<void>
  /** Whether there is a current utterance, which needs the caller's sound. */
  readonly isHearing: () => boolean
  /** Takes a copy of the caller's next sound, without echo. */
  readonly hear: (pcm: Pcm<8000>) => void
  /** The voice ended `millis` before the newest sample. */
  readonly voiceStopped: (millis: number) => void
  readonly voiceStarted: () => void
  /** Requests a transcript of all sound so far. The result is reported as `Transcribed` or `TranscriptionFailed`. */
  readonly transcribe: (id: number, attempt: number) => Effect.Effect<void>
  /** Stops the newest request for a transcript of this utterance. */
  readonly cancelTranscription: (id: number) => Effect.Effect<void>
  /** Ends an utterance. Does not wait until the recognizer has stopped. */
  readonly end: (id: number) => Effect.Effect<void>
  /** Sets whether partial transcripts are requested. At first they are not. */
  readonly setPartialsWanted: (isWanted: boolean) => void
}

/** All utterances end with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<UtteranceRecognition, never, Scope.Scope> {
  const { copy, recognizer, report, timeout } = options
  const scope = yield* Effect.scope
  const partialsWanted = yield* Latch.make(false)
  let current: OpenUtterance | undefined
  const earlierParts = new Map<number, OpenUtterance>()
  const transcriptions = new Map<number, Fiber.Fiber<unknown>>()

  const find = (id: number) => current?.id === id ? current : earlierParts.get(id)

  const end = (id: number) => Effect.suspend(() => {
    const ended = find(id)
    transcriptions.delete(id)
    earlierParts.delete(id)
    if (ended === current) {
      current = undefined
      copy?.endUtterance()
    }
    return ended === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Scope.close(ended.scope, Exit.void), scope))
  })

  return {
    begin: Effect.fnUntraced(function*(id, { continues, preSpeech }) {
      if (continues !== undefined && current?.id === continues) earlierParts.set(continues, current)
      else if (current !== undefined) yield* end(current.id)
      const utteranceScope = yield* Scope.fork(scope)
      const onPartial = (text: string) => report({ _tag: "Partial", utterance: id, text })
      const feed = yield* Scope.provide(UtteranceFeed.make({ recognizer, partialsWanted, onPartial }), utteranceScope)
      current = { id, scope: utteranceScope, feed }
      if (preSpeech !== undefined) feed.pushPreSpeech(preSpeech)
      if (continues !== undefined) return
      copy?.beginUtterance()
      if (preSpeech !== undefined) copy?.hear(preSpeech)
    }),
    isHearing: () => current !== undefined,
    hear: (pcm) => {
      current?.feed.push(pcm)
      if (current !== undefined) copy?.hear(pcm)
    },
    voiceStopped: (millis) => current?.feed.voiceStopped(millis),
    voiceStarted: () => current?.feed.voiceStarted(),
    transcribe: (id, attempt) => Effect.suspend(() => {
      const utterance = find(id)
      if (utterance === undefined) return Effect.void
      return utterance.feed.drain().pipe(
        Effect.flatMap(({ transcribe }) => transcribe),
        Effect.provideService(StageBudget, timeout),
        Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(transcriptTimeout) }),
        Effect.matchCause({
          onSuccess: (transcript: Transcript) => report({ _tag: "Transcribed", utterance: id, attempt, transcript }),
          onFailure: (cause) => report({ _tag: "TranscriptionFailed", utterance: id, attempt, ...failureOf(cause) })
        }),
        Effect.forkIn(utterance.scope),
        Effect.map((fiber) => void transcriptions.set(id, fiber))
      )
    }),
    cancelTranscription: (id) => Effect.suspend(() => {
      const fiber = transcriptions.get(id)
      return fiber === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Fiber.interrupt(fiber), scope))
    }),
    end,
    setPartialsWanted: (isWanted) => void (isWanted ? partialsWanted.openUnsafe() : partialsWanted.closeUnsafe())
  }
})
