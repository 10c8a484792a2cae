/**
 * Hundreds of callers: each says a line, hears the answer out, and says the next line. They send the same messages as the simulator's
 * callers, but cost so little that one core carries them all.
 *
 * They run in their own process. Its parent sends a `Crowd` and gets back what the callers have `Seen`.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Caller, hangUp, type Load, open, sendSound } from "./line/load.ts"
import { moveToCore } from "./line/processes.ts"

/** A spoken line: frames of 20 ms as base64, and the position of the last voiced sample. */
export interface Line {
  readonly frames: ReadonlyArray<string>
  /** ms from the first sample. */
  readonly voicedUntil: number
}

export interface Crowd {
  readonly calls: number
  /** The number of lines that each caller says. */
  readonly turns: number
  readonly lines: ReadonlyArray<Line>
  readonly target: string
  readonly account: { readonly accountSid: string; readonly authToken: string }
  /** ms over which the calls begin, evenly. */
  readonly ramp: number
}

export interface Seen {
  /** From the last voiced sample that was sent to the first sound of the answer, ms. */
  readonly voiceToVoice: ReadonlyArray<number>
  /** Lines without an answer within ten seconds. */
  readonly unanswered: number
  /** How late this process sent its frames, ms: its own share of the latency. */
  readonly lateness: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** Runs the callers on this core until the last call has ended. */
export const runCallers = (core: number, crowd: Crowd): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: [] })
    moveToCore(core, child.pid!)
    child.once("message", (seen) => resolve(seen as Seen))
    child.once("exit", (code) => reject(new Error(`The callers' process ended with ${code}.`)))
    child.send(crowd)
  })

const silence = Buffer.alloc(160, 0xff).toString("base64")

/** A caller speaks when the agent has been silent for so long. */
const politeMillis = 700

/** The longest wait for an answer. */
const answerTimeoutMillis = 10_000

/** One caller of the crowd. */
class Person {
  readonly caller: Caller
  readonly #load: Load
  readonly #lines: ReadonlyArray<Line>
  readonly #voiceToVoice: Array<number> = []
  #unanswered = 0
  /** The number of lines that were begun. */
  #said = 0
  /** The current line, and its next frame. */
  #line: Line | undefined
  #nextFrame = 0
  /** When the last voiced sample was sent; set while the caller waits for the answer. */
  #askedAt: number | undefined
  #playedUntil = 0
  #hasHeard = false
  #isGone = false

  constructor(caller: Caller, load: Load, lines: ReadonlyArray<Line>) {
    this.caller = caller
    this.#load = load
    this.#lines = lines
    caller.socket.on("message", (data: Buffer) => this.#take(data))
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** From the last voiced sample that was sent to the first sound of the answer, ms, for each line that was answered. */
  get voiceToVoice(): ReadonlyArray<number> {
    return this.#voiceToVoice
  }

  get unanswered(): number {
    return this.#unanswered
  }

  /** Speaks or listens for the 20 ms that end at `at` (`performance.now()`). */
  step(at: number): void {
    sendSound(this.caller, this.#line?.frames[this.#nextFrame] ?? silence)
    if (this.#line !== undefined) this.#speak(this.#line, at)
    else this.#listen(at)
  }

  #speak(line: Line, at: number): void {
    this.#nextFrame++
    // A sample counts as sent at its own time within the frame, whose 20 ms end when the frame is sent.
    const ahead = this.#nextFrame * 20 - line.voicedUntil
    if (ahead >= 0 && ahead < 20) this.#askedAt = at - ahead
    if (this.#nextFrame >= line.frames.length) this.#line = undefined
  }

  #listen(at: number): void {
    if (this.#askedAt !== undefined && at - this.#askedAt > answerTimeoutMillis) {
      this.#unanswered++
      this.#askedAt = undefined
    }
    if (this.#askedAt !== undefined || !this.#hasHeard || at - this.#playedUntil < politeMillis) return
    if (this.#said === this.#lines.length) {
      this.#isGone = true
      hangUp(this.#load, this.caller)
      return
    }
    this.#line = this.#lines[this.#said++]
    this.#nextFrame = 0
  }

  #take(data: Buffer): void {
    const message = JSON.parse(data.toString()) as
      | { readonly event: "media"; readonly media: { readonly payload: string } }
      | { readonly event: "mark"; readonly mark: { readonly name: string } }
      | { readonly event: "clear" }
    const at = performance.now()
    switch (message.event) {
      case "media":
        return this.#hear(message.media.payload, at)
      case "mark":
        return void setTimeout(() => this.#returnMark(message.mark), Math.max(0, this.#playedUntil - at))
      case "clear":
        this.#playedUntil = at
    }
  }

  #hear(payload: string, at: number): void {
    this.#playedUntil = Math.max(at, this.#playedUntil) + payload.length * 3 / 4 / 8
    // Bytes 0xff: silence.
    if (payload.startsWith("/////////")) return
    this.#hasHeard = true
    if (this.#askedAt === undefined) return
    this.#voiceToVoice.push(at - this.#askedAt)
    this.#askedAt = undefined
  }

  #returnMark(mark: { readonly name: string }): void {
    if (this.#isGone) return
    const { socket, streamSid } = this.caller
    const sequenceNumber = String(++this.caller.sequence)
    socket.send(JSON.stringify({ event: "mark", sequenceNumber, streamSid, mark }))
  }
}

/** Lets the callers call one after the other over `ramp` ms, and adds each to `people`. */
const callAll = async ({ account, calls, lines, ramp, target, turns }: Crowd, people: Array<Person>): Promise<void> => {
  const load: Load = { calls, seconds: 0, warmup: 0, target, account }
  const begin = performance.now()
  for (let index = 0; index < calls; index++) {
    const wait = index * ramp / calls - (performance.now() - begin)
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const ownLines = Array.from({ length: turns }, (_, said) => lines[(index * turns + said) % lines.length])
    people.push(new Person(await open(load, index), load, ownLines))
  }
}

const run = async (crowd: Crowd): Promise<Seen> => {
  const people: Array<Person> = []
  const lateness: Array<number> = []
  const begin = performance.now()
  const now = () => performance.now() - begin
  let tick = 0
  await new Promise<void>((resolve, reject) => {
    callAll(crowd, people).catch(reject)
    const steps = () => {
      const until = now()
      while (tick <= until) {
        lateness.push(now() - tick)
        for (const person of people) {
          if (!person.isGone && person.caller.slot === tick % 20) person.step(performance.now())
        }
        tick++
      }
      if (people.length === crowd.calls && people.every(({ isGone }) => isGone)) resolve()
      else setTimeout(steps, 1)
    }
    steps()
  })
  const late = lateness.toSorted((a, b) => a - b)
  const percentile = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? 0
  return {
    voiceToVoice: people.flatMap(({ voiceToVoice }) => voiceToVoice),
    unanswered: people.reduce((sum, { unanswered }) => sum + unanswered, 0),
    lateness: { p50: percentile(0.5), p99: percentile(0.99), max: percentile(1) }
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("message", (crowd: Crowd) => void run(crowd).then((seen) => process.send!(seen, () => process.exit(0))))
}
