import { assert, describe, it } from "@effect/vitest"
import type { EndReason, StreamEnd } from "../../../src/call/CallState.ts"
import * as StreamEnds from "../../../src/call/StreamEnds.ts"

const closed = (reason: EndReason): StreamEnd => ({ _tag: "Closed", reason })

describe("the end of a stream tells watchers", () => {
  it.each<readonly [string, StreamEnd | undefined, boolean, string | undefined]>([
    ["that the caller hung up, at Twilio's stop", { _tag: "Stopped" }, false, "callerHungUp"],
    ["the same, when Twilio's final status came first", closed("completed"), false, "callerHungUp"],
    ["nothing, when the socket was lost: nobody hung up", { _tag: "Lost" }, false, undefined],
    ["nothing, when another stream took its place", closed("streamLost"), false, undefined],
    ["nothing, when it is not known how it ended", undefined, false, undefined],
    ["why this side closed it", closed("tooLong"), false, "tooLong"],
    ["that the operator asked for it", closed("requested"), false, "requested"],
    ["that the call was transferred, whatever the stream says", { _tag: "Stopped" }, true, "transferred"],
    ["that the call was transferred, when the socket was lost during the transfer", { _tag: "Lost" }, true, "transferred"]
  ])("%s", (_, end, isTransferring, expected) => {
    assert.strictEqual(StreamEnds.tellable(end, isTransferring), expected)
  })
})
