import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { createServer } from "node:net"
import type { Tool } from "../../../../src/definition/AgentDefinition.ts"
import { Tools, type ToolOutcome } from "../../../../src/conversation/ports/Tools.ts"
import * as EngineHttpClient from "../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as HttpTools from "../../../../src/engines/tools/HttpTools.ts"
import * as FakeHttpServer from "../../../support/engines/FakeHttpServer.ts"

const live = HttpTools.layer.pipe(Layer.provide(EngineHttpClient.layer))

const toolAt = (url: string, timeout = 10_000): Tool => ({
  name: "book",
  description: "Books a table.",
  parameters: {},
  url: new URL(`${url}/bookings`),
  timeout
})

const serve = Effect.fnUntraced(function*(reply: FakeHttpServer.Reply = { pieces: ["Booked ", "as 17."] }, latency: FakeHttpServer.Latency = {}) {
  const faults = FakeHttpServer.faults()
  return { ...(yield* FakeHttpServer.make((exchange) => FakeHttpServer.send(exchange, reply, latency, faults.take()))), faults }
})

const send = (tool: Tool) => Effect.flatMap(Tools, ({ send }) => Effect.flatMap(send(tool, { day: "Monday" }), Fiber.join))

const answered = (text: string): ToolOutcome => ({ _tag: "Answered", text })
const unknown: ToolOutcome = { _tag: "Unknown" }

describe("a tool", () => {
  it.live("is asked by POST, with a key of its own for each request", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const outcomes = [yield* send(toolAt(server.url)), yield* send(toolAt(server.url))]
      assert.deepStrictEqual(outcomes, [answered("Booked as 17."), answered("Booked as 17.")])
      assert.deepStrictEqual(
        server.received.map(({ body, method, path }) => [method, path, JSON.parse(body.toString())]),
        [["POST", "/bookings", { day: "Monday" }], ["POST", "/bookings", { day: "Monday" }]]
      )
      const keys = server.received.map(({ headers }) => String(headers["idempotency-key"]))
      for (const key of keys) assert.match(key, /^[0-9a-f-]{36}$/)
      assert.notStrictEqual(keys[0], keys[1])
    }).pipe(Effect.provide(live)))

  const outcomes: ReadonlyArray<readonly [what: string, fault: FakeHttpServer.Fault, outcome: ToolOutcome]> = [
    ["an error is an answer", FakeHttpServer.refusal(500, "no database"), answered("It failed with status 500. no database")],
    ["a refusal is an answer", FakeHttpServer.refusal(422, "No such day."), answered("It failed with status 422. No such day.")],
    ["an empty answer is \"Done.\"", { pieces: [] }, answered("Done.")],
    ["the outcome behind a broken gateway is unknown", FakeHttpServer.refusal(502, "Bad gateway"), unknown],
    ["the outcome behind a gateway that gave up is unknown", FakeHttpServer.refusal(504, "Timeout"), unknown],
    ["the outcome after silence is unknown", "silence", unknown],
    ["the outcome after a closed connection is unknown", "hangUp", unknown],
    ["half of an answer shows that the work was done", "cut", answered("(The rest of the answer was lost.)")],
    ["an answer that does not end shows that the work was done", "stall", answered("(The rest of the answer was lost.)")],
    ["a very long answer is shortened", { pieces: ["word ".repeat(100_000)] }, answered(`${"word ".repeat(800)}…`)]
  ]
  for (const [what, fault, outcome] of outcomes) {
    it.live(`is asked once: ${what}`, () =>
      Effect.gen(function*() {
        const server = yield* serve()
        server.faults.always(fault)
        const got = yield* send(toolAt(server.url, fault === "silence" || fault === "stall" ? 300 : 10_000))
        // The network decides how much of half an answer arrives.
        const whole = got._tag === "Answered" ? { ...got, text: got.text.replace(/^Booked +(?=\(The rest)/, "") } : got
        assert.deepStrictEqual(whole, outcome)
        assert.strictEqual(server.received.length, 1)
      }).pipe(Effect.provide(live)))
  }

  it.live("was surely not asked if nobody listens at its address", () =>
    Effect.gen(function*() {
      const port = yield* Effect.promise(() =>
        new Promise<number>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => {
            const address = server.address()
            server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
          })
        })
      )
      assert.deepStrictEqual(yield* send(toolAt(`http://127.0.0.1:${port}`)), { _tag: "NotSent" })
    }).pipe(Effect.provide(live)))

  it.live("is waited for up to its time-out, and is not stopped when the code that waits is", () =>
    Effect.gen(function*() {
      const server = yield* serve(undefined, { head: 1200 })
      const { send } = yield* Tools
      const request = yield* send(toolAt(server.url), {})
      const waiting = yield* Effect.forkChild(Fiber.join(request), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* Fiber.join(request), answered("Booked as 17."))
      assert.isFalse(server.received[0].isClosedByClient())
    }).pipe(Effect.provide(live)))
})
