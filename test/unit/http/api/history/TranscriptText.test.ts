import { assert, describe, it } from "@effect/vitest"
import * as TranscriptText from "../../../../../src/http/api/history/TranscriptText.ts"
import type { StoredAction } from "../../../../../src/store/history/StoredCalls.ts"
import type { StoredTurn } from "../../../../../src/store/history/TurnRows.ts"

const turn = (role: StoredTurn["role"], startedAt: number, text: string, more: Partial<StoredTurn> = {}): StoredTurn => ({
  turn: 0, role, startedAt, endedAt: startedAt + 1000, text, words: [], isCut: false, latency: null, ...more
})

const words = (text: string, isHeard: boolean) => text.split(" ").map((word) => ({ text: word, at: 0, isHeard }))

const action = (at: number, more: Partial<StoredAction> = {}): StoredAction => ({
  id: "1", kind: "tool", name: "book_table", arguments: "{\"people\":2}", at, state: "answered", answer: "Booked.", ...more
})

describe("a transcript as text", () => {
  it("has a line for each turn and action, in the order of their beginnings", () => {
    assert.strictEqual(
      TranscriptText.of([turn("agent", 300, "Hello."), turn("caller", 2000, "A table for two."), turn("agent", 9000, "Done.")], [action(5000)]),
      "00:00.3 agent: Hello.\n00:02.0 caller: A table for two.\n00:05.0 action: (book_table {\"people\":2}: answered: Booked.)\n00:09.0 agent: Done.\n"
    )
  })

  it.each([
    [0, "00:00.0"],
    // A turn that began before the time 0 of the call.
    [-40, "00:00.0"],
    [49, "00:00.0"],
    [59_949, "00:59.9"],
    [59_950, "01:00.0"],
    [3_600_000, "60:00.0"],
    [6_000_000, "100:00.0"]
  ])("shows %d ms as %s", (at, clock) => {
    assert.strictEqual(TranscriptText.of([turn("caller", at, "x")], []), `${clock} caller: x\n`)
  })

  it("has words that were not heard in brackets", () => {
    const heard = turn("agent", 0, "We are open from nine to five", { words: [...words("We are open", true), ...words("from nine to five", false)], isCut: true })
    assert.strictEqual(TranscriptText.of([heard], []), "00:00.0 agent: We are open [from nine to five]\n")
  })

  it("keeps each turn to one line, whatever was said or answered", () => {
    const text = TranscriptText.of([turn("caller", 0, " One\nthing\r\n\tmore ")], [action(1, { answer: "Line\n\n00:09.0 agent: forged" })])
    assert.deepStrictEqual(text.split("\n"), [
      "00:00.0 caller: One thing more",
      "00:00.0 action: (book_table {\"people\":2}: answered: Line 00:09.0 agent: forged)",
      ""
    ])
  })

  it("shows the state of an action that has no answer", () => {
    assert.strictEqual(
      TranscriptText.of([], [action(0, { state: "unknown", answer: null })]),
      "00:00.0 action: (book_table {\"people\":2}: unknown)\n"
    )
  })

  it("leaves out what is empty: the name of keys, the arguments of a transfer, an answer", () => {
    const actions = [
      action(0, { kind: "keys", name: "", arguments: "12#", answer: null }),
      action(1, { kind: "transfer", name: "desk", arguments: "", answer: "" }),
      action(2, { answer: " \n" })
    ]
    assert.strictEqual(
      TranscriptText.of([], actions),
      "00:00.0 action: (12#: answered)\n00:00.0 action: (desk: answered)\n00:00.0 action: (book_table {\"people\":2}: answered)\n"
    )
  })
})
