/**
 * What was asked of tools on one call, and what is known of it: so that nothing is asked twice, and the model always knows.
 *
 * A request that was sent stays here. The same request once more (the same tool, the same arguments) is joined to it
 * while it runs, and answered from it until it is closed: the caller has heard words that were made with its answer, and has
 * then asked for something new. What is repeated before that is the model's doing, not the caller's wish. Equal requests of
 * one reply are told apart by their order: two tables are two tables.
 */
import type { Schema } from "effect"
import { canonical, type ToolCall, type ToolExchange, type ToolOutcome } from "../ports/Tools.ts"

export interface Entry {
  readonly key: string
  outcome: ToolOutcome | undefined
  isTold: boolean
  isClosed: boolean
}

export interface ToolLedger {
  /**
   * The entry of a call: one that it is the same as, or a new one, which is to be sent. `used`: the entries that this reply has
   * been given already.
   */
  readonly take: (options: {
    readonly name: string
    readonly value: Schema.Json
    readonly used: ReadonlySet<Entry>
  }) => { readonly entry: Entry; readonly isNew: boolean }
  readonly settle: (entry: Entry, outcome: ToolOutcome) => void
  /** Calls of a reply, each with its entry, or without one where it can't be asked. */
  readonly record: (exchange: {
    readonly at: number
    readonly said: string
    readonly calls: ReadonlyArray<{ readonly call: ToolCall; readonly entry?: Entry; readonly isRepeated?: boolean }>
  }) => void
  /**
   * What a request to the model says of all that, oldest first. What the reply says from now on may tell of it; `said`: what
   * it has said before.
   */
  readonly read: (reply: number, said: string) => ReadonlyArray<ToolExchange>
  /** The caller heard this of a reply. */
  readonly heard: (reply: number, text: string) => void
  /** The caller asked for something new. */
  readonly askedAnew: () => void
}

/**
 * Characters of all exchanges together that the model is told. Above it the oldest that are answered are left out, down to
 * the shorter one: rarely and much, since each time the model's server reads the whole conversation again.
 */
const longestMemory = 24_000
const shortenedMemory = 12_000

const lettersIn = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

const running = "It was sent and is still running; there is no answer yet. Do not ask it again. Tell the caller that it is being done."
const unknown = "It was sent, and the answer was lost: nobody knows whether it was done. Say that it is unknown. Do not ask it again unless the caller wants that."
const notSent = "It can't be reached. Nothing was done."
const repeated = "This is the answer from before; it was not done a second time. "

export const answerOf = ({ outcome }: Pick<Entry, "outcome">): string => {
  switch (outcome?._tag) {
    case undefined:
      return running
    case "Answered":
      return outcome.text
    case "NotSent":
      return notSent
    case "Unknown":
      return unknown
  }
}

export const make = (): ToolLedger => {
  const entries: Array<Entry> = []
  const exchanges: Array<Parameters<ToolLedger["record"]>[0]> = []
  /** Of each reply, the entries whose answers its requests told, and how many letters it had said before. */
  const toldTo = new Map<number, Map<Entry, number>>()

  const isSame = (entry: Entry, key: string) => entry.key === key && (entry.outcome === undefined || !entry.isClosed)

  return {
    take: ({ name, used, value }) => {
      const key = `${name} ${canonical(value)}`
      const same = entries.find((entry) => isSame(entry, key) && !used.has(entry))
      // What surely was not done may be tried again.
      if (same !== undefined && same.outcome?._tag !== "NotSent") return { entry: same, isNew: false }
      const entry: Entry = { key, outcome: undefined, isTold: false, isClosed: false }
      if (same !== undefined) same.isClosed = true
      entries.push(entry)
      return { entry, isNew: true }
    },
    settle: (entry, outcome) => {
      entry.outcome = outcome
    },
    record: (exchange) => void exchanges.push(exchange),
    read: (reply, said) => {
      const told = toldTo.get(reply) ?? new Map<Entry, number>()
      toldTo.set(reply, told)
      const letters = lettersIn(said)
      const all = exchanges.map(({ at, calls, said }) => ({
        at,
        said,
        calls: calls.map(({ call: { arguments: json, ask, id, name }, entry, isRepeated }) => {
          if (entry?.outcome !== undefined && !told.has(entry)) told.set(entry, letters)
          const answer = entry === undefined ? ask._tag === "Failure" ? ask.failure : "" : answerOf(entry)
          return { id, name, arguments: json, answer: isRepeated === true && entry?.outcome !== undefined ? repeated + answer : answer }
        }) as unknown as ToolExchange["calls"],
        isOpen: calls.some(({ entry }) => entry !== undefined && entry.outcome === undefined)
      }))
      const sizes = all.map(({ calls, said }) => said.length + calls.reduce((sum, call) => sum + call.answer.length + call.arguments.length, 0))
      let first = 0
      let size = 0
      for (const [at, own] of sizes.entries()) {
        size += own
        if (size <= longestMemory) continue
        for (; first < at && size > shortenedMemory; first++) size -= sizes[first]
      }
      return all.flatMap(({ at, calls, isOpen, said }, index) => index >= first || isOpen ? [{ at, said, calls }] : [])
    },
    heard: (reply, text) => {
      const letters = lettersIn(text)
      for (const [entry, before] of toldTo.get(reply) ?? []) {
        if (letters > before) entry.isTold = true
      }
      toldTo.delete(reply)
    },
    askedAnew: () => {
      for (const entry of entries) if (entry.isTold) entry.isClosed = true
    }
  }
}
