import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as ChatStream from "../../../../../src/engines/openai/chat/ChatStream.ts"
import * as ModelActions from "../../../../../src/engines/openai/chat/ModelActions.ts"
import * as RequestedActions from "../../../../../src/engines/openai/chat/RequestedActions.ts"
import type { WrittenAction } from "../../../../../src/engines/openai/chat/ReplyRound.ts"
import { PhoneNumber } from "../../../../../src/domain/PhoneNumber.ts"

const actions = Result.getOrThrow(ModelActions.make({
  transfers: { billing: PhoneNumber.make("+14155550123") },
  tools: [{ name: "status", description: "Looks up an order.", parameters: { properties: {} }, url: new URL("http://127.0.0.1:1/"), timeout: 1000 }]
}))

type ServerCall = readonly [name: string, json: string]

/** The actions of an answer with these lines in its text and these tool calls. */
const requested = (lines: ReadonlyArray<string>, calls: ReadonlyArray<ServerCall> = [], isLastRound = false) => {
  const writtenActions = lines.map((body): WrittenAction => ({ body, action: actions.fromLine(body) }))
  const [answered] = ChatStream.add(ChatStream.empty, {
    choices: [{ delta: { tool_calls: calls.map(([name, json], index) => ({ index, id: `call_${index}`, function: { name, arguments: json } })) } }]
  })
  const result = RequestedActions.of({ answered, writtenActions }, { history: [{ role: "caller", text: "Hello." }], isLastRound }, actions)
  return {
    parts: result.parts.map((part) => part._tag === "Digits" ? part.digits : part._tag),
    calls: result.calls.map(({ id, name, request }) => [id, name, Result.isSuccess(request) ? "asked" : request.failure.answer])
  }
}

describe("actions of an answer", () => {
  it("happen in their order, and none after the hang-up or transfer", () => {
    assert.deepStrictEqual(requested(["press:1", "transfer:billing", "press:2", "hang_up"]).parts, ["1", "Transfer"])
  })

  it("happen even if the answer also calls a tool", () => {
    assert.deepStrictEqual(requested(["hang_up", "call:status {}"]), { parts: ["HangUp"], calls: [["line_1_0_1", "status", "asked"]] })
  })

  it("ask the model again only if it needs a result", () => {
    assert.deepStrictEqual(requested([], [["hang_up", "{}"]]), { parts: ["HangUp"], calls: [] })
    assert.deepStrictEqual(requested(["press:1"]).calls, [])
  })

  it("each get an answer if the server sent them as tool calls", () => {
    assert.deepStrictEqual(requested([], [["press_keys", "{\"keys\":\"1\"}"], ["status", "{}"]]).calls, [
      ["call_0", "press_keys", "It will be done after you have spoken."],
      ["call_1", "status", "asked"]
    ])
  })

  it("that can't be done go back to the model", () => {
    assert.deepStrictEqual(requested(["dance"]), { parts: [], calls: [["line_1_0_0", "", "That line is not an action."]] })
    assert.deepStrictEqual(requested([], [["order", "{}"]]).calls, [["call_0", "order", "There is no tool of that name. The tools are: status."]])
  })

  it("call four tools at once, and refuse further calls", () => {
    const calls = requested([], Array.from({ length: 6 }, (): ServerCall => ["status", "{}"])).calls
    assert.deepStrictEqual(calls.map(([, , outcome]) => outcome), ["asked", "asked", "asked", "asked", "Too many calls at once.", "Too many calls at once."])
  })

  it("happen in the last round, too, but call no tool", () => {
    assert.deepStrictEqual(requested(["hang_up"], [["status", "{}"]], true), { parts: ["HangUp"], calls: [] })
  })
})
