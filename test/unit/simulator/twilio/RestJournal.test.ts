import { assert, describe, it } from "@effect/vitest"
import { RestFault } from "../../../../src/simulator/twilio/Faults.ts"
import type { RestRequest } from "../../../../src/simulator/twilio/RestApi.ts"
import { RestJournal } from "../../../../src/simulator/twilio/RestJournal.ts"

const get: RestRequest = { method: "GET", path: "/", parameters: {}, authorized: true }
const post: RestRequest = { ...get, method: "POST" }

describe("the journal of REST requests", () => {
  it("gives each request the next fault of the list, and none when the list is used up", () => {
    const journal = new RestJournal([RestFault.Hang(), RestFault.Cut()])
    assert.deepStrictEqual([get, post, get].map((request) => journal.receive(request)._tag), ["Hang", "Cut", "Pass"])
    assert.deepStrictEqual(journal.requests, [get, post, get])
  })

  it("asks a function for the fault of each request, and accepts other faults at any time", () => {
    const journal = new RestJournal((request) => request.method === "POST" ? RestFault.Hang() : undefined)
    assert.deepStrictEqual([get, post].map((request) => journal.receive(request)._tag), ["Pass", "Hang"])
    journal.setFaults([])
    assert.strictEqual(journal.receive(post)._tag, "Pass")
  })
})
