/** Tools whose requests are kept, and answered when the test says so. */
import { Deferred, Effect, Result, type Schema } from "effect"
import type { Tool } from "../../../src/definition/AgentDefinition.ts"
import { type ToolCall, type ToolOutcome, Tools } from "../../../src/conversation/ports/Tools.ts"

export const toolOf = (name: string, repeatable = false): Tool => ({
  name,
  description: "A tool of a test.",
  parameters: {},
  url: new URL("http://127.0.0.1:9/"),
  timeout: 3000,
  repeatable
})

export const callOf = (tool: Tool, value: Schema.Json = {}, id = "call"): ToolCall => ({
  id,
  name: tool.name,
  arguments: JSON.stringify(value),
  request: Result.succeed({ tool, value })
})

export const make = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const sent: Array<{ readonly name: string; readonly value: Schema.Json; readonly answer: Deferred.Deferred<ToolOutcome> }> = []
  const tools = Tools.of({
    send: (tool, value) =>
      Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<ToolOutcome>()
        sent.push({ name: tool.name, value, answer })
        return Effect.forkIn(Deferred.await(answer), scope)
      })
  })
  return {
    tools,
    sent,
    /** Answers the request of this number. */
    answer: (index: number, outcome: ToolOutcome | string = "Done.") =>
      Deferred.succeed<ToolOutcome, never>(sent[index].answer, typeof outcome === "string" ? { _tag: "Answered", text: outcome } : outcome)
  }
})
