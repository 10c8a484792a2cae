/**
 * Log lines that wait to be written. The buffer has a limit, so that it does not fill the memory when the log's reader has stopped. When
 * the buffer is full, new lines are dropped and counted. As soon as half of the buffer is free again, one line reports the number of
 * dropped lines.
 */

/** The limit in characters. A character takes one or two bytes of memory. */
export const maxCharacters = 1_000_000

/** The limit in lines. */
export const maxLines = 10_000

/** `take` returns at most this many characters, unless its first line is longer. */
const chunkCharacters = 65_536

export class LogBuffer {
  readonly #notice: (dropped: number) => string
  #lines: Array<string> = []
  /** The index of the oldest line that `take` has not returned. */
  #from = 0
  #characters = 0
  /** How many dropped lines are not reported yet. */
  #unreported = 0
  /** How many lines were dropped since the start. */
  dropped = 0

  /** `notice` returns the line, with its line end, that reports the number of dropped lines. */
  constructor(notice: (dropped: number) => string) {
    this.#notice = notice
  }

  get isEmpty(): boolean {
    return this.#from === this.#lines.length && this.#unreported === 0
  }

  /** Adds a line, which must have its line end. Drops the line if there is no room. */
  offer(line: string): void {
    // After lines were dropped, further lines are added only when half of the buffer is free. Otherwise a notice would follow each line.
    const divisor = this.#unreported > 0 ? 2 : 1
    if (this.#characters + line.length > maxCharacters / divisor || this.#lines.length - this.#from >= maxLines / divisor) {
      this.#unreported++
      this.dropped++
      return
    }
    this.#addNotice()
    this.#push(line)
  }

  /** Removes the oldest lines and returns them as one text. The text is empty if there are none. */
  take(): string {
    if (this.#from === this.#lines.length) this.#addNotice()
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

  #addNotice(): void {
    if (this.#unreported === 0) return
    const line = this.#notice(this.#unreported)
    this.#unreported = 0
    this.#push(line)
  }

  #push(line: string): void {
    this.#lines.push(line)
    this.#characters += line.length
  }
}
