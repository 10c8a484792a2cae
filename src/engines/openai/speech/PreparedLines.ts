/**
 * An agent's fixed lines as sound in memory, so that they can be said while their server is down. When the memory is full, the
 * oldest lines are dropped.
 */
import type { SpeechChunk, SpeechRequest } from "../../../conversation/ports/TextToSpeech.ts"

/** 64 MB, 22 minutes at 24 kHz. */
const standardMaxSamples = 32_000_000

/** A line is the same when its text, language and voice are. */
const keyOf = ({ language, text, voice = "" }: SpeechRequest): string => `${voice}\n${language}\n${text}`

const samplesOf = (chunks: ReadonlyArray<SpeechChunk>): number => chunks.reduce((sum, { pcm }) => sum + pcm.length, 0)

export interface PreparedLines {
  readonly has: (request: SpeechRequest) => boolean
  readonly get: (request: SpeechRequest) => ReadonlyArray<SpeechChunk> | undefined
  readonly add: (request: SpeechRequest, chunks: ReadonlyArray<SpeechChunk>) => void
}

export const make = (maxSamples = standardMaxSamples): PreparedLines => {
  const lines = new Map<string, ReadonlyArray<SpeechChunk>>()
  let samples = 0
  return {
    has: (request) => lines.has(keyOf(request)),
    get: (request) => lines.get(keyOf(request)),
    add: (request, chunks) => {
      lines.set(keyOf(request), chunks)
      samples += samplesOf(chunks)
      for (const [oldest, chunks] of lines) {
        if (samples <= maxSamples) break
        lines.delete(oldest)
        samples -= samplesOf(chunks)
      }
    }
  }
}
