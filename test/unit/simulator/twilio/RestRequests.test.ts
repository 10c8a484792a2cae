import { assert, describe, it } from "@effect/vitest"
import { RestFault } from "../../../../src/simulator/twilio/Faults.ts"
import type { RestRequest } from "../../../../src/simulator/twilio/RestApi.ts"
import { RestRequests } from "../../../../src/simulator/twilio/RestRequests.ts"

const get: RestRequest = { method: "GET", path: "/", parameters: {}, authorized: true }
const post: RestRequest = { ...get, method: "POST" }

describe("the REST requests", () => {
  it("gives each request the next fault of the list, and none when the list is used up", () => {
    const restRequests = new RestRequests([RestFault.Hang(), RestFault.Cut()])
    assert.deepStrictEqual([get, post, get].map((request) => restRequests.receive(request)._tag), ["Hang", "Cut", "Pass"])
    assert.deepStrictEqual(restRequests.requests, [get, post, get])
  })

  it("asks a function for the fault of each request, and accepts other faults at any time", () => {
    const restRequests = new RestRequests((request) => request.method === "POST" ? RestFault.Hang() : undefined)
    assert.deepStrictEqual([get, post].map((request) => restRequests.receive(request)._tag), ["Pass", "Hang"])
    restRequests.setFaults([])
    assert.strictEqual(restRequests.receive(post)._tag, "Pass")
  })
})
