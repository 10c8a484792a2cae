/**
 * The sound of replies, segment by segment, until it is known how much of it the caller has heard.
 */
import type { SpeechChunk, SpokenTurn } from "../../ports/TextToSpeech.ts"
import * as GrowingSound from "./GrowingSound.ts"

interface Segment {
  readonly text: string
  readonly sound: GrowingSound.GrowingSound
}

export interface ReplySounds {
  /** Adds the next sound of a segment, as the engine made it. */
  readonly addSound: (reply: number, segment: number, text: string, chunk: SpeechChunk) => void
  /** Gives the reply's segments as far as the caller heard them, and forgets the reply. The last segment is cut where the heard text ends. */
  readonly takeHeard: (reply: number, text: string) => ReadonlyArray<SpokenTurn>
  /** Forgets a reply. */
  readonly drop: (reply: number) => void
}

const millisOf = ({ sound }: Segment): number => (sound.length() * 1000) / sound.sampleRate

/** `limit`: the most sound (ms) of one reply that is kept. */
export const make = (limit: number): ReplySounds => {
  const replies = new Map<number, Map<number, Segment>>()

  /** Drops the sound of a long reply's beginning, but keeps its words, since the heard text begins with them. */
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
      let left = heard
      for (const { sound, text } of replies.get(reply)?.values() ?? []) {
        if (left.length === 0) break
        const isWhole = left.startsWith(text)
        // A segment that was resumed after an interruption is in the list twice: whole, and as its rest. The whole one is used.
        const part = isWhole ? text : text.startsWith(left) ? left : undefined
        if (part === undefined) continue
        left = left.slice(part.length).trimStart()
        if (sound.isDropped()) continue
        const length = isWhole ? sound.length() : Math.floor((sound.length() * part.length) / text.length)
        turns.push({ role: "agent", text: part, sound: sound.first(length), sampleRate: sound.sampleRate })
      }
      replies.delete(reply)
      return turns
    },
    drop: (reply) => void replies.delete(reply)
  }
}
