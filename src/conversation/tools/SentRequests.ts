/**
 * The requests that one call has sent to tools, and the answer that the model gets for each.
 *
 * A tool may have side effects. So if the model repeats a request, the request is not sent twice by mistake:
 *
 * - Requests with the same tool and arguments are equal. While a request is running, an equal request waits for the same answer.
 * - After that, an equal request gets the same answer until the first request is closed.
 * - A request is closed when the caller has heard words that were made with its answer, and has then asked for something new. Before
 *   that, the caller can't have wanted the request twice.
 * - Equal requests of one reply are separate requests: the caller may have asked for two tables.
 */
import { Result, type Schema } from "effect"
import type { Tool } from "../../definition/AgentDefinition.ts"
import { canonicalJson, type ToolCall, type ToolExchange, type ToolOutcome } from "../ports/Tools.ts"

export interface SentRequest {
  /** The tool's name and the arguments. */
  readonly key: string
  /** The tool has no side effects. */
  readonly isRepeatable: boolean
  /** Unset: the request is still running. */
  outcome: ToolOutcome | undefined
  /** The caller has heard words that the model wrote with knowledge of the outcome. */
  isHeard: boolean
  /** An equal call becomes a new request. */
  isClosed: boolean
}

/** A call that the model made, with its request. */
export interface RecordedCall {
  readonly call: ToolCall
  /** Unset: the call was refused. */
  readonly request?: SentRequest
  /** The request had its answer before this call, so nothing was sent for the call. */
  readonly isRepeated?: boolean
}

/** The calls that the model made after one of its texts. */
interface RecordedExchange {
  /** How many messages of the history come before the exchange. */
  readonly at: number
  /** The text that the model wrote right before the calls, in the same request. */
  readonly said: string
  readonly calls: ReadonlyArray<RecordedCall>
}

interface SentRequests {
  /** Returns the request that answers a call: an equal earlier request, or a new one that must be sent now. `used`: the reply's other requests. */
  readonly findOrAdd: (options: {
    readonly tool: Pick<Tool, "name" | "repeatable">
    readonly value: Schema.Json
    readonly used: ReadonlySet<SentRequest>
  }) => { readonly request: SentRequest; readonly isNew: boolean }
  /** The outcome of a request has come. */
  readonly settle: (request: SentRequest, outcome: ToolOutcome) => void
  readonly record: (exchange: RecordedExchange) => void
  /** The exchanges for this reply's next request to the model, oldest first. `said`: the reply's text so far. */
  readonly read: (reply: number, said: string) => ReadonlyArray<ToolExchange>
  /** The reply is over. `text`: the words of the reply that the caller heard. */
  readonly onReplyHeard: (reply: number, text: string) => void
  /** The caller asked for something new. */
  readonly onNewRequestOfCaller: () => void
  readonly records: ToolRecords
}

/**
 * All exchanges in a request to the model have at most this many characters together. Beyond this limit the oldest answered exchanges are left
 * out, until the shorter length is reached. After that the model's server must process the whole prompt again, so this should be rare.
 */
const maxExchangeCharacters = 24_000
const shortenedExchangeCharacters = 12_000

const lettersIn = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

const runningAnswer = "The request was sent and is still running. There is no answer yet. Do not call the tool again. Tell the caller that it is being done."
const unknownAnswer = "The request was sent, but the answer was lost: nobody knows whether it was done. Tell the caller so. Do not call the tool again unless the caller wants that."
const notSentAnswer = "The tool can't be reached. Nothing was done."
const repeatedPrefix = "This is the earlier answer. It was not done a second time. "

/** The answer that the model gets for a request. */
const answerOf = ({ outcome }: SentRequest): string => {
  switch (outcome?._tag) {
    case undefined:
      return runningAnswer
    case "Answered":
      return outcome.text
    case "NotSent":
      return notSentAnswer
    case "Unknown":
      return unknownAnswer
  }
}

const answerToCall = ({ call, isRepeated, request }: RecordedCall): string => {
  if (request === undefined) return Result.isFailure(call.request) ? call.request.failure.answer : ""
  const answer = answerOf(request)
  return isRepeated === true && request.outcome !== undefined ? repeatedPrefix + answer : answer
}

/** An exchange in the form that the model gets. */
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

/** Leaves out the oldest exchanges if all exchanges together are too long. An exchange that is still running is kept. */
const withinLimit = (all: ReadonlyArray<ModelExchange>): ReadonlyArray<ToolExchange> => {
  const lengths = all.map(lengthOf)
  let first = 0
  let length = 0
  // The limit is applied after each exchange, as in the earlier requests to the model. So later requests leave out the same exchanges.
  for (const [index, own] of lengths.entries()) {
    length += own
    if (length <= maxExchangeCharacters) continue
    for (; first < index && length > shortenedExchangeCharacters; first++) length -= lengths[first]
  }
  return all.flatMap(({ exchange, isRunning }, index) => index >= first || isRunning ? [exchange] : [])
}

/** All requests and exchanges of the call, oldest first. */
export interface ToolRecords {
  readonly requests: ReadonlyArray<SentRequest>
  readonly exchanges: ReadonlyArray<RecordedExchange>
}

/** `before`: the requests and exchanges of earlier media streams of the call. */
export const make = (before: ToolRecords = { requests: [], exchanges: [] }): SentRequests => {
  const requests: Array<SentRequest> = [...before.requests]
  const exchanges: Array<RecordedExchange> = [...before.exchanges]
  /** For each reply: the requests whose outcomes the model got, each with the number of letters that the reply had before that. */
  const reportedOutcomes = new Map<number, Map<SentRequest, number>>()

  return {
    findOrAdd: ({ tool, used, value }) => {
      const key = `${tool.name} ${canonicalJson(value)}`
      const equal = requests.find((request) =>
        request.key === key && (request.outcome === undefined || !request.isClosed) && !used.has(request))
      // A request that certainly was not carried out may be sent again.
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
      const reported = reportedOutcomes.get(reply) ?? new Map<SentRequest, number>()
      reportedOutcomes.set(reply, reported)
      const letters = lettersIn(said)
      for (const { calls } of exchanges) {
        for (const { request } of calls) {
          if (request?.outcome !== undefined && !reported.has(request)) reported.set(request, letters)
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
    records: { requests, exchanges }
  }
}
