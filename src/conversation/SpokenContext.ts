/**
 * What both have said lately, with its sound, for a voice that speaks the better for having heard it.
 *
 * The caller's utterances with their transcripts, the agent's segments as far as they were heard; never more
 * than a limit of sound, the oldest going first. What was made and never heard is forgotten.
 */
import * as Pcm from "../audio/Pcm.ts"
import type { SpeechChunk, SpokenTurn } from "./TextToSpeech.ts"

export interface SpokenContext {
  /** The caller's sound, while an utterance goes on. */
  readonly hear: (pcm: Pcm.Pcm<8000>) => void
  readonly beginUtterance: () => void
  /** Its sound waits for its words until `settle`. */
  readonly endUtterance: () => void
  readonly callerSaid: (text: string) => void
  /** Sound of a segment as the engine made it. */
  readonly made: (reply: number, segment: number, text: string, chunk: SpeechChunk) => void
  /** How much of a reply was heard; what is left of it is forgotten. */
  readonly agentHeard: (reply: number, text: string) => void
  /** Forgets a reply that will not be heard of again. */
  readonly drop: (reply: number) => void
  /** An event has been dealt with: the words of the last utterance were told by now, or it had none. */
  readonly settle: () => void
  /** Oldest first. */
  readonly read: () => ReadonlyArray<SpokenTurn>
}

/** Sound that grows, up to a limit; beyond it is of no use and not kept. */
interface Growing {
  pieces: Array<Int16Array>
  length: number
  isTooLong: boolean
}

interface Segment extends Growing {
  readonly text: string
  readonly sampleRate: Pcm.SampleRate
}

const join = ({ length, pieces }: Growing): Int16Array => {
  const whole = new Int16Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const millisOf = ({ pcm, sampleRate }: SpokenTurn): number => (pcm.length * 1000) / sampleRate

/** `limit`: ms of sound. */
export const make = (limit: number): SpokenContext => {
  const turns: Array<SpokenTurn> = []
  let total = 0
  const replies = new Map<number, Map<number, Segment>>()
  let utterance: Growing | undefined
  let ended: Growing | undefined

  const grow = (sound: Growing, piece: Int16Array, sampleRate: number) => {
    if (sound.isTooLong || piece.length === 0) return
    if (((sound.length + piece.length) * 1000) / sampleRate > limit) {
      sound.isTooLong = true
      sound.pieces = []
      return
    }
    sound.pieces.push(piece)
    sound.length += piece.length
  }

  const add = (turn: SpokenTurn) => {
    if (turn.pcm.length === 0) return
    turns.push(turn)
    total += millisOf(turn)
    while (total > limit) {
      const oldest = turns.shift()
      if (oldest === undefined) break
      total -= millisOf(oldest)
    }
  }

  return {
    hear: (pcm) => {
      if (utterance !== undefined) grow(utterance, pcm, 8000)
    },
    beginUtterance: () => {
      utterance = { pieces: [], length: 0, isTooLong: false }
    },
    endUtterance: () => {
      ended = utterance ?? ended
      utterance = undefined
    },
    callerSaid: (text) => {
      const said = ended
      ended = undefined
      if (said === undefined || text.length === 0) return
      const last = turns.at(-1)
      // Who goes on with the same turn is told of again, with all of its words.
      const isMore = last?.role === "caller" && text.startsWith(`${last.text} `)
      if (isMore) {
        turns.pop()
        total -= millisOf(last)
        said.pieces.unshift(last.pcm)
        said.length += last.pcm.length
      }
      if (said.isTooLong || (said.length * 1000) / 8000 > limit) return
      add({ role: "caller", text, pcm: Pcm.of(8000, join(said)), sampleRate: 8000 })
    },
    made: (reply, segment, text, { pcm, sampleRate }) => {
      const segments = replies.get(reply) ?? new Map<number, Segment>()
      replies.set(reply, segments)
      const known = segments.get(segment)
      const sound = known?.sampleRate === sampleRate ? known : { text, sampleRate, pieces: [], length: 0, isTooLong: false }
      segments.set(segment, sound)
      grow(sound, pcm, sampleRate)
      let sum = 0
      // A long reply's beginning would not be used: only its words are kept, to find the rest.
      for (const one of [...segments.values()].toReversed()) {
        sum += (one.length * 1000) / one.sampleRate
        if (sum <= limit) continue
        one.pieces = []
        one.isTooLong = true
      }
    },
    agentHeard: (reply, heard) => {
      let left = heard
      for (const segment of replies.get(reply)?.values() ?? []) {
        if (left.length === 0) break
        const { isTooLong, sampleRate, text } = segment
        const isWhole = left.startsWith(text)
        // Of one that was cut off and gone on with, the rest is a segment of its own: the whole is as good.
        const part = isWhole ? text : text.startsWith(left) ? left : undefined
        if (part === undefined) continue
        left = left.slice(part.length).trimStart()
        if (isTooLong) continue
        const whole = join(segment)
        const length = isWhole ? whole.length : Math.floor((whole.length * part.length) / text.length)
        add({ role: "agent", text: part, pcm: Pcm.of(sampleRate, whole.slice(0, length)), sampleRate })
      }
      replies.delete(reply)
    },
    drop: (reply) => void replies.delete(reply),
    settle: () => {
      ended = undefined
    },
    read: () => [...turns]
  }
}
