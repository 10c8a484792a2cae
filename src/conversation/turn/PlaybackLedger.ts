/**
 * The playback ledger: how much of the agent's speech the caller has heard.
 *
 * Sound is sent ahead of playback, and a `clear` may discard it. So the caller has not heard all sound that was sent. If the mark of a segment
 * has come back, the whole segment was heard. If a segment was playing at the `clear`, only the words that had time to play were heard.
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import type { PlayedText } from "../ports/ConversationEvent.ts"
import * as Words from "../../definition/languages/Words.ts"

/** The estimate while a segment's length is not known yet. Flite, Kokoro and CSM speak 13 to 17 Latin letters a second. */
const lettersPerSecond = 15

/** One clause or sentence of a reply, or the keys after its words. The mark `turn-<reply>/seg-<id>` follows the sound of the segment. */
export interface Segment {
  readonly id: number
  /** Empty for keys. */
  readonly text: string
  /** The keys, if the segment is tones. */
  readonly digits?: string
  /** The segment is the notice that the stream was lost. It does not belong to the answer. */
  readonly isNotice?: boolean
  /** ms of sound. Unset while the sound is still being made. */
  readonly duration?: number
  /** When the first sample is played, ms since the conversation began. Unset: not known yet. */
  readonly playedFrom?: number
  readonly isHeard: boolean
}

/** A clause or sentence that is to be spoken. */
export const segment = (id: number, text: string): Segment => ({ id, text, isHeard: false })

export const keys = (id: number, digits: string): Segment => ({ id, text: "", digits, isHeard: false })

/** How long the segment plays, in ms: known or estimated. */
const durationOf = ({ digits, duration, text }: Segment): number =>
  duration ?? (digits === undefined ? (Words.spokenLetters(text) * 1000) / lettersPerSecond : Dtmf.durationOf(digits))

/** How long the segments play one after the other, in ms. */
export const durationOfAll = (segments: ReadonlyArray<Segment>): number => segments.reduce((sum, piece) => sum + durationOf(piece), 0)

/** A copy of the segments, in which segment `id` has the values in `known`. */
export const change = (
  segments: ReadonlyArray<Segment>,
  id: number,
  known: Pick<Segment, "playedFrom"> | Pick<Segment, "duration">
): ReadonlyArray<Segment> => segments.map((piece) => piece.id === id ? { ...piece, ...known } : piece)

interface Heard {
  readonly heard: string
  /** The words that the caller did not hear, in speakable pieces. */
  readonly unheard: ReadonlyArray<string>
}

/**
 * Divides the words of the segments into heard and unheard words. The notice that the stream was lost is left out. `at`: when playback was
 * stopped, ms since the conversation began.
 */
export const divide = (segments: ReadonlyArray<Segment>, at: number): Heard => {
  const heard: Array<string> = []
  const unheard: Array<string> = []
  // A segment may be sent while the previous segment plays. Its playback begins only at the end of the previous segment.
  let playedBefore = 0
  for (const piece of segments) {
    if (piece.digits !== undefined) continue
    const from = Math.max(piece.playedFrom ?? Infinity, playedBefore)
    if (piece.isNotice === true) {
      if (!piece.isHeard) playedBefore = from + durationOf(piece)
    } else if (piece.isHeard) {
      heard.push(piece.text)
    } else if (unheard.length === 0 && at > from) {
      const part = Words.cut(piece.text, (at - from) / durationOf(piece))
      playedBefore = from + durationOf(piece)
      const left = piece.text.slice(part.length).trim()
      if (part.length > 0) heard.push(part)
      if (left.length > 0) unheard.push(left)
    } else {
      unheard.push(piece.text)
    }
  }
  return { heard: Words.joinAll(heard), unheard }
}

/** The words that were heard by `at`, with their times. A segment whose `playedFrom` is not known is left out. */
export const playedBy = (segments: ReadonlyArray<Segment>, at: number): ReadonlyArray<PlayedText> => {
  const played: Array<PlayedText> = []
  let playedBefore = 0
  for (const piece of segments) {
    if (piece.digits !== undefined || piece.playedFrom === undefined) continue
    const from = Math.max(piece.playedFrom, playedBefore)
    const duration = durationOf(piece)
    const text = piece.isHeard ? piece.text : at > from ? Words.cut(piece.text, (at - from) / duration) : ""
    if (text.length > 0) played.push({ text, at: from, millis: piece.isHeard ? duration : Math.min(duration, at - from) })
    playedBefore = from + duration
  }
  return played
}

/** The keys that were not pressed yet at `at`. If a key's tone has begun, the key counts as pressed, since the far end may have recognized it. */
export const unpressed = (segments: ReadonlyArray<Segment>, at: number): string => {
  let left = ""
  // Keys may be sent while earlier words play.
  let playedBefore = 0
  for (const piece of segments) {
    if (piece.isHeard) continue
    const { digits = "", playedFrom = Infinity } = piece
    const from = Math.max(playedFrom, playedBefore)
    left += digits.slice(Dtmf.begunBy(digits, at - from).length)
    playedBefore = from + durationOf(piece)
  }
  return left
}

/** A mark has come back: the segment was heard, and the next one begins to play. Marks of unknown segments change nothing. */
export const confirm = (segments: ReadonlyArray<Segment>, id: number, at: number): ReadonlyArray<Segment> => {
  const index = segments.findIndex((piece) => piece.id === id)
  // If the mark came twice, or the segment counted as heard before, the next segment is playing already.
  if (index < 0 || segments[index].isHeard) return segments
  return segments.map((piece, position) => {
    // Marks come back in order, so earlier segments were heard, too.
    if (position <= index) return piece.isHeard ? piece : { ...piece, isHeard: true }
    return position === index + 1 ? { ...piece, playedFrom: at } : piece
  })
}
