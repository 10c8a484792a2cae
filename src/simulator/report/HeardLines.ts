/**
 * Finds when the caller began to hear each line of the agent.
 *
 * The service reports a line when the line is made. Some lines are heard seconds later, and some are never heard. The simulated telephone
 * knows when it played sound, and when it sent back the mark after each line. Lines are heard in order: a line begins with the first sound
 * after the previous line, and ends with its mark. All times are in ms of one clock.
 */

/** Sound that was played without a break. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

interface AgentLine {
  readonly turn: number
  /** When the line was made. */
  readonly madeAt: number
  readonly text: string
  /** Whether the line is a filler. A filler is heard before the lines of the answer, even if those were made earlier. */
  readonly isFiller: boolean
}

export interface BegunLine extends AgentLine {
  /** When the caller began to hear the line. */
  readonly at: number
}

/** The unheard part of a line, which the agent says after a false interruption. It is not shown, since the line was shown when it began. */
interface Remainder {
  readonly turn: number
}

type Waiting = AgentLine | Remainder

const isLine = (waiting: Waiting): waiting is AgentLine => "text" in waiting

/** How much the times of the service and of the telephone may differ, in ms, since a message between them takes some time. */
const clockToleranceMillis = 50

const markName = /^turn-(\d+)\/seg-\d+$/

export class HeardLines {
  #waiting: Array<Waiting> = []
  /** Lines that were made before a `clear`. They are heard only if the agent resumes the turn. */
  #cleared: Array<Waiting> = []
  /** The line that the caller hears now. */
  #playing: (Waiting & { readonly at: number }) | undefined
  /** Marks that were sent back. */
  #marks: Array<{ readonly at: number; readonly turn: number }> = []
  /** The next line begins at this time at the earliest. */
  #freeFrom = 0
  #clearedAt = -Infinity

  addLine(line: AgentLine): void {
    if (line.madeAt < this.#clearedAt - clockToleranceMillis) {
      this.#cleared.push(line)
      return
    }
    const place = line.isFiller ? this.#waiting.findIndex(({ turn }) => turn === line.turn) : -1
    if (place < 0) this.#waiting.push(line)
    else this.#waiting.splice(place, 0, line)
  }

  /** Call it when a mark is sent back because the sound before it was played. */
  addMark(name: string, at: number): void {
    const match = markName.exec(name)
    if (match !== null) this.#marks.push({ at, turn: Number(match[1]) })
  }

  /**
   * Call it when the service has cleared the sound that was not played yet. `stretches`: the sound that was played before `at`. Returns the
   * lines that had begun by then.
   */
  clear(at: number, stretches: ReadonlyArray<Stretch>): ReadonlyArray<BegunLine> {
    const begun = this.takeBegun(stretches, at)
    const isOld = (waiting: Waiting) => !isLine(waiting) || waiting.madeAt < at - clockToleranceMillis
    this.#cleared = [...(this.#playing === undefined ? [] : [{ turn: this.#playing.turn }]), ...this.#waiting.filter(isOld)]
    this.#waiting = this.#waiting.filter((waiting) => !isOld(waiting))
    this.#playing = undefined
    this.#marks = []
    this.#freeFrom = at
    this.#clearedAt = at
    return begun
  }

  /** Call it after a false interruption, when the agent goes on with this turn. */
  resume(turn: number): void {
    this.#waiting.unshift(...this.#cleared.filter((waiting) => waiting.turn === turn))
    this.#cleared = []
    // Lines that come from now on were made after the `clear`.
    this.#clearedAt = -Infinity
  }

  /** The lines that have begun by `now`. Each line is returned once. */
  takeBegun(stretches: ReadonlyArray<Stretch>, now: number): ReadonlyArray<BegunLine> {
    const begun: Array<BegunLine> = []
    while (true) {
      if (this.#playing !== undefined) {
        if (!this.#tryFinish(this.#playing)) return begun
        this.#playing = undefined
      }
      const [next] = this.#waiting
      if (next === undefined) return begun
      const stretch = stretches.find(({ to }) => to > this.#freeFrom)
      const at = stretch === undefined ? Infinity : Math.max(stretch.from, this.#freeFrom)
      if (at > now) return begun
      this.#waiting.shift()
      this.#playing = { ...next, at }
      if (isLine(next)) begun.push({ ...next, at })
    }
  }

  /** Returns whether the caller has heard a line to its end: the mark after it was sent back. If so, forgets this mark and all marks before it. */
  #tryFinish({ at, turn }: Waiting & { readonly at: number }): boolean {
    // If a mark of a later turn was sent back, this line's own mark was lost.
    const index = this.#marks.findIndex((mark) => mark.at > at && mark.turn >= turn)
    if (index < 0) return false
    this.#freeFrom = this.#marks[index].at
    this.#marks.splice(0, index + 1)
    return true
  }
}
