/**
 * The sound of the agents' fixed lines in memory, so that a line can be spoken while the server is down. Above the limit, the least
 * recently used lines are dropped.
 */
import { LRUCache } from "lru-cache"
import type { SpeechChunk, SpeechRequest } from "../../../conversation/ports/TextToSpeech.ts"

/** Samples that are kept: 64 MB, 22 minutes at 24 kHz. */
const standardMaxSamples = 32_000_000

/** Equal for lines of the same text, language and voice. */
const keyOf = ({ language, text, voice = "" }: SpeechRequest): string => `${voice}\n${language}\n${text}`

const samplesOf = (chunks: ReadonlyArray<SpeechChunk>): number => chunks.reduce((sum, { pcm }) => sum + pcm.length, 0)

interface PreparedLines {
  readonly has: (request: SpeechRequest) => boolean
  readonly get: (request: SpeechRequest) => ReadonlyArray<SpeechChunk> | undefined
  readonly add: (request: SpeechRequest, chunks: ReadonlyArray<SpeechChunk>) => void
}

export const make = (maxSamples = standardMaxSamples): PreparedLines => {
  const lines = new LRUCache<string, ReadonlyArray<SpeechChunk>>({
    maxSize: maxSamples,
    // The cache refuses a size of 0.
    sizeCalculation: (chunks) => Math.max(1, samplesOf(chunks))
  })
  return {
    has: (request) => lines.has(keyOf(request)),
    get: (request) => lines.get(keyOf(request)),
    add: (request, chunks) => {
      lines.set(keyOf(request), chunks)
    }
  }
}
