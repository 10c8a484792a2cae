import { assert, describe, it } from "@effect/vitest"
import type { Message } from "../../../../../../src/conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../../../../src/conversation/ports/Tools.ts"
import * as ChatRequest from "../../../../../../src/engines/openai/chat/ChatRequest.ts"
import * as Dialect from "../../../../../../src/engines/openai/chat/Dialect.ts"
import * as HistoryBudget from "../../../../../../src/engines/openai/chat/context/HistoryBudget.ts"
import * as TokenLimits from "../../../../../../src/engines/openai/chat/context/TokenLimits.ts"
import * as TokenEstimate from "../../../../../../src/engines/openai/chat/context/TokenEstimate.ts"

const looksUp = (name: string) => name === "look_up"

/** Numbers from 0 to 1, the same for each seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Asked {
  readonly history: ReadonlyArray<Message>
  readonly exchanges: ReadonlyArray<ToolExchange>
}

/** The requests of a call, as a conversation makes them: after words of the caller, and after answers of tools. */
const requestsOf = (seed: number, turns: number): ReadonlyArray<Asked> => {
  const random = randomOf(seed)
  const words = (most: number) => Array.from({ length: 1 + Math.floor(random() * most) }, (_, at) => ["yes", "Tuesday", "please", "Überweisung", "订单"][(at + Math.floor(random() * 5)) % 5]).join(" ")
  const requests: Array<Asked> = []
  const history: Array<Message> = [{ role: "agent", text: "Hello." }]
  const exchanges: Array<ToolExchange> = []
  const ask = () => void requests.push({ history: history.slice(), exchanges: exchanges.slice() })
  for (let turn = 0; turn < turns; turn++) {
    history.push({ role: "caller", text: `Turn ${turn}: ${words(25)}` })
    ask()
    for (let rounds = Math.floor(random() * 3); rounds > 0 && random() < 0.4; rounds--) {
      const id = `call_${requests.length}`
      const answer = "result ".repeat(1 + Math.floor(random() * random() * 300))
      exchanges.push({
        at: history.length,
        said: random() < 0.5 ? "One moment." : "",
        calls: random() < 0.3
          ? [{ id, name: "look_up", arguments: "{}", answer }, { id: `${id}b`, name: "book", arguments: `{"turn":${turn}}`, answer: "Booked." }]
          : [{ id, name: random() < 0.5 ? "book" : "look_up", arguments: `{"turn":${turn}}`, answer }]
      })
      ask()
    }
    // Sometimes the caller heard nothing of the answer.
    if (random() < 0.9) history.push({ role: "agent", text: words(40) })
  }
  return requests
}

const room: TokenLimits.HistoryRoom = { maxTokens: 900, maxTokensAfterCut: 540 }
const unbounded: TokenLimits.HistoryRoom = { maxTokens: Number.POSITIVE_INFINITY, maxTokensAfterCut: Number.POSITIVE_INFINITY }
const seeds = Array.from({ length: 12 }, (_, seed) => seed)
const dialects = [Dialect.expectedOf("google/gemma-3-27b-it", "auto"), Dialect.expectedOf("some-model", "auto")]

const messagesOf = (asked: Asked, dialect: Dialect.Dialect, bound: TokenLimits.HistoryRoom = room) => {
  const kept = HistoryBudget.keep(asked.history, asked.exchanges, bound, looksUp)
  return ChatRequest.messages("S", kept.history, kept.exchanges, dialect, { note: kept.note })
}

describe("the part of a call that is kept", () => {
  it("is all of the call while the window is unknown", () => {
    for (const asked of requestsOf(1, 30)) {
      assert.deepStrictEqual(HistoryBudget.keep(asked.history, asked.exchanges, undefined, looksUp), { ...asked, dropped: 0 })
    }
  })

  it("has tool calls with their answers and the caller's newest words, and alternates between caller and agent", () => {
    for (const seed of seeds) {
      for (const asked of requestsOf(seed, 40)) {
        for (const dialect of dialects) {
          const messages = messagesOf(asked, dialect)
          const newest = asked.history.findLast(({ role }) => role === "caller")
          assert.isTrue(messages.some(({ content, role }) => role === "user" && content?.includes(newest?.text ?? "?") === true))
          let open: ReadonlyArray<string> = []
          for (const [at, message] of messages.entries()) {
            if (message.role === "tool") {
              assert.strictEqual(message.tool_call_id, open[0])
              open = open.slice(1)
              continue
            }
            assert.deepStrictEqual(open, [])
            if ("tool_calls" in message) open = (message.tool_calls ?? []).map(({ id }) => id)
            const before = messages.at(at - 1)
            if (at > 0 && before !== undefined && before.role !== "system") {
              assert.strictEqual(message.role, before.role === "assistant" ? "user" : "assistant")
            }
          }
          assert.deepStrictEqual(open, [])
        }
      }
    }
  })

  it("fits into its room", () => {
    for (const seed of seeds) {
      for (const asked of requestsOf(seed, 40)) {
        for (const dialect of dialects) {
          const tokens = messagesOf(asked, dialect).slice(1).reduce((sum, message) => sum + TokenEstimate.ofMessage(message), 0)
          // The tokens may exceed the room a little, because a tool's answer keeps at least 100 characters.
          assert.isAtMost(tokens, room.maxTokens * 1.05)
        }
      }
    }
  })

  it("begins like the request before, except for a few cuts in a call of 200 turns", () => {
    const large: TokenLimits.HistoryRoom = { maxTokens: 3000, maxTokensAfterCut: 1800 }
    for (const seed of [1, 2]) {
      const requests = requestsOf(seed, 200)
      for (const dialect of dialects) {
        let before = ""
        let cuts = 0
        for (const asked of requests) {
          const rendered = messagesOf(asked, dialect, large).map((message) => JSON.stringify(message)).join("\n")
          // The last message may become longer if the caller says more.
          if (!rendered.startsWith(before.slice(0, before.lastIndexOf("\n")))) cuts++
          before = rendered
        }
        const all = messagesOf(requests[requests.length - 1], dialect, unbounded).reduce((sum, message) => sum + TokenEstimate.ofMessage(message), 0)
        assert.isAbove(cuts, 0)
        // Each cut leaves out at least the difference between the two bounds.
        assert.isAtMost(cuts, all / (large.maxTokens - large.maxTokensAfterCut))
        assert.isAbove(requests.length / cuts, 8)
      }
    }
  })

  it("has a note about what is left out, with the calls of tools that have an effect", () => {
    const long = "What else is there to say? ".repeat(12)
    const history: ReadonlyArray<Message> = [
      { role: "caller", text: "Book Tuesday." },
      { role: "agent", text: "Done." },
      ...Array.from({ length: 20 }, (_, at): Message => ({ role: at % 2 === 0 ? "caller" : "agent", text: long })),
      { role: "caller", text: "Thanks." }
    ]
    const exchanges: ReadonlyArray<ToolExchange> = [{
      at: 1,
      said: "",
      calls: [{ id: "1", name: "book", arguments: "{\"day\":\"Tuesday\"}", answer: "Reference A-17." }, { id: "2", name: "look_up", arguments: "{}", answer: "Free." }]
    }]
    const kept = HistoryBudget.keep(history, exchanges, room, looksUp)
    assert.isAbove(kept.dropped, 0)
    assert.deepStrictEqual(kept.exchanges, [])
    assert.match(kept.note ?? "", /are left out\.[^]*book \{"day":"Tuesday"\}: Reference A-17\./)
    assert.notMatch(kept.note ?? "", /look_up/)
    const [, first] = ChatRequest.messages("S", kept.history, kept.exchanges, dialects[1], { note: kept.note })
    assert.isTrue(first.role === "user" && first.content?.startsWith(`${kept.note}\n`) === true)
  })

  it("shortens the longest answers of tools if nothing else can be left out", () => {
    const history: ReadonlyArray<Message> = [{ role: "caller", text: "Where is it?" }]
    const answers = ["short", "x".repeat(20_000), "y".repeat(400)]
    const exchanges = answers.map((answer, at): ToolExchange => ({ at: 1, said: "", calls: [{ id: `${at}`, name: "look_up", arguments: "{}", answer }] }))
    const kept = HistoryBudget.keep(history, exchanges, room, looksUp)
    const lengths = kept.exchanges.map(({ calls: [{ answer }] }) => answer.length)
    assert.deepStrictEqual([lengths[0], lengths[2]], [5, 400])
    assert.isAbove(lengths[1], 1000)
    assert.isBelow(lengths[1], 3500)
  })
})

describe("the estimate of tokens", () => {
  // Each tokenizer counts differently. These ranges hold the usual ones.
  const table: ReadonlyArray<readonly [text: string, least: number, most: number]> = [
    ["Hello. How can I help you today?", 8, 12],
    ["I would like to book a table for four people on Tuesday evening at seven.", 15, 24],
    ["Können Sie mir bitte die Überweisung für nächsten Dienstag bestätigen?", 16, 26],
    ["我想预订星期二晚上七点的四人桌。", 9, 18],
    ["火曜日の夜七時に四人で予約したいのですが。", 12, 24],
    ["Я хотел бы забронировать столик на четверых.", 10, 22],
    ["{\"order\":\"A-17\",\"status\":\"shipped\",\"date\":\"2026-11-28\"}", 20, 40]
  ]
  for (const [text, least, most] of table) {
    it(`of ${JSON.stringify(text)} is from ${least} to ${most}`, () => {
      assert.isAtLeast(TokenEstimate.ofText(text), least)
      assert.isAtMost(TokenEstimate.ofText(text), most)
    })
  }
})

describe("the limits of a server", () => {
  const sent: TokenLimits.RequestSize = { prompt: 1000, answer: 200 }

  it("are learnt from its figures, and never grow", () => {
    const first = TokenLimits.afterRefusal(TokenLimits.unknown, { window: 1024, prompt: 1300 }, sent)
    assert.deepStrictEqual(first, { window: 1024, ratio: 1.3 })
    assert.deepStrictEqual(TokenLimits.afterRefusal(first, { window: 8192, prompt: 500 }, sent), first)
    assert.deepStrictEqual(TokenLimits.withKnownWindow(first, 4096), first)
    assert.strictEqual(TokenLimits.afterCount(first, 1000, 400), first)
    assert.strictEqual(TokenLimits.afterCount(first, 1000, 1410).ratio, 1.5)
  })

  it("are below the refused request if the server gave no figures", () => {
    const { window = 0 } = TokenLimits.afterRefusal(TokenLimits.unknown, {}, sent)
    assert.isBelow(window, 1200)
    assert.isAbove(window, 600)
  })

  it("for an answer say nothing about the window", () => {
    const limits = TokenLimits.afterRefusal(TokenLimits.unknown, { answer: 128 }, sent)
    assert.deepStrictEqual(limits, { answer: 128, ratio: 1 })
    assert.strictEqual(TokenLimits.answerTokens(limits, 200, 5000), 128)
    assert.isUndefined(TokenLimits.historyRoom(limits, 100, 200))
  })

  it("divide a small window between prompt and answer", () => {
    const limits = TokenLimits.withKnownWindow(TokenLimits.unknown, 1024)
    assert.strictEqual(TokenLimits.reservedAnswerTokens(limits, 1200), 512)
    assert.strictEqual(TokenLimits.answerTokens(limits, 1200, 100), 512)
    assert.strictEqual(TokenLimits.answerTokens(limits, 200, 900), 108)
    assert.strictEqual(TokenLimits.answerTokens(limits, 200, 5000), 16)
  })
})
