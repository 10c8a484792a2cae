/**
 * Twilio's playback buffer: a queue for the service's sound until the caller hears it.
 *
 * The buffer has no clock of its own: each method takes the time, in samples (1/8 ms) since the call was answered. Sound that arrives
 * while the buffer is empty starts at once. Other sound starts when all sound before it has been played.
 *
 * https://www.twilio.com/docs/voice/media-streams/websocket-messages#send-messages-to-twilio
 */
import { samplesPerMilli, type Timeline } from "../../report/Timeline.ts"

interface PendingMark {
  readonly name: string
  readonly due: number
}

/** The most sound in the buffer, in samples. Twilio discards sound that would make the buffer longer than about ten minutes. */
const maxBufferSamples = 10 * 60 * 1000 * samplesPerMilli

export class PlaybackBuffer {
  readonly #heard: Timeline
  readonly #limit: number
  #end = 0
  #marks: Array<PendingMark> = []

  /** `heard`: gets the sound at the time when it is played. `limit`: how much sound may wait, in samples. */
  constructor(heard: Timeline, limit: number = maxBufferSamples) {
    this.#heard = heard
    this.#limit = limit
  }

  /** Appends μ-law sound. `false`: the buffer was full, and the sound was discarded. */
  play(now: number, sound: Uint8Array): boolean {
    const start = Math.max(now, this.#end)
    if (start - now + sound.length > this.#limit) return false
    this.#heard.put(start, sound)
    this.#end = start + sound.length
    return true
  }

  /** Sets a mark after all queued sound. Returns when the mark is due, in samples. */
  mark(now: number, name: string): number {
    const due = Math.max(now, this.#end)
    this.#marks.push({ name, due })
    return due
  }

  /** Removes and returns the marks whose sound has been played, in the order in which they were set. */
  takePlayedMarks(now: number): ReadonlyArray<string> {
    const waiting = this.#marks.findIndex((mark) => mark.due > now)
    return this.#marks.splice(0, waiting < 0 ? this.#marks.length : waiting).map((mark) => mark.name)
  }

  /** Drops all sound that has not been played. Returns all pending marks, and how many samples were dropped. */
  clear(now: number): { readonly marks: ReadonlyArray<string>; readonly dropped: number } {
    const dropped = this.queuedSamples(now)
    this.#heard.cut(now)
    this.#end = Math.min(this.#end, now)
    return { marks: this.#marks.splice(0).map((mark) => mark.name), dropped }
  }

  /** How many samples wait to be played. */
  queuedSamples(now: number): number {
    return Math.max(0, this.#end - now)
  }

  /** The marks that have not been returned, oldest first. */
  get pendingMarks(): ReadonlyArray<string> {
    return this.#marks.map((mark) => mark.name)
  }
}
