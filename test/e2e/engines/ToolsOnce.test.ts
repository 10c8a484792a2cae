/**
 * Bookings are made once, whatever the caller does and whatever fails: 200 turns over the real HTTP clients, with two hedged
 * language servers and a booking server that is slow, refuses, or loses its answers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import type { Tool } from "../../../src/definition/AgentDefinition.ts"
import type { Message } from "../../../src/conversation/ports/ReplyModel.ts"
import * as FallbackReplyModel from "../../../src/engines/failover/FallbackReplyModel.ts"
import * as OpenAiReplyModel from "../../../src/engines/openai/chat/OpenAiReplyModel.ts"
import * as FakeChatServer from "../../support/engines/FakeChatServer.ts"
import * as FakeHttpServer from "../../support/engines/FakeHttpServer.ts"
import { definition } from "../../support/engines/Bakery.ts"
import * as Replies from "../../support/engines/Replies.ts"

/** Park and Miller's generator (1988). */
const makeChance = (seed: number) => {
  let state = seed
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  return {
    next,
    upTo: (most: number) => Math.floor(next() * (most + 1)),
    oneIn: (count: number) => next() < 1 / count,
    of: <A>(all: ReadonlyArray<A>): A => all[Math.floor(next() * all.length)]
  }
}

const guestsIn = (text: string): ReadonlyArray<number> => [...text.matchAll(/guest (\d+)/g)].map(([, guest]) => Number(guest))

/** A model that calls the tool for each guest that was asked for and has no answer yet. Like real models, it sometimes repeats a call. */
const makeModel = (chance: ReturnType<typeof makeChance>) => ({ messages }: FakeChatServer.ChatRequest): FakeChatServer.Said => {
  const known = new Set<number>()
  const asked: Array<number> = []
  const calls = new Map<string, number>()
  for (const { content, role, tool_call_id: answered, tool_calls: made } of messages) {
    for (const { function: call, id } of made ?? []) calls.set(id, (JSON.parse(call.arguments) as { readonly guest: number }).guest)
    if (role === "tool" && answered !== undefined) known.add(calls.get(answered) ?? -1)
    if (role === "user") asked.push(...guestsIn(content ?? ""))
  }
  const open = [...new Set(asked)].filter((guest) => !known.has(guest))
  const last = asked.at(-1)
  const isRepeating = open.length === 0 && last !== undefined && messages.at(-1)?.role === "user" && chance.oneIn(3)
  // More than four calls at once are refused.
  const wanted = isRepeating ? [last] : open.slice(0, 4)
  if (wanted.length === 0) return { text: "It is done." }
  return {
    ...chance.oneIn(2) ? { text: "One moment." } : {},
    calls: wanted.map((guest) => ({ name: "book", arguments: chance.oneIn(2) ? { guest, day: "Monday" } : { day: "Monday", guest } }))
  }
}

/** Turns that ask for nothing. */
const smallTalk = ["Okay.", "Hello?", "Hello? Okay."]

const hold = (turns: number, seed: number) =>
  Effect.gen(function*() {
    const chance = makeChance(seed)
    /** How often the booking server booked each guest. */
    const booked = new Map<number, number>()
    const bookings = yield* FakeHttpServer.make((exchange) => {
      const { guest } = JSON.parse(exchange.body.toString()) as { readonly guest: number }
      booked.set(guest, (booked.get(guest) ?? 0) + 1)
      const fault = chance.oneIn(8) ? chance.of<FakeHttpServer.Fault>(["hangUp", "silence", FakeHttpServer.refusal(504, "Gateway")]) : undefined
      return FakeHttpServer.send(exchange, { pieces: [`Booked as ${guest}.`] }, { head: chance.upTo(120) }, fault)
    })
    const book: Tool = {
      name: "book",
      description: "Books a table.",
      parameters: { type: "object", properties: { guest: { type: "integer" }, day: { type: "string" } } },
      url: new URL(`${bookings.url}/bookings`),
      timeout: 200
    }

    const model = makeModel(chance)
    const serve = Effect.fnUntraced(function*(name: string) {
      const server: FakeChatServer.FakeChatServer = yield* FakeChatServer.make({
        tools: true,
        latency: { firstToken: 30 },
        say: (request) => {
          if (chance.oneIn(12)) server.faults.next(chance.of<FakeHttpServer.Fault>(["hangUp", "cut", "stall"]))
          return model(request)
        }
      })
      const settings = { url: new URL(server.base), model: Option.some("some-model"), apiKey: Option.none(), voice: Option.none() }
      return { name, engine: yield* OpenAiReplyModel.make(settings, { isPrimed: false }), probe: Effect.void }
    })
    const servers = yield* Effect.forEach(["one", "two"], serve)
    const engine = yield* FallbackReplyModel.make(servers, { hedgeAfter: 25, answerTimeout: 400 })
    const replier = yield* engine.prepare({ ...definition, tools: [book] })
    const tools = yield* Replies.newToolRunner

    const history: Array<Message> = [{ role: "agent", text: "Hello." }]
    let guests = 0
    const begin = (isSettled: boolean) =>
      Effect.forkChild(
        Effect.exit(Replies.askWhole(replier, { history: [...history], state: null }, { tools, settled: isSettled ? Effect.void : Effect.never, timeout: 500 })),
        { startImmediately: true }
      )

    for (let turn = 0; turn < turns; turn++) {
      const text = chance.next() < 0.5 ? `Please book guest ${++guests}.` : chance.of(smallTalk)
      const last = history.at(-1)
      // The caller heard nothing of the answer, and goes on with the same turn.
      if (last?.role === "caller") history[history.length - 1] = { role: "caller", text: `${last.text} ${text}` }
      else history.push({ role: "caller", text })
      tools.onCallerSaid(text)
      // A preemptive reply that is thrown away.
      if (chance.oneIn(3)) {
        const preemptive = yield* begin(false)
        yield* Effect.sleep(chance.upTo(60))
        yield* Fiber.interrupt(preemptive)
      }
      const reply = yield* begin(true)
      const isInterrupted = chance.oneIn(2)
      if (isInterrupted) {
        yield* Effect.sleep(chance.upTo(200))
        yield* Fiber.interrupt(reply)
        continue
      }
      const exit = yield* Fiber.join(reply)
      if (Exit.isFailure(exit)) continue
      const said = exit.value.parts.flatMap((part) => part._tag === "Text" ? [part.text] : []).join("").trim()
      // The caller hears all of it, or only its beginning.
      const heard = chance.oneIn(3) ? said.slice(0, chance.upTo(said.length)) : said
      if (heard !== "") history.push({ role: "agent", text: heard })
      tools.onReplyHeard(exit.value.reply, heard)
    }
    // The model is asked again without interruptions, so that the last answers come.
    for (let tries = 0; tries < 5; tries++) yield* Fiber.join(yield* begin(true))
    return { guests, booked, exchanges: tools.exchanges(-1, "") }
  }).pipe(Effect.scoped)

describe("bookings", () => {
  it.live.each([1, 20_261_128])("of 200 turns are made exactly once, and the model knows of all: seed %i", (seed) =>
    Effect.gen(function*() {
      const { booked, exchanges, guests } = yield* hold(200, seed)
      assert.isAbove(guests, 60)
      const expected = Array.from({ length: guests }, (_, index): [number, number] => [index + 1, 1])
      assert.deepStrictEqual([...booked].toSorted(([a], [b]) => a - b), expected)
      const known = new Set(exchanges.flatMap(({ calls }) => calls.map(({ arguments: json }) => (JSON.parse(json) as { readonly guest: number }).guest)))
      assert.strictEqual(known.size, guests)
      for (const { calls } of exchanges) for (const { answer } of calls) assert.match(answer, /Booked as|nobody knows/)
    }).pipe(Effect.provide(Replies.live)), { timeout: 180_000 })
})
