/**
 * Runs the tool calls that the model makes during one telephone call, each once. The model gets the results in its next request.
 *
 * The runner outlives the replies. A reply may be dropped, but its requests to tools were sent, so the next request to the model lists them.
 */
import { Deferred, Effect, Fiber, Result, type Schema } from "effect"
import { constVoid } from "effect/Function"
import type { Tool } from "../../definition/AgentDefinition.ts"
import type { Action, ActionKeeper } from "../ports/Actions.ts"
import type { ToolMemory } from "../ports/ConversationMemory.ts"
import type { ToolCall, ToolExchange, ToolOutcome, Tools } from "../ports/Tools.ts"
import * as PhraseTiles from "../turn/words/PhraseTiles.ts"
import * as SentRequests from "./SentRequests.ts"
import * as ToolMemories from "./ToolMemory.ts"

export interface ToolRunner {
  /** The tool calls so far, for this reply's next request to the model. `said`: the reply's text so far. */
  readonly exchanges: (reply: number, said: string) => ReadonlyArray<ToolExchange>
  /** Whether no call has side effects, so that the calls may run before it is certain that the caller's turn is over. */
  readonly areRepeatable: (calls: ReadonlyArray<ToolCall>) => boolean
  /** Runs all calls at once and waits for their outcomes. Interruption stops the waiting, but not the requests. */
  readonly run: (options: {
    readonly reply: number
    /** How many messages of the history the model had. */
    readonly at: number
    /** The text that the model wrote right before the calls, in the same request. */
    readonly said: string
    readonly calls: ReadonlyArray<ToolCall>
  }) => Effect.Effect<void>
  /** Waits for the answers to requests of earlier media streams. Only the first run of this effect waits. */
  readonly awaitEarlierRequests: Effect.Effect<void>
  /** The reply is over. `text`: the words of the reply that the caller heard. */
  readonly onReplyHeard: (reply: number, text: string) => void
  /** The caller said `text`. Unless the text is small talk, the caller asked for something new. */
  readonly onCallerSaid: (text: string) => void
  /** The requests and exchanges, for the conversation's memory. */
  readonly memory: () => ToolMemory
}

export interface MakeOptions {
  readonly tools: Tools["Service"]
  /** Lists of phrases that ask for nothing, such as backchannels and "are you there?" */
  readonly smallTalk: ReadonlyArray<ReadonlyArray<string>>
  /** Unset: actions are not stored. */
  readonly actions?: ActionKeeper
  /** The requests and exchanges of earlier media streams of the call. */
  readonly memory?: ToolMemory
  /** Called when the result of `memory` has changed. */
  readonly onChange?: () => void
}

/** The id of a request's action. `request`: the request's index among all requests of the conversation. */
const actionId = (request: number): string => `tool-${request}`

const actionOf = (tool: Tool, value: Schema.Json, request: number): Action => ({
  id: actionId(request),
  kind: "tool",
  name: tool.name,
  arguments: JSON.stringify(value),
  isRepeatable: tool.repeatable === true
})

/** The requests and exchanges of earlier media streams, and the requests among them that have no outcome yet. */
const inherit = (memory: ToolMemory, actions: ActionKeeper | undefined) => {
  const running = new Map((actions?.running() ?? []).map((runningAction) => [runningAction.action.id, runningAction]))
  const records = ToolMemories.read(memory, (index) => running.has(actionId(index)))
  const unanswered = records.requests.flatMap((request, index) => {
    const runningAction = running.get(actionId(index))
    return runningAction === undefined || request.outcome !== undefined ? [] : [{ request, onOutcome: runningAction.onOutcome }]
  })
  return { records, unanswered }
}

export const make = ({ actions, memory, onChange = constVoid, smallTalk, tools }: MakeOptions): ToolRunner => {
  const inherited = memory === undefined ? undefined : inherit(memory, actions)
  const requests = SentRequests.make(inherited?.records)
  const smallTalkPhrases = PhraseTiles.make(...smallTalk)
  /** The requests that have no outcome yet. Each effect waits until its request has an outcome. */
  const running = new Map<SentRequests.SentRequest, Effect.Effect<unknown>>()
  /** The requests of each reply, so that equal calls of one reply are several requests. */
  const usedByReply = new Map<number, Set<SentRequests.SentRequest>>()

  const isSmallTalk = (text: string): boolean => smallTalkPhrases.strip(PhraseTiles.tokens(text)).length === 0

  /** Stores the action before its request is sent. A repeatable action does not wait for the store. `false`: the action could not be stored. */
  const storeAction = (action: Action): Effect.Effect<boolean> => {
    if (actions === undefined) return Effect.succeed(true)
    return action.isRepeatable ? Effect.as(Effect.sync(() => actions.storeSoon(action)), true) : Effect.isSuccess(actions.store(action))
  }

  const setOutcome = (request: SentRequests.SentRequest, outcome: ToolOutcome) => {
    running.delete(request)
    requests.settle(request, outcome)
    onChange()
  }

  for (const { onOutcome, request } of inherited?.unanswered ?? []) {
    const answered = Deferred.makeUnsafe<void>()
    running.set(request, Deferred.await(answered))
    onOutcome((outcome) => {
      setOutcome(request, outcome)
      Deferred.doneUnsafe(answered, Effect.void)
    })
  }
  let earlierRequests: ReadonlyArray<Effect.Effect<unknown>> = [...running.values()]

  /** Sends a request that is recorded. */
  const send = Effect.fnUntraced(function*(tool: Tool, value: Schema.Json, request: SentRequests.SentRequest) {
    const action = actionOf(tool, value, requests.records.requests.indexOf(request))
    const settle = (outcome: ToolOutcome) => {
      setOutcome(request, outcome)
      actions?.storeOutcome(action, outcome)
    }
    if (!(yield* storeAction(action))) return settle({ _tag: "NotSent" })
    const sent = yield* tools.send(tool, value)
    sent.addObserver((exit) => settle(exit._tag === "Success" ? exit.value : { _tag: "Unknown" }))
    if (request.outcome === undefined) running.set(request, Fiber.await(sent))
  })

  /** Gives a call its request: an equal earlier one, or a new one. `send`: sends the new one. */
  const recordCall = (call: ToolCall, used: Set<SentRequests.SentRequest>): { readonly recorded: SentRequests.RecordedCall; readonly send: Effect.Effect<void> } => {
    if (Result.isFailure(call.request)) return { recorded: { call }, send: Effect.void }
    const { tool, value } = call.request.success
    const { isNew, request } = requests.findOrAdd({ tool, value, used })
    used.add(request)
    return isNew
      ? { recorded: { call, request, isRepeated: false }, send: send(tool, value, request) }
      : { recorded: { call, request, isRepeated: request.outcome !== undefined }, send: Effect.void }
  }

  return {
    exchanges: requests.read,
    areRepeatable: (calls) => calls.every(({ request }) => Result.isFailure(request) || request.success.tool.repeatable === true),
    run: Effect.fnUntraced(function*({ at, calls, reply, said }) {
      const used = usedByReply.get(reply) ?? new Set()
      usedByReply.set(reply, used)
      // The exchange is in the memory before a request is sent. So a conversation that goes on after a crash tells the model of the request.
      // Uninterruptible, so that every recorded request is also sent.
      const recorded = yield* Effect.uninterruptible(Effect.gen(function*() {
        const recordedCalls = calls.map((call) => recordCall(call, used))
        requests.record({ at, said, calls: recordedCalls.map(({ recorded }) => recorded) })
        onChange()
        for (const { send } of recordedCalls) yield* send
        return recordedCalls.map(({ recorded }) => recorded)
      }))
      const unfinished = recorded.flatMap(({ request }) => request === undefined ? [] : running.get(request) ?? [])
      yield* Effect.all(unfinished, { concurrency: "unbounded", discard: true })
    }),
    awaitEarlierRequests: Effect.suspend(() => {
      const first = earlierRequests
      earlierRequests = []
      return Effect.all(first, { concurrency: "unbounded", discard: true })
    }),
    onReplyHeard: (reply, text) => {
      usedByReply.delete(reply)
      requests.onReplyHeard(reply, text)
    },
    onCallerSaid: (text) => {
      if (!isSmallTalk(text)) requests.onNewRequestOfCaller()
    },
    memory: () => ToolMemories.write(requests.records)
  }
}
