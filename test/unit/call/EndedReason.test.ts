import { assert, describe, it } from "@effect/vitest"
import type { CallState, EndReason, StreamEnd } from "../../../src/call/CallState.ts"
import * as EndedReason from "../../../src/call/EndedReason.ts"

const closed = (reason: EndReason): StreamEnd => ({ _tag: "Closed", reason })

describe("at the end of a stream watchers learn", () => {
  it.each<readonly [string, StreamEnd | undefined, CallState["transfer"], string | undefined]>([
    ["that the caller hung up, when Twilio stops the stream", { _tag: "Stopped" }, "none", "callerHungUp"],
    ["that the caller hung up, when Twilio's final status came first", closed("completed"), "none", "callerHungUp"],
    ["nothing, when the socket was lost: nobody hung up", { _tag: "Lost" }, "none", undefined],
    ["nothing, when another stream took its place", closed("streamLost"), "none", undefined],
    ["nothing, when it is not known how the stream ended", undefined, "none", undefined],
    ["why this side closed it", closed("tooLong"), "none", "tooLong"],
    ["that the operator asked for the end", closed("requested"), "none", "requested"],
    ["that the call was transferred, when Twilio stops the stream after a transfer", { _tag: "Stopped" }, "done", "transferred"],
    ["that the call was transferred, when the socket was lost during the transfer", { _tag: "Lost" }, "done", "transferred"],
    ["that the call was transferred, when Twilio ends the stream before it answers", { _tag: "Stopped" }, "asked", "transferred"],
    ["nothing, when the socket was lost before Twilio answered", { _tag: "Lost" }, "asked", undefined],
    ["nothing, when another stream took its place before Twilio answered", closed("streamLost"), "asked", undefined]
  ])("%s", (_, end, transfer, expected) => {
    assert.strictEqual(EndedReason.ofStream(end, transfer), expected)
  })
})
