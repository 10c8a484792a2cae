/**
 * The playback ledger: how much of the agent's speech the caller has heard.
 *
 * Sound is sent ahead of playback, and a `clear` may throw it away. So not all sound that was sent was heard. A segment was heard whole
 * if its mark has come back. Of the segment that was playing at the `clear`, only the words that had time to play were heard.
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import type { PlayedText } from "../ports/ConversationEvent.ts"
import * as Words from "../../definition/languages/Words.ts"

/** An estimate until a segment's length is known: Flite, Kokoro and CSM speak 13 to 17 Latin letters a second. */
const lettersPerSecond = 15

/** One clause or sentence of a reply, or the keys behind it, with the mark `turn-<reply>/seg-<id>` behind its sound. */
export interface Segment {
  readonly id: number
  /** Empty for keys, which are no words. */
  readonly text: string
  /** The keys, if the segment is tones. */
  readonly digits?: string
  /** The segment says that the line was lost. It is no part of the answer. */
  readonly isNotice?: boolean
  /** ms of sound; unknown while it is still being made. */
  readonly duration?: number
  /** When its first sample is played; ms since the conversation began. */
  readonly playedFrom?: number
  readonly isHeard: boolean
}

/** A clause or sentence that is to be spoken. */
export const segment = (id: number, text: string): Segment => ({ id, text, isHeard: false })

export const keys = (id: number, digits: string): Segment => ({ id, text: "", digits, isHeard: false })

/** How long the segment plays, in ms: known or estimated. */
const durationOf = ({ digits, duration, text }: Segment): number =>
  duration ?? (digits === undefined ? (Words.weight(text) * 1000) / lettersPerSecond : Dtmf.durationOf(digits))

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
  /** The words that were not heard, in speakable pieces. */
  readonly unheard: ReadonlyArray<string>
}

/** Divides the words of the segments at the moment of a `clear`. `at`: ms since the conversation began. */
export const divide = (segments: ReadonlyArray<Segment>, at: number): Heard => {
  const heard: Array<string> = []
  const unheard: Array<string> = []
  // A segment may be sent while the previous one plays, and marks come back late. So it can't have begun before the previous one's end.
  let playedBefore = 0
  for (const piece of segments) {
    if (piece.digits !== undefined) continue
    const from = Math.max(piece.playedFrom ?? Infinity, playedBefore)
    if (piece.isHeard) {
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

/** The words that were heard by `at`, with their times. A segment whose beginning is not known is left out. */
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

/** The keys that were not pressed by `at`. A key whose tone has begun counts as pressed, since the far end may have recognized it. */
export const unpressed = (segments: ReadonlyArray<Segment>, at: number): string => {
  let left = ""
  // Keys may be sent while the words before them play.
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
  // If the mark came twice, or its segment counted as heard before, the next segment plays already.
  if (index < 0 || segments[index].isHeard) return segments
  return segments.map((piece, position) => {
    // Marks come back in order, so the segments before it were heard too.
    if (position <= index) return piece.isHeard ? piece : { ...piece, isHeard: true }
    return position === index + 1 ? { ...piece, playedFrom: at } : piece
  })
}
