/**
 * The requests that one call has sent to tools, and what the model is told about each.
 *
 * A tool may change the world, so a request that the model repeats is not sent again by mistake:
 *
 * - Requests with the same tool and arguments are equal. While a request is running, an equal one waits for its answer.
 * - After that, an equal request gets the same answer until the first request is closed.
 * - A request is closed when the caller has heard words that were made with its answer, and has then asked for something new. Before
 *   that, the caller can't have wanted the request twice.
 * - Equal requests of one reply are separate requests: the caller may have asked for two tables.
 */
import { Result, type Schema } from "effect"
import type { Tool } from "../../definition/AgentDefinition.ts"
import { canonical, type ToolCall, type ToolExchange, type ToolOutcome } from "../ports/Tools.ts"

export interface SentRequest {
  /** The tool's name and the arguments. */
  readonly key: string
  /** The tool changes nothing. */
  readonly isRepeatable: boolean
  /** Unset: the request is still running. */
  outcome: ToolOutcome | undefined
  /** The caller has heard words that were made with the outcome. */
  isHeard: boolean
  /** An equal call is a new request. */
  isClosed: boolean
}

/** A call that the model made, with its request. */
export interface RecordedCall {
  readonly call: ToolCall
  /** Unset: the call was refused. */
  readonly request?: SentRequest
  /** The request was answered before this call, and not sent for it. */
  readonly isRepeated?: boolean
}

/** The calls that the model made after one of its texts. */
interface RecordedExchange {
  /** How many messages of the history came before it. */
  readonly at: number
  /** What the model had said before, in the same reply. */
  readonly said: string
  readonly calls: ReadonlyArray<RecordedCall>
}

interface SentRequests {
  /** The request that answers a call: an equal one that was sent before, or a new one to be sent now. `used`: this reply's other requests. */
  readonly findOrAdd: (options: {
    readonly tool: Pick<Tool, "name" | "repeatable">
    readonly value: Schema.Json
    readonly used: ReadonlySet<SentRequest>
  }) => { readonly request: SentRequest; readonly isNew: boolean }
  /** The outcome of a request has come. */
  readonly settle: (request: SentRequest, outcome: ToolOutcome) => void
  readonly record: (exchange: RecordedExchange) => void
  /** The exchanges for this reply's next request to the model, oldest first. `said`: what the reply has said so far. */
  readonly read: (reply: number, said: string) => ReadonlyArray<ToolExchange>
  /** The reply is over, and the caller heard this text of it. */
  readonly onReplyHeard: (reply: number, text: string) => void
  /** The caller asked for something new. */
  readonly onNewRequestOfCaller: () => void
  readonly sent: Sent
}

/**
 * The most characters of all exchanges together in a request to the model. Beyond this limit the oldest answered exchanges are left out
 * until the shorter length is reached. Then the model's server has to read the whole conversation again, so it should happen seldom.
 */
const maxExchangeCharacters = 24_000
const shortenedExchangeCharacters = 12_000

const lettersIn = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

const running = "It was sent and is still running; there is no answer yet. Do not ask it again. Tell the caller that it is being done."
const unknown = "It was sent, and the answer was lost: nobody knows whether it was done. Say that it is unknown. Do not ask it again unless the caller wants that."
const notSent = "It can't be reached. Nothing was done."
const repeated = "This is the answer from before; it was not done a second time. "

/** What the model is told about a request. */
const answerOf = ({ outcome }: SentRequest): string => {
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

const answerToCall = ({ call, isRepeated, request }: RecordedCall): string => {
  if (request === undefined) return Result.isFailure(call.request) ? call.request.failure.answer : ""
  const answer = answerOf(request)
  return isRepeated === true && request.outcome !== undefined ? repeated + answer : answer
}

/** An exchange as it is told to the model. */
interface ModelExchange {
  readonly exchange: ToolExchange
  /** A request of the exchange is still running. */
  readonly isRunning: boolean
}

const modelExchangeOf = ({ at, calls, said }: RecordedExchange): ModelExchange => ({
  exchange: {
    at,
    said,
    calls: calls.map((recorded) => {
      const { arguments: json, id, name } = recorded.call
      return { id, name, arguments: json, answer: answerToCall(recorded) }
    }) as unknown as ToolExchange["calls"]
  },
  isRunning: calls.some(({ request }) => request !== undefined && request.outcome === undefined)
})

const lengthOf = ({ exchange: { calls, said } }: ModelExchange): number =>
  calls.reduce((sum, call) => sum + call.answer.length + call.arguments.length, said.length)

/** Leaves out the oldest exchanges if all together are too long, but none that still runs. */
const withinLimit = (all: ReadonlyArray<ModelExchange>): ReadonlyArray<ToolExchange> => {
  const lengths = all.map(lengthOf)
  let first = 0
  let length = 0
  // Each exchange is added as if it were the newest. So successive requests to the model leave out the same exchanges.
  for (const [index, own] of lengths.entries()) {
    length += own
    if (length <= maxExchangeCharacters) continue
    for (; first < index && length > shortenedExchangeCharacters; first++) length -= lengths[first]
  }
  return all.flatMap(({ exchange, isRunning }, index) => index >= first || isRunning ? [exchange] : [])
}

/** All that was sent on the call, oldest first. */
export interface Sent {
  readonly requests: ReadonlyArray<SentRequest>
  readonly exchanges: ReadonlyArray<RecordedExchange>
}

/** `before`: the requests and exchanges of earlier media streams of the call. */
export const make = (before: Sent = { requests: [], exchanges: [] }): SentRequests => {
  const requests: Array<SentRequest> = [...before.requests]
  const exchanges: Array<RecordedExchange> = [...before.exchanges]
  /** For each reply: the requests whose outcome its model was told, and how many letters the reply had said before. */
  const reportedOutcomes = new Map<number, Map<SentRequest, number>>()

  return {
    findOrAdd: ({ tool, used, value }) => {
      const key = `${tool.name} ${canonical(value)}`
      const equal = requests.find((request) =>
        request.key === key && (request.outcome === undefined || !request.isClosed) && !used.has(request))
      // A request that surely was not done may be sent again.
      if (equal !== undefined && equal.outcome?._tag !== "NotSent") return { request: equal, isNew: false }
      if (equal !== undefined) equal.isClosed = true
      const request: SentRequest = { key, isRepeatable: tool.repeatable === true, outcome: undefined, isHeard: false, isClosed: false }
      requests.push(request)
      return { request, isNew: true }
    },
    settle: (request, outcome) => {
      request.outcome = outcome
    },
    record: (exchange) => void exchanges.push(exchange),
    read: (reply, said) => {
      const told = reportedOutcomes.get(reply) ?? new Map<SentRequest, number>()
      reportedOutcomes.set(reply, told)
      const letters = lettersIn(said)
      for (const { calls } of exchanges) {
        for (const { request } of calls) {
          if (request?.outcome !== undefined && !told.has(request)) told.set(request, letters)
        }
      }
      return withinLimit(exchanges.map(modelExchangeOf))
    },
    onReplyHeard: (reply, text) => {
      const letters = lettersIn(text)
      for (const [request, lettersBefore] of reportedOutcomes.get(reply) ?? []) {
        if (letters > lettersBefore) request.isHeard = true
      }
      reportedOutcomes.delete(reply)
    },
    onNewRequestOfCaller: () => {
      for (const request of requests) if (request.isHeard) request.isClosed = true
    },
    sent: { requests, exchanges }
  }
}
