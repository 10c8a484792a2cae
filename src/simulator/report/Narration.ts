/**
 * Writes a running conversation as lines of text in chronological order, from the service's events and the sound on the caller's telephone.
 *
 * A line of the agent appears when the caller begins to hear it. A line that is never heard does not appear. A turn's figures appear directly
 * after the first line of its answer, although the service reports them later. All times are in ms since the stream's start.
 */
import { HeardLines, type BegunLine, type Stretch } from "./HeardLines.ts"
import type { LiveEvent } from "./ServiceEvents.ts"
import { type Line, OrderedLines } from "./OrderedLines.ts"

/**
 * Most of the service's events arrive within some ms. The figures of an interrupted answer arrive only after the interruption, so the line
 * "barge-in" may have to wait for them.
 */
const bounds = { waitMillis: 60, maxWaitMillis: 2500 }

const millis = (value: number) => `${Math.round(value)} ms`

const stages: ReadonlyArray<readonly [name: string, title: string]> = [
  ["endpoint", "endpoint"],
  ["transcript", "transcript"],
  ["firstText", "first text"],
  ["firstSound", "first sound"]
]

const figures = ({ times, turn }: Extract<LiveEvent, { readonly _tag: "TurnMeasured" }>): string => {
  const parts = stages.flatMap(([name, title]) => (times[name] === undefined ? [] : [`${title} ${Math.round(times[name])}`]))
  return times.firstMedia === undefined
    ? `turn ${turn}: interrupted before its first sound`
    : `turn ${turn}: voice to voice ${millis(times.firstMedia)} (${parts.join(", ")})`
}

export class Narration {
  readonly #heard = new HeardLines()
  readonly #lines = new OrderedLines(bounds)
  /** The agent's turns whose figures have not arrived yet. */
  readonly #unmeasured = new Set<number>()

  /** Adds an event of the service. */
  takeEvent(event: LiveEvent): void {
    const { at, turn } = event
    switch (event._tag) {
      case "CallerSaid":
        this.#unmeasured.add(turn)
        return this.#lines.add({ at, text: `caller   ${event.text === "" ? "(not understood)" : event.text}` })
      case "AgentSays":
        return this.#heard.addLine({ turn, madeAt: at, text: `agent    ${event.text}`, isFiller: false })
      case "AgentPresses":
        return this.#heard.addLine({ turn, madeAt: at, text: `agent    presses ${event.digits}`, isFiller: false })
      case "AgentFills":
        return this.#heard.addLine({ turn, madeAt: at, text: `filler   ${event.text}`, isFiller: true })
      case "TurnMeasured":
        this.#lines.add({ at: this.#lines.announcedAt(turn) ?? at, text: figures(event) })
        return this.#settle(turn)
      case "AgentHeard":
        // The figures come before this event, or never.
        this.#settle(turn)
        if (!event.isWhole && event.text !== "") this.#lines.add({ at, text: `         heard of it: ${event.text} …` })
        return
      case "BargeIn":
        return this.#lines.add({ at, text: `barge-in: stopped ${millis(event.clearAfter)} after the caller's first sound` })
      case "Resumed":
        this.#heard.resume(turn)
        return this.#lines.add({ at, text: "no interruption: the agent goes on" })
      case "Transferring":
        return this.#lines.add({ at, text: `transfer to ${event.to}` })
      case "TransferFailed":
        return this.#lines.add({ at, text: `transfer to ${event.to} failed: ${event.reason}` })
      case "EngineTrouble":
        return this.#lines.add({ at, text: `trouble: ${event.stage}, ${event.reason}` })
      case "Ended":
        return this.#lines.add({ at, text: `ended: ${event.reason}` })
    }
  }

  /** Call it when the mark after a line is sent back because the line's sound was played. */
  takeMark(mark: string, at: number): void {
    this.#heard.addMark(mark, at)
  }

  /** Call it when sound that was queued on the caller's telephone was thrown away, or when its stream ended. */
  takeClear(at: number, playback: ReadonlyArray<Stretch>): void {
    this.#begin(this.#heard.clear(at, playback))
  }

  /** Call it when the stream was lost. */
  takeLoss(at: number): void {
    this.#lines.add({ at, text: "the stream is lost" })
  }

  /** The lines that are due by `now`. Each line is returned once. `playback`: all stretches of sound that were played on the telephone. */
  dueLines(playback: ReadonlyArray<Stretch>, now: number): ReadonlyArray<Line> {
    this.#begin(this.#heard.takeBegun(playback, now))
    return this.#lines.takeDue(now)
  }

  /** The remaining lines when the call has ended. */
  remainingLines(playback: ReadonlyArray<Stretch>, now: number): ReadonlyArray<Line> {
    this.#begin(this.#heard.takeBegun(playback, now))
    return this.#lines.takeAll()
  }

  #begin(lines: ReadonlyArray<BegunLine>): void {
    for (const { at, isFiller, text, turn } of lines) {
      this.#lines.add({ at, text })
      if (!isFiller && this.#unmeasured.has(turn) && this.#lines.announcedAt(turn) === undefined) this.#lines.announce(turn, at)
    }
  }

  #settle(turn: number): void {
    this.#unmeasured.delete(turn)
    this.#lines.settle(turn)
  }
}
