/**
 * The sound of one speech answer, chunk by chunk as it arrives. The sound's length is limited, and the sound is hashed for a server that
 * keeps sound. A body without sound is a failure.
 */
import { createHash } from "node:crypto"
import { Array as Arr, Cause, Effect, Pull, Result } from "effect"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { SpeechChunk } from "../../../conversation/ports/TextToSpeech.ts"
import type * as RawPcmFormat from "./RawPcmFormat.ts"
import * as SpeechBody from "./SpeechBody.ts"
import type { SpeechFault } from "./SpeechFault.ts"

const noSound = new EngineFailed({
  stage: "textToSpeech",
  reason: "empty",
  advice: "The speech engine answered without sound. Look into its log, and check TTS_MODEL and TTS_VOICE."
})

const cutSound = new EngineFailed({
  stage: "textToSpeech",
  reason: "broken",
  advice: "The speech engine broke off before its first sound. Look into its log."
})

interface MakeOptions {
  /** The format of the samples if the body has no header. */
  readonly raw: RawPcmFormat.RawPcmFormat
  /** ms of sound after which the rest is dropped. */
  readonly maxMillis: number
  /** Whether the sound is hashed for `onComplete`. */
  readonly isHashed: boolean
  /** Called for each batch of chunks. `millis`: ms of sound that have arrived so far. */
  readonly onSound: (millis: number) => void
  /** Called when the whole sound has arrived, unless a part was dropped or the sound is not hashed. `hash`: the sound's SHA-256 in hex. */
  readonly onComplete: (hash: string) => void
}

/** Pulls bytes and returns the chunks that they complete. */
export const make = <E>(
  pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, E>,
  { isHashed, maxMillis, onComplete, onSound, raw }: MakeOptions
): Pull.Pull<Arr.NonEmptyReadonlyArray<SpeechChunk>, E | EngineFailed | SpeechFault> => {
  const reader = SpeechBody.make(raw)
  const hash = isHashed ? createHash("sha256") : undefined
  let millis = 0
  let hasBytes = false
  let hasEnded = false

  const finish = Effect.suspend((): Pull.Pull<never, EngineFailed> => {
    if (millis === 0) return Effect.fail(hasBytes ? cutSound : noSound)
    if (hash !== undefined) onComplete(hash.digest("hex"))
    return Cause.done()
  })

  /** The next bytes; an empty list at the end of the body. */
  const bytes: Pull.Pull<ReadonlyArray<Uint8Array>, E> = Pull.catchDone(pull, () => {
    hasEnded = true
    return Effect.succeed<ReadonlyArray<Uint8Array>>([])
  })

  /** Adds the chunks up to the length limit. */
  const addTo = (chunks: Array<SpeechChunk>, read: ReadonlyArray<SpeechChunk>): void => {
    for (const chunk of read) {
      if (millis >= maxMillis) break
      millis += chunk.pcm.length * 1000 / chunk.sampleRate
      hash?.update(chunk.pcm)
      chunks.push(chunk)
    }
  }

  const next: Pull.Pull<Arr.NonEmptyReadonlyArray<SpeechChunk>, E | EngineFailed | SpeechFault> = Effect.suspend(() => {
    if (hasEnded) return finish
    // The server does not keep sound whose request was aborted, so the hash is not reported.
    if (millis >= maxMillis) return Cause.done()
    return Effect.flatMap(bytes, (pieces) => {
      const chunks: Array<SpeechChunk> = []
      for (const piece of pieces) {
        hasBytes ||= piece.length > 0
        const read = reader.push(piece)
        if (Result.isFailure(read)) return Effect.fail(read.failure)
        addTo(chunks, read.success)
      }
      if (hasEnded) {
        const read = reader.end()
        if (Result.isFailure(read)) return Effect.fail(read.failure)
        addTo(chunks, read.success)
      }
      if (!Arr.isReadonlyArrayNonEmpty(chunks)) return next
      onSound(millis)
      return Effect.succeed(chunks)
    })
  })
  return next
}
