import { assert, describe, it } from "@effect/vitest"
import * as RequestPace from "../../../../../src/engines/openai/transcription/RequestPace.ts"

type Event = readonly ["answered" | "aborted", number] | "failed"

const isQuick = (...events: ReadonlyArray<Event>): boolean => {
  const pace = RequestPace.make()
  for (const event of events) {
    if (event === "failed") pace.noteFailure()
    else if (event[0] === "answered") pace.noteAnswer(event[1])
    else pace.noteAbort(event[1])
  }
  return pace.isQuick(300)
}

const rows: ReadonlyArray<readonly [title: string, isQuick: boolean, ...events: ReadonlyArray<Event>]> = [
  ["counts as quick before its first answer", true],
  ["is quick if it answers before the pause ends", true, ["answered", 299]],
  ["is slow if it answers later", false, ["answered", 300]],
  ["is as quick as its newest answer", true, ["answered", 2000], ["answered", 100]],
  ["is as slow as its newest answer", false, ["answered", 100], ["answered", 2000]],
  ["stays quick when a request is soon aborted", true, ["answered", 100], ["aborted", 200]],
  ["is slow when a request is aborted after a long time", false, ["answered", 100], ["aborted", 400]],
  ["is not asked again when its very first request was aborted", false, ["aborted", 10]],
  ["stays slow however many requests are aborted", false, ["answered", 2000], ["aborted", 10], ["aborted", 10]],
  ["is not asked after a failure", false, ["answered", 100], "failed"],
  ["is not asked after a failure and an aborted request", false, ["answered", 100], "failed", ["aborted", 10]],
  ["is asked again once it has answered", true, "failed", ["aborted", 900], ["answered", 100]]
]

describe("a server", () => {
  for (const [title, expected, ...events] of rows) it(title, () => assert.strictEqual(isQuick(...events), expected))
})
