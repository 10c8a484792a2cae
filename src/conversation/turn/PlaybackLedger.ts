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
export const wordSegment = (id: number, text: string): Segment => ({ id, text, isHeard: false })

export const keySegment = (id: number, digits: string): Segment => ({ id, text: "", digits, isHeard: false })

/** How long the segment plays, in ms: known or estimated. */
const durationOf = ({ digits, duration, text }: Segment): number =>
  duration ?? (digits === undefined ? (Words.spokenLetters(text) * 1000) / lettersPerSecond : Dtmf.durationOf(digits))

/** How long the segments play one after the other, in ms. */
export const durationOfAll = (segments: ReadonlyArray<Segment>): number => segments.reduce((sum, segment) => sum + durationOf(segment), 0)

/** A copy of the segments, in which segment `id` has the values in `known`. */
export const change = (
  segments: ReadonlyArray<Segment>,
  id: number,
  known: Pick<Segment, "playedFrom"> | Pick<Segment, "duration">
): ReadonlyArray<Segment> => segments.map((segment) => segment.id === id ? { ...segment, ...known } : segment)

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
  let previousEnd = 0
  for (const segment of segments) {
    if (segment.digits !== undefined) continue
    const from = Math.max(segment.playedFrom ?? Infinity, previousEnd)
    if (segment.isNotice === true) {
      if (!segment.isHeard) previousEnd = from + durationOf(segment)
    } else if (segment.isHeard) {
      heard.push(segment.text)
    } else if (unheard.length === 0 && at > from) {
      const part = Words.cut(segment.text, (at - from) / durationOf(segment))
      previousEnd = from + durationOf(segment)
      const left = segment.text.slice(part.length).trim()
      if (part.length > 0) heard.push(part)
      if (left.length > 0) unheard.push(left)
    } else {
      unheard.push(segment.text)
    }
  }
  return { heard: Words.joinAll(heard), unheard }
}

/** The words that were heard until `at`, with their times. A segment whose `playedFrom` is not known is left out. */
export const playedUntil = (segments: ReadonlyArray<Segment>, at: number): ReadonlyArray<PlayedText> => {
  const played: Array<PlayedText> = []
  let previousEnd = 0
  for (const segment of segments) {
    if (segment.digits !== undefined || segment.playedFrom === undefined) continue
    const from = Math.max(segment.playedFrom, previousEnd)
    const duration = durationOf(segment)
    const text = segment.isHeard ? segment.text : at > from ? Words.cut(segment.text, (at - from) / duration) : ""
    if (text.length > 0) played.push({ text, at: from, millis: segment.isHeard ? duration : Math.min(duration, at - from) })
    previousEnd = from + duration
  }
  return played
}

/** The keys that were not pressed yet at `at`. If a key's tone has begun, the key counts as pressed, since the far end may have recognized it. */
export const unpressedKeys = (segments: ReadonlyArray<Segment>, at: number): string => {
  let left = ""
  // Keys may be sent while earlier words play.
  let previousEnd = 0
  for (const segment of segments) {
    if (segment.isHeard) continue
    const { digits = "", playedFrom = Infinity } = segment
    const from = Math.max(playedFrom, previousEnd)
    left += digits.slice(Dtmf.begunBy(digits, at - from).length)
    previousEnd = from + durationOf(segment)
  }
  return left
}

/** A mark has come back: the segment was heard, and the next one begins to play. Marks of unknown segments change nothing. */
export const confirm = (segments: ReadonlyArray<Segment>, id: number, at: number): ReadonlyArray<Segment> => {
  const index = segments.findIndex((segment) => segment.id === id)
  // If the mark came twice, or the segment counted as heard before, the next segment is playing already.
  if (index < 0 || segments[index].isHeard) return segments
  return segments.map((segment, position) => {
    // Marks come back in order, so earlier segments were heard, too.
    if (position <= index) return segment.isHeard ? segment : { ...segment, isHeard: true }
    return position === index + 1 ? { ...segment, playedFrom: at } : segment
  })
}
