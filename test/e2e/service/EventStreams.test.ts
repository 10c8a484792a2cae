import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { request, type IncomingMessage } from "node:http"
import { CallSid } from "../../../src/domain/Sid.ts"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { CallStore } from "../../../src/store/CallStore.ts"
import { Database } from "../../../src/store/Database.ts"
import * as WordRemoval from "../../../src/store/retention/WordRemoval.ts"
import { runner } from "../../../src/store/Statements.ts"
import { converse } from "../../support/service/Conversing.ts"
import * as Service from "../../support/service/Service.ts"
import { awaitFrames, place, speaker } from "../../support/service/Talk.ts"

/** Opens a call's event stream, and reads nothing yet. */
const open = (url: string) =>
  Effect.callback<IncomingMessage>((resume) => {
    request(url, { headers: { authorization: `Bearer ${Service.apiKey}` } }, (answer) => resume(Effect.succeed(answer.pause()))).end()
  })

/** All that comes until the end; `isCut`: the connection was cut before the end of the answer. */
const readAll = (answer: IncomingMessage) =>
  new Promise<{ readonly text: string; readonly isCut: boolean }>((resolve) => {
    let text = ""
    answer.setEncoding("utf8").on("data", (piece) => text += piece)
    answer.on("error", () => {})
    answer.on("close", () => resolve({ text, isCut: !answer.complete }))
    answer.resume()
  })

layer(NodeServices.layer, { excludeTestServices: true })("the event stream of a call", (it) => {
  it.effect("gets its last event when the service stops, also if the client reads slowly", () =>
    Effect.gen(function*() {
      const reading = yield* Effect.gen(function*() {
        const both = { service: yield* Service.Service, simulator: yield* Simulator }
        const { service } = both
        const call = yield* place(both, { caller: speaker })
        yield* awaitFrames(call, 20)
        // More than the sockets' buffers hold.
        const { whenSettled, write } = yield* CallStore
        for (let sequence = 0; sequence < 2000; sequence++) {
          write({ _tag: "EventTold", callSid: CallSid.make(call.sid), sequence, at: 0, event: { _tag: "AgentHeard", text: "word ".repeat(2000) } })
        }
        yield* whenSettled(CallSid.make(call.sid))
        const answer = yield* open(`${service.url}/calls/${call.sid}/events`)
        assert.strictEqual(answer.statusCode, 200)
        // The service is stopping by then.
        return { read: new Promise<void>((resolve) => setTimeout(resolve, 500)).then(() => readAll(answer)) }
      }).pipe(Effect.provide(Service.layer()), Effect.scoped)
      const { isCut, text } = yield* Effect.promise(() => reading.read)
      assert.isFalse(isCut)
      assert.match(text, /event: Outcome\ndata: .*"reason":"shutdown"/)
    }), 60_000)

  it.effect("of an ended call has no words any more once the history has none, whoever deleted them", () =>
    Effect.gen(function*() {
      const both = { service: yield* Service.Service, simulator: yield* Simulator }
      const { call, over } = yield* converse(both, ({ heardOut }) => [heardOut(), Caller.Step.HangUp()])
      yield* over
      const events = both.service.ask(`/calls/${call.sid}/events`, { headers: { authorization: `Bearer ${Service.apiKey}` } })
      assert.include((yield* events).text, "Maple Dental")
      // As the hourly sweep does, or another process that erases the call.
      const { dialect, query, sql } = yield* Database
      yield* query(WordRemoval.removeWords(runner(sql, dialect), call.sid, null))
      const { status, text } = yield* events
      assert.strictEqual(status, 200)
      assert.notInclude(text, "Maple Dental")
      assert.match(text, /^event: Outcome\ndata: [^\n]+\n\n$/)
    }).pipe(Effect.provide(Service.layer({ env: { AGENT: "receptionist" } })), Effect.scoped), 60_000)
})
