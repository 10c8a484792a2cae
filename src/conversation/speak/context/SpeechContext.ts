/**
 * Keeps the last words of both sides with their sound, for a voice that sounds better with them.
 *
 * The context has the caller's utterances with their transcripts, and the agent's segments as far as the caller heard them. If the sound is
 * longer than a limit, the oldest turns are dropped.
 */
import type { Pcm } from "../../../audio/Pcm.ts"
import * as Words from "../../../definition/languages/Words.ts"
import { millisOf, type SpeechChunk, type SpokenTurn } from "../../ports/TextToSpeech.ts"
import * as GrowingSound from "./GrowingSound.ts"
import * as ReplySounds from "./ReplySounds.ts"

export interface SpeechContext {
  readonly beginUtterance: () => void
  /** Takes a copy of the caller's sound during an utterance. */
  readonly hear: (pcm: Pcm<8000>) => void
  /** The utterance has ended. Its sound is kept until `callerSaid` or `forgetUtterance`. */
  readonly endUtterance: () => void
  /** The words of the ended utterance are known. */
  readonly callerSaid: (text: string) => void
  /** Adds the next sound of a segment, as it came from the engine. */
  readonly addSound: (reply: number, segment: number, text: string, chunk: SpeechChunk) => void
  /** A reply is over. `text`: the words of the reply that the caller heard. The unheard sound is forgotten. */
  readonly agentHeard: (reply: number, text: string) => void
  /** Forgets the sound of a reply that will not be heard any more. */
  readonly drop: (reply: number) => void
  /** Forgets an ended utterance whose words have not come. */
  readonly forgetUtterance: () => void
  /** The turns so far, oldest first. During an utterance, its sound with `callerWords` is the last turn, unless `callerWords` is unset. */
  readonly read: (callerWords?: string) => ReadonlyArray<SpokenTurn>
}

/** A result of `read`, with the values from which it was made. */
interface Reading {
  readonly before: ReadonlyArray<SpokenTurn>
  readonly utterance: GrowingSound.GrowingSound
  readonly callerWords: string
  readonly turns: ReadonlyArray<SpokenTurn>
}

/** The newest turns within the limit (ms of sound), with `turn` as the last. */
const append = (before: ReadonlyArray<SpokenTurn>, turn: SpokenTurn, limit: number): ReadonlyArray<SpokenTurn> => {
  if (turn.sound.length === 0) return before
  let room = limit
  const all = [...before, turn]
  const tooOld = all.findLastIndex((each) => (room -= millisOf(each)) < 0)
  return all.slice(tooOld + 1)
}

/** `limit`: ms of sound. */
export const make = (limit: number): SpeechContext => {
  let turns: ReadonlyArray<SpokenTurn> = []
  const replies = ReplySounds.make(limit)
  let utterance: GrowingSound.GrowingSound | undefined
  let endedUtterance: GrowingSound.GrowingSound | undefined
  /** The last result, so that all segments of a reply get the same array of turns. An engine can then reuse its work on these turns. */
  let reading: Reading | undefined

  const readingOf = (sound: GrowingSound.GrowingSound, callerWords: string): Reading | undefined =>
    reading?.before === turns && reading.utterance === sound && reading.callerWords === callerWords ? reading : undefined

  const withCaller = (text: string, sound: GrowingSound.GrowingSound): ReadonlyArray<SpokenTurn> => {
    const last = turns.at(-1)
    // If the caller resumed the turn, the new text begins with the words of the last turn. The sound of that turn is extended.
    const resumedTurn = last?.role === "caller" && Words.continues(text, last.text) ? last : undefined
    const before = resumedTurn === undefined ? turns : turns.slice(0, -1)
    if (sound.isDropped() || text.length === 0) return before
    const heard = sound.firstSamples(sound.length())
    return append(before, { role: "caller", text, sound: resumedTurn === undefined ? heard : [...resumedTurn.sound, ...heard], sampleRate: 8000 }, limit)
  }

  return {
    beginUtterance: () => {
      utterance = GrowingSound.make(8000, limit)
    },
    hear: (pcm) => utterance?.copy(pcm),
    endUtterance: () => {
      endedUtterance = utterance ?? endedUtterance
      utterance = undefined
    },
    callerSaid: (text) => {
      // The engine may have got this reading already. All sound after it is only the pause, so the reading is used again.
      if (endedUtterance !== undefined) turns = readingOf(endedUtterance, text)?.turns ?? withCaller(text, endedUtterance)
      reading = undefined
      endedUtterance = undefined
    },
    addSound: replies.addSound,
    agentHeard: (reply, text) => {
      for (const turn of replies.takeHeard(reply, text)) turns = append(turns, turn, limit)
    },
    drop: replies.drop,
    forgetUtterance: () => {
      endedUtterance = undefined
    },
    read: (callerWords = "") => {
      if (utterance === undefined) return turns
      reading = readingOf(utterance, callerWords) ?? { before: turns, utterance, callerWords, turns: withCaller(callerWords, utterance) }
      return reading.turns
    }
  }
}
