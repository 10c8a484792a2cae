import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PlaybackLedger from "../../../../src/conversation/turn/PlaybackLedger.ts"

const segments = (...texts: ReadonlyArray<string>): ReadonlyArray<PlaybackLedger.Segment> =>
  texts.map((text, id) => PlaybackLedger.wordSegment(id, text))

/** Ten characters, 100 ms each. */
const playing = { ...PlaybackLedger.wordSegment(0, "one two th"), duration: 1000, playedFrom: 500 }

describe("the heard text", () => {
  it("grows with the time of a segment whose duration is known", () => {
    assert.deepStrictEqual(PlaybackLedger.divide([playing], 500), { heard: "", unheard: ["one two th"] })
    assert.deepStrictEqual(PlaybackLedger.divide([playing], 900), { heard: "one", unheard: ["two th"] })
    assert.deepStrictEqual(PlaybackLedger.divide([playing], 1450), { heard: "one two", unheard: ["th"] })
    assert.deepStrictEqual(PlaybackLedger.divide([playing], 1500), { heard: "one two th", unheard: [] })
  })

  it("is estimated by the speed of speech while the duration is not known", () => {
    const [unknown] = segments("x".repeat(15))
    assert.strictEqual(PlaybackLedger.durationOfAll([unknown]), 1000)
    assert.strictEqual(PlaybackLedger.durationOfAll([{ ...unknown, duration: 700 }]), 700)
  })

  it("has nothing of a segment that has not begun to play", () =>
    assert.deepStrictEqual(PlaybackLedger.divide(segments("One.", "Two."), 60_000), { heard: "", unheard: ["One.", "Two."] }))

  it("has all confirmed segments and a part of the next one", () => {
    const [first, second, third] = PlaybackLedger.confirm(segments("We are open.", "Come in now.", "Bye."), 0, 2000)
    assert.deepStrictEqual(PlaybackLedger.divide([first, { ...second, duration: 1200 }, third], 2800), {
      heard: "We are open. Come in",
      unheard: ["now.", "Bye."]
    })
  })

  it("leave out the notice that the stream was lost, and nothing after it counts as heard while it plays", () => {
    const notice = { ...PlaybackLedger.wordSegment(0, "Sorry, we were cut off."), isNotice: true, duration: 1000, playedFrom: 500 }
    // Its sound was sent while the notice played.
    const answer = { ...PlaybackLedger.wordSegment(1, "one two three"), duration: 1300, playedFrom: 700 }
    assert.deepStrictEqual(PlaybackLedger.divide([notice, answer], 1400), { heard: "", unheard: ["one two three"] })
    assert.deepStrictEqual(PlaybackLedger.divide([notice, answer], 1900), { heard: "one", unheard: ["two three"] })
    assert.deepStrictEqual(PlaybackLedger.divide([{ ...notice, isHeard: true }, { ...answer, playedFrom: 1500 }], 1900), { heard: "one", unheard: ["two three"] })
    const { playedFrom: _unknown, ...unsent } = notice
    assert.deepStrictEqual(PlaybackLedger.divide([unsent, answer], 60_000), { heard: "", unheard: ["one two three"] })
  })

  it("has nothing after a segment that was cut", () => {
    const [second] = PlaybackLedger.divide([playing, { ...playing, id: 1 }], 900).unheard.slice(1)
    assert.strictEqual(second, "one two th")
  })
})

describe("a mark that came back", () => {
  it("confirms its segment and starts the next one", () =>
    assert.deepStrictEqual(PlaybackLedger.confirm(segments("One.", "Two.", "Three."), 0, 700), [
      { id: 0, text: "One.", isHeard: true },
      { id: 1, text: "Two.", isHeard: false, playedFrom: 700 },
      { id: 2, text: "Three.", isHeard: false }
    ]))

  it("confirms the segments before it too", () =>
    assert.deepStrictEqual(PlaybackLedger.confirm(segments("One.", "Two.", "Three."), 1, 700).map(({ isHeard }) => isHeard), [true, true, false]))

  it("confirms nothing if its segment is unknown", () => {
    for (const id of [7, -1]) {
      const before = segments("One.", "Two.")
      assert.isFalse(PlaybackLedger.confirm(before, id, 700).some(({ isHeard }) => isHeard), String(id))
      assert.deepStrictEqual(PlaybackLedger.divide(PlaybackLedger.confirm(before, id, 700), 9000), PlaybackLedger.divide(before, 9000))
    }
  })

  it("changes nothing when it comes again or late", () => {
    const once = PlaybackLedger.confirm(segments("One.", "Two.", "Three."), 1, 700)
    assert.deepStrictEqual(PlaybackLedger.confirm(once, 0, 900), once)
    assert.deepStrictEqual(PlaybackLedger.confirm(once, 1, 900), once)
  })
})

const Played = Schema.Struct({
  words: Schema.Array(Schema.Literals(["a", "the", "open", "nine,", "half-past", "appointment."])).check(Schema.isMinLength(1), Schema.isMaxLength(8)),
  duration: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 })))
})
const Story = Schema.Array(Played).check(Schema.isMaxLength(6))
const Marks = Schema.Array(Schema.Struct({
  id: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 7 })),
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))
})).check(Schema.isMaxLength(8))

describe("for any reply and any marks", () => {
  const segmentsOf = (story: typeof Story.Type) =>
    story.map(({ duration, words }, id): PlaybackLedger.Segment => ({
      ...PlaybackLedger.wordSegment(id, words.join(" ")),
      ...(duration === undefined ? {} : { duration }),
      ...(id === 0 ? { playedFrom: 0 } : {})
    }))

  it.prop("heard text and rest have all words in order, and no word is cut", [
    Story,
    Marks,
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 }))
  ], ([story, marks, later]) => {
    let at = 0
    let state: ReadonlyArray<PlaybackLedger.Segment> = segmentsOf(story)
    for (const { after, id } of marks) state = PlaybackLedger.confirm(state, id, at += after)
    const { heard, unheard } = PlaybackLedger.divide(state, at + later)
    const words = [heard, ...unheard].join(" ").split(" ").filter((word) => word !== "")
    assert.deepStrictEqual(words, story.flatMap(({ words }) => words))
    assert.isTrue(unheard.every((piece) => piece.length > 0))
  }, { arbitrary: { runs: 500 } })

  it.prop("the heard text only grows, by marks and by time", [Story, Marks], ([story, marks]) => {
    let at = 0
    let state: ReadonlyArray<PlaybackLedger.Segment> = segmentsOf(story)
    let confirmed = 0
    for (const { after, id } of marks) {
      const before = PlaybackLedger.divide(state, at).heard
      assert.isTrue(PlaybackLedger.divide(state, at += after).heard.startsWith(before))
      state = PlaybackLedger.confirm(state, id, at)
      const now = state.filter(({ isHeard }) => isHeard).length
      assert.isAtLeast(now, confirmed)
      assert.isTrue(state.slice(0, now).every(({ isHeard }) => isHeard))
      confirmed = now
    }
  }, { arbitrary: { runs: 500 } })
})
