import { assert, describe, it } from "@effect/vitest"
import { historyUnreachable } from "../../../../../src/http/api/history/Unreachable.ts"
import { RecordingUnreachable } from "../../../../../src/store/recording/CallRecordings.ts"

describe("a recording that can't be read now", () => {
  it("may be asked for again soon if a folder or a bucket does not answer", () => {
    const { detail, retry_after: seconds } = historyUnreachable(new RecordingUnreachable({ cause: "timeout" }))
    assert.include(detail, "Try again soon")
    assert.strictEqual(seconds, 5)
  })

  it("is not worth another attempt if its key is missing", () => {
    const { detail, retry_after: seconds } = historyUnreachable(new RecordingUnreachable({ cause: "sealed", whyNotOpened: "Add that key." }))
    assert.include(detail, "Add that key.")
    assert.isUndefined(seconds)
  })
})
