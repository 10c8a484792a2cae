/**
 * Log lines that wait to be written: bounded, so that a reader that has stopped can't fill the memory. When it is full, new lines
 * are dropped and counted, and one line tells how many as soon as there is room again. Pure but for its own state.
 */

/** Characters that wait at most; a character is one or two bytes of memory. */
export const maxCharacters = 1_000_000

/** Lines that wait at most. */
export const maxLines = 10_000

/** Characters that are written at once. */
const chunkCharacters = 65_536

export class LogBuffer {
  readonly #notice: (dropped: number) => string
  #lines: Array<string> = []
  /** Lines before this one have been taken. */
  #from = 0
  #characters = 0
  /** Dropped, and not told yet. */
  #untold = 0
  /** Since the start. */
  dropped = 0

  /** `notice` makes the line, with its line end, that tells how many lines were dropped. */
  constructor(notice: (dropped: number) => string) {
    this.#notice = notice
  }

  get isEmpty(): boolean {
    return this.#from === this.#lines.length && this.#untold === 0
  }

  /** Takes a line with its line end. */
  offer(line: string): void {
    // Behind a gap there has to be room for more than one line, or each line would be followed by a notice.
    const share = this.#untold > 0 ? 2 : 1
    if (this.#characters + line.length > maxCharacters / share || this.#lines.length - this.#from >= maxLines / share) {
      this.#untold++
      this.dropped++
      return
    }
    this.#tell()
    this.#push(line)
  }

  /** The oldest lines as one text, to be written next; empty if there is none. */
  take(): string {
    if (this.#from === this.#lines.length) this.#tell()
    let to = this.#from
    for (let length = 0; to < this.#lines.length && (to === this.#from || length + this.#lines[to].length <= chunkCharacters); to++) {
      length += this.#lines[to].length
    }
    const text = this.#lines.slice(this.#from, to).join("")
    this.#characters -= text.length
    this.#from = to
    if (this.#from === this.#lines.length) {
      this.#lines = []
      this.#from = 0
    } else if (this.#from > maxLines) {
      this.#lines = this.#lines.slice(this.#from)
      this.#from = 0
    }
    return text
  }

  #tell(): void {
    if (this.#untold === 0) return
    const line = this.#notice(this.#untold)
    this.#untold = 0
    this.#push(line)
  }

  #push(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
  }
}
