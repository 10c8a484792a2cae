/**
 * What both have said lately, with its sound, for a voice that speaks the better for having heard it.
 *
 * The caller's utterances with their transcripts, the agent's segments as far as they were heard; never more
 * than a limit of sound, the oldest going first. What was made and never heard is forgotten.
 */
import * as Pcm from "../../audio/Pcm.ts"
import { millisOf, type SpeechChunk, type SpokenTurn } from "../ports/TextToSpeech.ts"
import * as Words from "../../definition/languages/Words.ts"

export interface SpeechContext {
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
  /** Oldest first. `saying`: the words of the utterance that goes on, if it may be over; it is the last one then. */
  readonly read: (saying?: string) => ReadonlyArray<SpokenTurn>
}

/** Sound that grows, up to a limit; beyond it is of no use and not kept. */
interface Growing {
  pieces: Array<Pcm.Pcm>
  length: number
  isTooLong: boolean
}

interface Segment extends Growing {
  readonly text: string
  readonly sampleRate: Pcm.SampleRate
}

/** Samples at 8 kHz that memory is asked for at once: a second. */
const pieceLength = 8000

/** Behind what a growing sound has of pieces of `pieceLength`: those are filled, so that nothing has to be joined later. */
const append = (sound: Growing, pcm: Pcm.Pcm<8000>) => {
  for (let at = 0; at < pcm.length;) {
    const used = sound.length % pieceLength
    if (used === 0) sound.pieces.push(new Int16Array(pieceLength))
    const length = Math.min(pcm.length - at, pieceLength - used)
    Pcm.copy(pcm, at, length, sound.pieces[sound.pieces.length - 1], used)
    sound.length += length
    at += length
  }
}

/** The first samples of some sound. */
const firstOf = (pieces: ReadonlyArray<Pcm.Pcm>, length: number): ReadonlyArray<Pcm.Pcm> => {
  const first: Array<Pcm.Pcm> = []
  let left = length
  for (const piece of pieces) {
    if (left <= 0) break
    first.push(piece.length <= left ? piece : piece.subarray(0, left))
    left -= piece.length
  }
  return first
}

/** `limit`: ms of sound. */
export const make = (limit: number): SpeechContext => {
  let turns: ReadonlyArray<SpokenTurn> = []
  const replies = new Map<number, Map<number, Segment>>()
  let utterance: Growing | undefined
  let ended: Growing | undefined
  /**
   * What was read last, and of what: a reply's segments all ask for the same, and an engine knows a turn again that it has
   * seen. The pause that has grown behind the same words meanwhile is of no use.
   */
  let read:
    | { readonly of: readonly [ReadonlyArray<SpokenTurn>, Growing, saying: string]; readonly turns: ReadonlyArray<SpokenTurn> }
    | undefined

  const hasRoom = (sound: Growing, length: number, sampleRate: number): boolean => {
    if (sound.isTooLong) return false
    if (((sound.length + length) * 1000) / sampleRate <= limit) return true
    sound.isTooLong = true
    sound.pieces = []
    return false
  }

  /** The newest turns that the limit has room for, with this one behind them. */
  const behind = (before: ReadonlyArray<SpokenTurn>, turn: SpokenTurn): ReadonlyArray<SpokenTurn> => {
    if (turn.sound.length === 0) return before
    let room = limit
    const all = [...before, turn]
    const first = all.findLastIndex((one) => (room -= millisOf(one)) < 0)
    return all.slice(first + 1)
  }

  const behindCaller = (text: string, sound: Growing): ReadonlyArray<SpokenTurn> => {
    const last = turns.at(-1)
    // Who goes on with the same turn is told of again, with all of its words.
    const begun = last?.role === "caller" && Words.continues(text, last.text) ? last : undefined
    const before = begun === undefined ? turns : turns.slice(0, -1)
    if (sound.isTooLong || text.length === 0) return before
    const heard = firstOf(sound.pieces, sound.length)
    return behind(before, { role: "caller", text, sound: begun === undefined ? heard : [...begun.sound, ...heard], sampleRate: 8000 })
  }

  return {
    hear: (pcm) => {
      if (utterance !== undefined && hasRoom(utterance, pcm.length, 8000)) append(utterance, pcm)
    },
    beginUtterance: () => {
      utterance = { pieces: [], length: 0, isTooLong: false }
    },
    endUtterance: () => {
      ended = utterance ?? ended
      utterance = undefined
    },
    callerSaid: (text) => {
      // What was read of it already stays as it was: what came since is the pause, and an engine may have it by now.
      const known = read?.of[0] === turns && read.of[1] === ended && read.of[2] === text ? read.turns : undefined
      if (ended !== undefined) turns = known ?? behindCaller(text, ended)
      read = undefined
      ended = undefined
    },
    made: (reply, segment, text, { pcm, sampleRate }) => {
      const segments = replies.get(reply) ?? new Map<number, Segment>()
      replies.set(reply, segments)
      const known = segments.get(segment)
      const sound = known?.sampleRate === sampleRate ? known : { text, sampleRate, pieces: [], length: 0, isTooLong: false }
      segments.set(segment, sound)
      if (pcm.length > 0 && hasRoom(sound, pcm.length, sampleRate)) {
        sound.pieces.push(pcm)
        sound.length += pcm.length
      }
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
        const length = isWhole ? segment.length : Math.floor((segment.length * part.length) / text.length)
        turns = behind(turns, { role: "agent", text: part, sound: firstOf(segment.pieces, length), sampleRate })
      }
      replies.delete(reply)
    },
    drop: (reply) => void replies.delete(reply),
    settle: () => {
      ended = undefined
    },
    read: (saying = "") => {
      if (utterance === undefined) return turns
      const of = [turns, utterance, saying] as const
      if (read === undefined || of.some((one, index) => one !== read?.of[index])) read = { of, turns: behindCaller(saying, utterance) }
      return read.turns
    }
  }
}
