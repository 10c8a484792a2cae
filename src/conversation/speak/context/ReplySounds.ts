/**
 * Keeps the sound of replies, segment by segment, until it is known how much of the sound the caller has heard.
 */
import type { SpeechChunk, SpokenTurn } from "../../ports/TextToSpeech.ts"
import * as GrowingSound from "./GrowingSound.ts"

interface Segment {
  readonly text: string
  readonly sound: GrowingSound.GrowingSound
}

export interface ReplySounds {
  /** Adds the next sound of a segment, as it came from the engine. */
  readonly addSound: (reply: number, segment: number, text: string, chunk: SpeechChunk) => void
  /** Returns the reply's segments as far as the caller heard them, and forgets the reply. The last segment is cut at the end of the heard text. */
  readonly takeHeard: (reply: number, text: string) => ReadonlyArray<SpokenTurn>
  /** Forgets a reply. */
  readonly drop: (reply: number) => void
}

const millisOf = ({ sound }: Segment): number => (sound.length() * 1000) / sound.sampleRate

/** `limit`: the most sound (ms) of one reply that is kept. */
export const make = (limit: number): ReplySounds => {
  const replies = new Map<number, Map<number, Segment>>()

  /** Drops the sound at the beginning of a long reply. The words of this sound are kept, since the heard text begins with them. */
  const dropBeginning = (segments: ReadonlyMap<number, Segment>) => {
    let sum = 0
    for (const segment of [...segments.values()].toReversed()) {
      sum += millisOf(segment)
      if (sum > limit) segment.sound.drop()
    }
  }

  return {
    addSound: (reply, segment, text, { pcm, sampleRate }) => {
      const segments = replies.get(reply) ?? new Map<number, Segment>()
      replies.set(reply, segments)
      const known = segments.get(segment)
      const current = known?.sound.sampleRate === sampleRate ? known : { text, sound: GrowingSound.make(sampleRate, limit) }
      segments.set(segment, current)
      current.sound.add(pcm)
      dropBeginning(segments)
    },
    takeHeard: (reply, heard) => {
      const turns: Array<SpokenTurn> = []
      let unmatched = heard
      for (const { sound, text } of replies.get(reply)?.values() ?? []) {
        if (unmatched.length === 0) break
        const isWhole = unmatched.startsWith(text)
        // A segment that was resumed after an interruption is in the list twice: as a whole, and as its unheard part. The whole segment is used.
        const part = isWhole ? text : text.startsWith(unmatched) ? unmatched : undefined
        if (part === undefined) continue
        unmatched = unmatched.slice(part.length).trimStart()
        if (sound.isDropped()) continue
        const length = isWhole ? sound.length() : Math.floor((sound.length() * part.length) / text.length)
        turns.push({ role: "agent", text: part, sound: sound.firstSamples(length), sampleRate: sound.sampleRate })
      }
      replies.delete(reply)
      return turns
    },
    drop: (reply) => void replies.delete(reply)
  }
}
