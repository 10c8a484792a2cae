/**
 * What of the agent's speech the caller has heard.
 *
 * Sound is sent ahead of playback and may be thrown away by a `clear`, so what was sent is not what was
 * heard. A segment is heard whole when its mark has come back; the one that was playing when the sound
 * was cleared is heard in part: as far as there was time to play it, cut at a word.
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import * as Words from "../../definition/languages/Words.ts"

/** Speech of Flite, Kokoro and CSM lies at 13 to 17 Latin letters a second; used only until a segment's length is known. */
const lettersPerSecond = 15

/** One clause or sentence of a reply, or the keys behind it, with the mark `turn-<reply>/seg-<id>` behind its sound. */
export interface Segment {
  readonly id: number
  /** Empty for keys: they are not part of what was said. */
  readonly text: string
  /** Keys whose tones it is. */
  readonly digits?: string
  /** ms of sound; unknown while it is still being made. */
  readonly duration?: number
  /** When its first sample is taken to be played; ms. */
  readonly playedFrom?: number
  readonly isHeard: boolean
}

export const segment = (id: number, text: string): Segment => ({ id, text, isHeard: false })

export const keys = (id: number, digits: string): Segment => ({ id, text: "", digits, isHeard: false })

/** How long the segment takes to be played, in ms: known or estimated. */
export const durationOf = ({ digits, duration, text }: Segment): number =>
  duration ?? (digits === undefined ? (Words.weight(text) * 1000) / lettersPerSecond : Dtmf.durationOf(digits))

/** How long the segments take one after the other, in ms. */
export const durationOfAll = (segments: ReadonlyArray<Segment>): number => segments.reduce((sum, piece) => sum + durationOf(piece), 0)

/** The segments, with something more known about one of them. */
export const change = (
  segments: ReadonlyArray<Segment>,
  id: number,
  known: Pick<Segment, "playedFrom"> | Pick<Segment, "duration">
): ReadonlyArray<Segment> => segments.map((piece) => piece.id === id ? { ...piece, ...known } : piece)

export interface Heard {
  readonly heard: string
  /** What was not heard, in speakable pieces. */
  readonly rest: ReadonlyArray<string>
}

/** Divides segments, in their order, at the moment when the sound was cleared. */
export const divide = (segments: ReadonlyArray<Segment>, at: number): Heard => {
  const heard: Array<string> = []
  const rest: Array<string> = []
  // A segment is sent while the one before is still playing, and its mark takes a moment to come back.
  let playedBefore = 0
  for (const piece of segments) {
    if (piece.digits !== undefined) continue
    const from = Math.max(piece.playedFrom ?? Infinity, playedBefore)
    if (piece.isHeard) {
      heard.push(piece.text)
    } else if (rest.length === 0 && at > from) {
      const part = Words.cut(piece.text, (at - from) / durationOf(piece))
      playedBefore = from + durationOf(piece)
      const left = piece.text.slice(part.length).trim()
      if (part.length > 0) heard.push(part)
      if (left.length > 0) rest.push(left)
    } else {
      rest.push(piece.text)
    }
  }
  return { heard: Words.joinAll(heard), rest }
}

/** The keys that were not pressed: one whose tone has begun was, since the far end may have taken it. */
export const unpressed = (segments: ReadonlyArray<Segment>, at: number): string => {
  let left = ""
  // Keys are sent while the words before them are still playing.
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

/** A mark has come back: the segment is heard, and the next one begins to play. */
export const confirm = (segments: ReadonlyArray<Segment>, id: number, at: number): ReadonlyArray<Segment> => {
  const index = segments.findIndex((piece) => piece.id === id)
  // Twice, or for one that was taken to be heard: the next one plays already.
  if (index < 0 || segments[index].isHeard) return segments
  return segments.map((piece, position) => {
    // Marks come back in order: what lies before a confirmed segment is heard too.
    if (position <= index) return piece.isHeard ? piece : { ...piece, isHeard: true }
    return position === index + 1 ? { ...piece, playedFrom: at } : piece
  })
}
