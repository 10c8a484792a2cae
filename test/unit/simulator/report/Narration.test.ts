import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Stretch } from "../../../../src/simulator/report/HeardLines.ts"
import type { LiveEvent } from "../../../../src/simulator/report/ServiceEvents.ts"
import { Narration } from "../../../../src/simulator/report/Narration.ts"
import { OrderedLines } from "../../../../src/simulator/report/OrderedLines.ts"

type Untimed = LiveEvent extends infer Event ? Event extends LiveEvent ? Omit<Event, "at" | "turn"> : never : never

/** Events with the time at which they are known: an event from the service, a returned mark, a `clear`. */
type Step = readonly [knownAt: number, what:
  | { readonly event: Untimed; readonly turn: number; readonly at?: number }
  | { readonly mark: string }
  | "clear"]

/** Plays a conversation in steps of 20 ms. Returns each line with the time at which it was printed. */
const narrate = (steps: ReadonlyArray<Step>, sound: ReadonlyArray<Stretch>, end = 20_000) => {
  const narration = new Narration()
  const printed: Array<readonly [printedAt: number, line: string]> = []
  const note = (now: number, lines: ReadonlyArray<{ readonly at: number; readonly text: string }>) => {
    for (const { at, text } of lines) printed.push([now, `${at} ${text.replaceAll(/ +/g, " ")}`])
  }
  /** The sound that is queued by then, without the cleared sound. */
  const playback = (now: number) => sound.filter(({ from }) => from <= now)
  const left = [...steps]
  for (let now = 0; now < end; now += 20) {
    while (left.length > 0 && left[0][0] <= now) {
      const [at, what] = left.shift()!
      if (what === "clear") narration.takeClear(at, playback(now))
      else if ("mark" in what) narration.takeMark(what.mark, at)
      else narration.takeEvent({ ...what.event, turn: what.turn, at: what.at ?? at } as LiveEvent)
    }
    note(now, narration.dueLines(playback(now), now))
  }
  note(end, narration.remainingLines(playback(end), end))
  return printed
}

const lines = (printed: ReturnType<typeof narrate>) => printed.map(([, line]) => line)

const says = (turn: number, text: string): Step[1] => ({ turn, event: { _tag: "AgentSays", text } })
const caller = (turn: number, text: string): Step[1] => ({ turn, event: { _tag: "CallerSaid", text } })
const measured = (turn: number, firstMedia?: number): Step[1] => ({ turn, event: { _tag: "TurnMeasured", times: firstMedia === undefined ? {} : { firstMedia } } })
const heard = (turn: number, text: string, isWhole: boolean): Step[1] => ({ turn, event: { _tag: "AgentHeard", text, isWhole } })

describe("a printed conversation", () => {
  it("has the agent's lines in order, at the times when they are heard, and the figures after the first one", () => {
    const printed = narrate([
      [1000, caller(1, "when")],
      [1000, says(1, "Monday.")],
      [1000, says(1, "At ten.")],
      [3000, { mark: "turn-1/seg-0" }],
      [3010, measured(1, 250)],
      [4000, { mark: "turn-1/seg-1" }],
      [4010, heard(1, "Monday. At ten.", true)]
    ], [{ from: 1100, to: 4000 }])
    assert.deepStrictEqual(lines(printed), [
      "1000 caller when",
      "1100 agent Monday.",
      "1100 turn 1: voice to voice 250 ms ()",
      "3000 agent At ten."
    ])
    // Lines are printed live, unless an earlier line is still awaited.
    assert.deepStrictEqual(printed.map(([at]) => at), [1060, 1160, 3020, 3060])
  })

  it("has the figures of an interrupted answer before the interruption, though they come 2 s after it", () => {
    const printed = narrate([
      [1000, caller(1, "when")],
      [1000, says(1, "Monday.")],
      [1000, says(1, "At ten.")],
      [1900, { turn: 1, event: { _tag: "BargeIn", clearAfter: 200 } }],
      [1900, "clear"],
      [3900, measured(1, 250)],
      [3900, heard(1, "Mon", false)],
      [3900, caller(2, "where")],
      [3900, says(2, "Here.")],
      [5100, { mark: "turn-2/seg-0" }],
      [5100, measured(2, 260)]
    ], [{ from: 1100, to: 1900 }, { from: 4000, to: 5100 }])
    assert.deepStrictEqual(lines(printed), [
      "1000 caller when",
      "1100 agent Monday.",
      "1100 turn 1: voice to voice 250 ms ()",
      "1900 barge-in: stopped 200 ms after the caller's first sound",
      "3900  heard of it: Mon …",
      "3900 caller where",
      "4000 agent Here.",
      "4000 turn 2: voice to voice 260 ms ()"
    ])
  })

  it("does not wait for figures that never come for longer than 2.5 s", () => {
    const printed = narrate([
      [1000, caller(1, "when")],
      [1000, says(1, "Monday.")],
      [2000, { turn: 1, event: { _tag: "EngineTrouble", stage: "textToSpeech", reason: "broken" } }],
      [9000, measured(1, 250)]
    ], [{ from: 1100, to: 1900 }])
    assert.deepStrictEqual(printed.slice(2), [
      [4500, "2000 trouble: textToSpeech, broken"],
      // The late figures get the time of the last printed line, because times never go back.
      [9000, "2000 turn 1: voice to voice 250 ms ()"]
    ])
  })

  it("leaves out lines that were never heard, and shows them if the agent goes on after all", () => {
    const begin: ReadonlyArray<Step> = [
      [0, says(0, "One.")],
      [0, says(0, "Two.")],
      [0, says(0, "Three.")],
      [1000, { mark: "turn-0/seg-0" }],
      [1500, "clear"]
    ]
    assert.deepStrictEqual(lines(narrate(begin, [{ from: 100, to: 1500 }])), ["100 agent One.", "1000 agent Two."])
    const resumed = narrate([
      ...begin,
      [2000, { turn: 0, event: { _tag: "Resumed" } }],
      // The rest of the second line is a separate segment.
      [2600, { mark: "turn-0/seg-3" }],
      [3400, { mark: "turn-0/seg-4" }]
    ], [{ from: 100, to: 1500 }, { from: 2010, to: 3400 }])
    assert.deepStrictEqual(lines(resumed), ["100 agent One.", "1000 agent Two.", "2000 no interruption: the agent goes on", "2600 agent Three."])
  })

  it("shows a filler before the answer if the filler is heard first, although the answer was made first", () => {
    assert.deepStrictEqual(lines(narrate([
      [1000, caller(1, "when")],
      [1500, says(1, "Monday.")],
      [1600, { turn: 1, event: { _tag: "AgentFills", text: "One moment." } }],
      [2500, { mark: "turn-2/seg-0" }],
      [3500, { mark: "turn-1/seg-0" }],
      [3500, measured(1, 1700)]
    ], [{ from: 1650, to: 2500 }, { from: 2700, to: 3500 }])), [
      "1000 caller when",
      "1650 filler One moment.",
      "2700 agent Monday.",
      "2700 turn 1: voice to voice 1700 ms ()"
    ])
  })

  it("is the same when the service's events come later than the sound, and when the sound has gaps", () => {
    assert.deepStrictEqual(lines(narrate([
      [1500, { turn: 0, at: 0, event: { _tag: "AgentSays", text: "One." } }],
      [1500, { turn: 0, at: 0, event: { _tag: "AgentSays", text: "Two." } }],
      [1800, { mark: "turn-0/seg-0" }],
      [2600, { mark: "turn-0/seg-1" }]
    ], [{ from: 100, to: 400 }, { from: 460, to: 1700 }, { from: 1850, to: 2500 }])), ["100 agent One.", "1850 agent Two."])
  })

  const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }))

  it.prop("never goes back in time, and ends, for events at any time", [
    Schema.Array(Schema.Tuple([Millis, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 })), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))])),
    Schema.Array(Schema.Tuple([Millis, Millis]))
  ], ([events, pauses]) => {
    let known = 0
    const steps = events.map(([gap, kind, turn]): Step => {
      known += 10 * gap
      const what: ReadonlyArray<Step[1]> = [
        caller(turn, "x"), says(turn, "y"), says(turn, "z"), measured(turn, 1), heard(turn, "y", false), { mark: `turn-${turn}/seg-0` }, "clear",
        { turn, event: { _tag: "Resumed" } }, { turn, event: { _tag: "AgentFills", text: "f" } }
      ]
      return [known, what[kind]]
    })
    let at = 0
    const sound = pauses.map(([pause, length]) => {
      const from = at + 10 * pause + 1
      at = from + 10 * length + 1
      return { from, to: at }
    })
    const printed = narrate(steps, sound, 30_000)
    const times = printed.map(([, line]) => Number(line.split(" ", 1)[0]))
    assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
    for (const [printedAt, line] of printed) assert.isAtLeast(printedAt, Number(line.split(" ", 1)[0]))
    const count = (text: string) => printed.filter(([, line]) => line.includes(text)).length
    assert.strictEqual(count("caller x"), steps.filter(([, what]) => typeof what === "object" && "event" in what && what.event._tag === "CallerSaid").length)
    assert.isAtMost(count("agent y"), steps.filter(([, what]) => typeof what === "object" && "event" in what && what.event._tag === "AgentSays" && what.event.text === "y").length)
  })
})

describe("lines in order", () => {
  it.prop("come once each in the order of their times, if none is known too late", [
    Schema.Array(Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))]))
  ], ([given]) => {
    const ordered = new OrderedLines({ waitMillis: 100, maxWaitMillis: 500 })
    const printed: Array<{ readonly at: number; readonly text: string }> = []
    for (let now = 0; now <= 1200; now += 10) {
      // None is known more than 100 ms late.
      for (const [index, [at, late]] of given.entries()) {
        if (at + late > now - 10 && at + late <= now) ordered.add({ at, text: `${index}` })
      }
      printed.push(...ordered.takeDue(now))
    }
    printed.push(...ordered.takeAll())
    assert.strictEqual(new Set(printed.map(({ text }) => text)).size, given.length)
    const times = printed.map(({ at }) => at)
    assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
  })
})
