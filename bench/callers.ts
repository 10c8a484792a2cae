/**
 * Callers by the hundred: people who say a line, hear the answer out, and say the next. They are on the wire what the
 * simulator's are, and do no more than that, so that one core carries them.
 *
 * A process of its own: it is told what to do by its parent and tells it what it saw; see `Crowd` and `Seen`.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Caller, hangUp, type Load, open, sendSound } from "./line/load.ts"
import { moveTo } from "./line/processes.ts"

/** What is said: frames of 20 ms as base64, and where in them the last voiced sample is. */
export interface Line {
  readonly frames: ReadonlyArray<string>
  /** ms from the first sample. */
  readonly voicedUntil: number
}

export interface Crowd {
  readonly calls: number
  /** Lines that each of them says. */
  readonly turns: number
  readonly lines: ReadonlyArray<Line>
  readonly target: string
  readonly account: { readonly accountSid: string; readonly authToken: string }
  /** ms over which they begin to call. */
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

/** Runs them on this core to the end of their last call. */
export const call = (core: number, crowd: Crowd): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: [] })
    moveTo(core, child.pid!)
    child.once("message", (seen) => resolve(seen as Seen))
    child.once("exit", (code) => reject(new Error(`The callers' process ended with ${code}.`)))
    child.send(crowd)
  })

const silence = Buffer.alloc(160, 0xff).toString("base64")

/** ms of quiet behind the agent's words, after which one speaks. */
const politeness = 700

/** ms that an answer is waited for. */
const patience = 10_000

interface Person {
  readonly caller: Caller
  line: Line | undefined
  /** The frame that is next. */
  at: number
  said: number
  /** When the last voiced sample was sent; set: the answer is waited for. */
  askedAt: number | undefined
  playedUntil: number
  hasHeard: boolean
  isGone: boolean
}

const run = async ({ account, calls, lines, ramp, target, turns }: Crowd): Promise<Seen> => {
  const load: Load = { calls, seconds: 0, warmup: 0, target, account }
  const people: Array<Person> = []
  const voiceToVoice: Array<number> = []
  const lateness: Array<number> = []
  let unanswered = 0
  let gone = 0
  const begin = performance.now()
  const now = () => performance.now() - begin

  const returnMark = ({ caller, isGone }: Person, mark: { readonly name: string }) => {
    if (isGone) return
    const sequenceNumber = String(++caller.sequence)
    caller.socket.send(JSON.stringify({ event: "mark", sequenceNumber, streamSid: caller.streamSid, mark }))
  }

  const onMessage = (person: Person, data: Buffer) => {
    const message = JSON.parse(data.toString()) as
      | { readonly event: "media"; readonly media: { readonly payload: string } }
      | { readonly event: "mark"; readonly mark: { readonly name: string } }
      | { readonly event: "clear" }
    const at = now()
    switch (message.event) {
      case "media": {
        const { payload } = message.media
        person.playedUntil = Math.max(at, person.playedUntil) + payload.length * 3 / 4 / 8
        if (payload.startsWith("/////////")) return
        person.hasHeard = true
        if (person.askedAt === undefined) return
        voiceToVoice.push(at - person.askedAt)
        person.askedAt = undefined
        return
      }
      case "mark":
        return void setTimeout(() => returnMark(person, message.mark), Math.max(0, person.playedUntil - at))
      case "clear":
        person.playedUntil = at
    }
  }

  /** The next 20 ms of somebody; `at` is when they are over. */
  const step = (person: Person, at: number) => {
    const { caller, line } = person
    sendSound(caller, line?.frames[person.at] ?? silence)
    if (line !== undefined) {
      person.at++
      // A sample counts as sent when its frame would have reached it: 20 ms of sound end as the frame leaves.
      const ahead = person.at * 20 - line.voicedUntil
      if (ahead >= 0 && ahead < 20) person.askedAt = at - ahead
      if (person.at >= line.frames.length) person.line = undefined
      return
    }
    if (person.askedAt !== undefined && at - person.askedAt > patience) {
      unanswered++
      person.askedAt = undefined
    }
    if (person.askedAt !== undefined || !person.hasHeard || at - person.playedUntil < politeness) return
    if (person.said === turns) {
      person.isGone = true
      gone++
      return hangUp(load, caller)
    }
    person.line = lines[(people.indexOf(person) * turns + person.said) % lines.length]
    person.said++
    person.at = 0
  }

  const everybody = (async () => {
    for (let index = 0; index < calls; index++) {
      const wait = index * ramp / calls - now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      const caller = await open(load, index)
      const person: Person = { caller, line: undefined, at: 0, said: 0, askedAt: undefined, playedUntil: 0, hasHeard: false, isGone: false }
      caller.socket.on("message", (data: Buffer) => onMessage(person, data))
      people.push(person)
    }
  })()

  let tick = 0
  await new Promise<void>((resolve, reject) => {
    everybody.catch(reject)
    const steps = () => {
      const until = now()
      while (tick <= until) {
        lateness.push(now() - tick)
        for (const person of people) {
          if (!person.isGone && person.caller.slot === tick % 20) step(person, now())
        }
        tick++
      }
      if (gone === calls) resolve()
      else setTimeout(steps, 1)
    }
    steps()
  })
  const late = lateness.toSorted((a, b) => a - b)
  const share = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? 0
  return { voiceToVoice, unanswered, lateness: { p50: share(0.5), p99: share(0.99), max: share(1) } }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("message", (crowd: Crowd) => void run(crowd).then((seen) => process.send!(seen, () => process.exit(0))))
}
