/**
 * What of the agent's speech the caller has heard.
 *
 * Sound is sent ahead of playback and may be thrown away by a `clear`, so what was sent is not what was
 * heard. A segment is heard whole when its mark has come back; the one that was playing when the sound
 * was cleared is heard in part: as far as there was time to play it, cut at a word.
 */

/** Speech of Flite, Kokoro and CSM lies at 13 to 17 characters a second; used only until a segment's length is known. */
const charactersPerSecond = 15

/** One clause or sentence of a reply, with the mark `turn-<reply>/seg-<id>` behind its sound. */
export interface Segment {
  readonly id: number
  readonly text: string
  /** ms of sound; unknown while it is still being made. */
  readonly duration?: number
  /** When its first sample is taken to be played; ms. */
  readonly playedFrom?: number
  readonly isHeard: boolean
}

export const segment = (id: number, text: string): Segment => ({ id, text, isHeard: false })

/** How long the segment takes to be played, in ms: known or estimated. */
export const durationOf = ({ duration, text }: Segment): number => duration ?? (text.length * 1000) / charactersPerSecond

/** The first `share` (0 to 1) of a text, less a word that it would cut. */
export const cutAtWord = (text: string, share: number): string => {
  if (share >= 1) return text
  const end = Math.floor(text.length * Math.max(0, share))
  if (/\s/.test(text[end])) return text.slice(0, end).trimEnd()
  const space = text.slice(0, end).search(/\s\S*$/)
  return space < 0 ? "" : text.slice(0, space).trimEnd()
}

export interface Heard {
  readonly heard: string
  /** What was not heard, in speakable pieces. */
  readonly rest: ReadonlyArray<string>
}

/** Divides segments, in their order, at the moment when the sound was cleared. */
export const divide = (segments: ReadonlyArray<Segment>, at: number): Heard => {
  const heard: Array<string> = []
  const rest: Array<string> = []
  for (const piece of segments) {
    if (piece.isHeard) {
      heard.push(piece.text)
    } else if (rest.length === 0 && piece.playedFrom !== undefined && at > piece.playedFrom) {
      const part = cutAtWord(piece.text, (at - piece.playedFrom) / durationOf(piece))
      const left = piece.text.slice(part.length).trim()
      if (part.length > 0) heard.push(part)
      if (left.length > 0) rest.push(left)
    } else {
      rest.push(piece.text)
    }
  }
  return { heard: heard.join(" "), rest }
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
