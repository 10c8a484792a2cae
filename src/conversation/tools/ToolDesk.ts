/**
 * The tools of one call: sends what the model asks for, once, and keeps what came of it.
 *
 * It outlives the replies: a reply that is thrown away leaves what it has sent, and the next request to the model tells of it.
 */
import { Effect, Fiber, Result } from "effect"
import type { ToolCall, ToolExchange, Tools } from "../ports/Tools.ts"
import * as ToolLedger from "./ToolLedger.ts"

export interface ToolDesk {
  /** What was asked so far, for a request of this reply; `said`: what the reply has said before. */
  readonly exchanges: (reply: number, said: string) => ReadonlyArray<ToolExchange>
  /** Whether none of these can change the world: then they may be asked before the caller's turn is surely over. */
  readonly areRepeatable: (calls: ReadonlyArray<ToolCall>) => boolean
  /** Asks for all of them at once and waits for their answers. Interruption stops the waiting, and nothing else. */
  readonly ask: (asked: {
    readonly reply: number
    /** Messages of the history that the model had. */
    readonly at: number
    readonly said: string
    readonly calls: ReadonlyArray<ToolCall>
  }) => Effect.Effect<void>
  /** The reply is over; what it was given is no longer its own. */
  readonly heard: (reply: number, text: string) => void
  readonly callerSaid: (text: string) => void
}

/** A text without case and punctuation, a blank at either end. */
const plain = (text: string): string => ` ${text.toLowerCase().replace(/[^\p{L}\p{N}\s'-]/gu, " ").replace(/\s+/g, " ").trim()} `

/**
 * Tells whether a caller's words ask for nothing: they consist of these phrases alone ("Okay.", "Hello? Are you there?").
 */
export const makeIsNothing = (phrases: ReadonlyArray<string>) => {
  const known = phrases.map(plain).filter((phrase) => phrase.trim() !== "").toSorted((a, b) => b.length - a.length)
  return (text: string): boolean => {
    let left = plain(text)
    for (const phrase of known) {
      // Twice, since neighbours share a blank.
      for (let pass = 0; pass < 2; pass++) left = left.replaceAll(phrase, " ").replace(/\s+/g, " ")
      left = ` ${left.trim()} `
    }
    return left.trim() === ""
  }
}

/** `smallTalk`: what callers say without asking for anything. */
export const make = (options: {
  readonly tools: Tools["Service"]
  readonly smallTalk: ReadonlyArray<string>
}): ToolDesk => {
  const ledger = ToolLedger.make()
  const isNothing = makeIsNothing(options.smallTalk)
  const running = new Map<ToolLedger.Entry, Fiber.Fiber<unknown>>()
  /** What each reply was given, so that equal calls of one reply are several. */
  const used = new Map<number, Set<ToolLedger.Entry>>()

  return {
    exchanges: ledger.read,
    areRepeatable: (calls) => calls.every(({ ask }) => Result.isFailure(ask) || ask.success.tool.repeatable === true),
    ask: Effect.fnUntraced(function*({ at, calls, reply, said }) {
      const own = used.get(reply) ?? new Set()
      used.set(reply, own)
      const recorded: Array<Parameters<ToolLedger.ToolLedger["record"]>[0]["calls"][number]> = []
      const waited: Array<Fiber.Fiber<unknown>> = []
      // Nothing comes between: what is sent is in the ledger, and what is in the ledger is sent.
      yield* Effect.uninterruptible(Effect.gen(function*() {
        for (const call of calls) {
          if (Result.isFailure(call.ask)) {
            recorded.push({ call })
            continue
          }
          const { tool, value } = call.ask.success
          const { entry, isNew } = ledger.take({ name: tool.name, value, used: own })
          own.add(entry)
          recorded.push({ call, entry, isRepeated: !isNew && entry.outcome !== undefined })
          if (isNew) {
            const sent = yield* options.tools.send(tool, value)
            sent.addObserver((exit) => {
              running.delete(entry)
              ledger.settle(entry, exit._tag === "Success" ? exit.value : { _tag: "Unknown" })
            })
            if (entry.outcome === undefined) running.set(entry, sent)
          }
          const fiber = running.get(entry)
          if (fiber !== undefined) waited.push(fiber)
        }
        ledger.record({ at, said, calls: recorded })
      }))
      yield* Effect.forEach(waited, Fiber.await, { concurrency: "unbounded", discard: true })
    }),
    heard: (reply, text) => {
      used.delete(reply)
      ledger.heard(reply, text)
    },
    callerSaid: (text) => {
      if (!isNothing(text)) ledger.askedAnew()
    }
  }
}
