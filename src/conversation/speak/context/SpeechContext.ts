/**
 * What both sides said lately, with its sound, for a voice that speaks the better for having heard it.
 *
 * It holds the caller's utterances with their transcripts and the agent's segments as far as they were heard, up to a limit of
 * sound; the oldest go first. Sound that was made and never heard is forgotten.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import * as Words from "../../../definition/languages/Words.ts"
import { millisOf, type SpeechChunk, type SpokenTurn } from "../../ports/TextToSpeech.ts"
import * as GrowingSound from "./GrowingSound.ts"
import * as ReplySounds from "./ReplySounds.ts"

export interface SpeechContext {
  readonly beginUtterance: () => void
  /** Copies the caller's sound while an utterance goes on. */
  readonly hear: (pcm: Pcm<8000>) => void
  /** The utterance's sound waits for its words until `settle`. */
  readonly endUtterance: () => void
  readonly callerSaid: (text: string) => void
  /** Adds sound of a segment as the engine made it. */
  readonly made: (reply: number, segment: number, text: string, chunk: SpeechChunk) => void
  /** The text of a reply that was heard; the rest of its sound is forgotten. */
  readonly agentHeard: (reply: number, text: string) => void
  /** Forgets a reply of which no more will be heard. */
  readonly drop: (reply: number) => void
  /** Forgets an ended utterance whose words have not come: it had none. */
  readonly settle: () => void
  /** Oldest first. `callerWords`: the words of the utterance that goes on, if it may be over; it is the last turn then. */
  readonly read: (callerWords?: string) => ReadonlyArray<SpokenTurn>
}

/** An answer of `read`, with the values that it was made from. */
interface Reading {
  readonly before: ReadonlyArray<SpokenTurn>
  readonly utterance: GrowingSound.GrowingSound
  readonly callerWords: string
  readonly turns: ReadonlyArray<SpokenTurn>
}

/** The newest turns that the limit (ms) has room for, with `turn` as the last. */
const append = (before: ReadonlyArray<SpokenTurn>, turn: SpokenTurn, limit: number): ReadonlyArray<SpokenTurn> => {
  if (turn.sound.length === 0) return before
  let room = limit
  const all = [...before, turn]
  const tooOld = all.findLastIndex((one) => (room -= millisOf(one)) < 0)
  return all.slice(tooOld + 1)
}

/** `limit`: ms of sound. */
export const make = (limit: number): SpeechContext => {
  let turns: ReadonlyArray<SpokenTurn> = []
  const replies = ReplySounds.make(limit)
  let utterance: GrowingSound.GrowingSound | undefined
  let ended: GrowingSound.GrowingSound | undefined
  /** Kept, so that all segments of a reply get the same turns: an engine recognizes a turn that it has seen. */
  let reading: Reading | undefined

  const readingOf = (sound: GrowingSound.GrowingSound, callerWords: string): Reading | undefined =>
    reading?.before === turns && reading.utterance === sound && reading.callerWords === callerWords ? reading : undefined

  const withCaller = (text: string, sound: GrowingSound.GrowingSound): ReadonlyArray<SpokenTurn> => {
    const last = turns.at(-1)
    // The caller resumed the turn: its words are all in the new text, and its sound is extended.
    const resumed = last?.role === "caller" && Words.continues(text, last.text) ? last : undefined
    const before = resumed === undefined ? turns : turns.slice(0, -1)
    if (sound.isDropped() || text.length === 0) return before
    const heard = sound.first(sound.length())
    return append(before, { role: "caller", text, sound: resumed === undefined ? heard : [...resumed.sound, ...heard], sampleRate: 8000 }, limit)
  }

  return {
    beginUtterance: () => {
      utterance = GrowingSound.make(8000, limit)
    },
    hear: (pcm) => utterance?.copy(pcm),
    endUtterance: () => {
      ended = utterance ?? ended
      utterance = undefined
    },
    callerSaid: (text) => {
      // An engine may have this reading; the sound that came since is only the pause.
      if (ended !== undefined) turns = readingOf(ended, text)?.turns ?? withCaller(text, ended)
      reading = undefined
      ended = undefined
    },
    made: replies.made,
    agentHeard: (reply, text) => {
      for (const turn of replies.heard(reply, text)) turns = append(turns, turn, limit)
    },
    drop: replies.drop,
    settle: () => {
      ended = undefined
    },
    read: (callerWords = "") => {
      if (utterance === undefined) return turns
      reading = readingOf(utterance, callerWords) ?? { before: turns, utterance, callerWords, turns: withCaller(callerWords, utterance) }
      return reading.turns
    }
  }
}
