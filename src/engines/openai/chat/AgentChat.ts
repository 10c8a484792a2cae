/**
 * The requests of one agent to its chat server.
 *
 * A request is written in the server's dialect, as far as it is known. After a refusal the request is sent again, in
 * another dialect or shorter. This goes on until the server accepts the request, or refuses it for another reason.
 */
import { Effect, Option, Redacted, Result, type Scope } from "effect"
import { HttpBody } from "effect/http"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import { ServerError } from "../client/ServerError.ts"
import * as ChatRequest from "./ChatRequest.ts"
import type { ChatServer } from "./ChatServer.ts"
import type * as ContextBudget from "./context/ContextBudget.ts"
import * as Dialect from "./Dialect.ts"
import type { ModelActions } from "./ModelActions.ts"
import * as KnownTools from "./output/calls/KnownTools.ts"
import { ReplyRound } from "./ReplyRound.ts"
import type * as Thinking from "./Thinking.ts"

/** How often one request is sent again in another dialect. */
const maxAdaptations = 10

/** How often a reply is asked for again with less of the call's history, because the request was too long. */
export const maxShortenings = 3

interface AskOptions {
  /** Unset fields have the server's usual values. */
  readonly sampling?: Partial<ChatRequest.Sampling>
  /** How this request asks for thinking. Unset: as the server's dialect does. */
  readonly thinking?: Thinking.Thinking | undefined
  /** The spoken text whose last sentence the model should finish. Unset: the model should reply. */
  readonly unfinishedText?: string
}

/** A request that the server has accepted, and its answer. */
export interface AcceptedRequest {
  readonly answer: OpenAiClient.Answer
  /** The request's text, see `ServerError.failure`. */
  readonly sent: string
  readonly dialect: Dialect.Dialect
  readonly model: string | undefined
  readonly full: ContextBudget.FullRequest
  readonly fitted: ContextBudget.FittedRequest
}

export interface AgentChat {
  readonly server: ChatServer
  readonly agent: AgentDefinition
  readonly actions: ModelActions
  /** Names of the actions and tools. */
  readonly toolNames: ReadonlyArray<string>
  /** Sends a request, and repeats it after refusals as the head of this file describes. The connection is closed with the scope. */
  readonly ask: (request: ReplyRequest, options?: AskOptions) => Effect.Effect<AcceptedRequest, EngineFailed, Scope.Scope>
  /** Makes the reader of an accepted request's answer. */
  readonly newRound: (accepted: AcceptedRequest) => ReplyRound
}

/** The mean number of characters of a token in an answer, in a language with long words. */
const charactersPerToken = 6

/** The highest mean number of characters of a token. It is used where the server's token limit should end the answer first. */
const maxCharactersPerToken = 8

/** Characters for text that the token limit does not cover: special tokens, and tool calls as text. */
const extraCharacters = 400

const isDialectRefusal = (cause: unknown): cause is ServerError =>
  cause instanceof ServerError && cause.status >= 400 && cause.status !== 429

export const make = (server: ChatServer, agent: AgentDefinition, actions: ModelActions): AgentChat => {
  const { budget, endpoint, sampling } = server
  const tools = KnownTools.make(actions.definitions)
  const repeatableTools = new Set((agent.tools ?? []).flatMap(({ name, repeatable }) => repeatable === true ? [name] : []))

  const fullRequest = (request: ReplyRequest, dialect: Dialect.Dialect, options: AskOptions): ContextBudget.FullRequest => ({
    system: ChatRequest.systemText(agent, actions, dialect),
    request,
    dialect,
    tools: dialect.tools === "calls" ? actions.definitions : [],
    isRepeatable: (name) => repeatableTools.has(name),
    answerTokens: ChatRequest.answerTokensOf({ ...sampling, ...options.sampling }, dialect),
    usualAnswerTokens: ChatRequest.answerTokensOf(sampling, dialect),
    unfinishedText: options.unfinishedText
  })

  const ask = Effect.fnUntraced(function*(request: ReplyRequest, options: AskOptions = {}): Effect.fn.Return<AcceptedRequest, EngineFailed, Scope.Scope> {
    const model = Option.getOrUndefined(yield* endpoint.model)
    let { thinking } = options
    let shortenings = 0
    for (let tries = 0;; tries++) {
      const serverDialect = server.dialect.of(model)
      const dialect = thinking === undefined ? serverDialect : { ...serverDialect, thinking }
      const full = fullRequest(request, dialect, options)
      const fitted = budget.fit(full)
      const body = HttpBody.jsonUnsafe(ChatRequest.body({
        model,
        messages: fitted.messages,
        tools: actions.definitions,
        dialect,
        sampling: { ...sampling, ...options.sampling },
        answerTokens: fitted.answer
      }))
      const result = yield* Effect.result(endpoint.post("/chat/completions", body, { accept: "text/event-stream" }))
      if (Result.isSuccess(result)) return { answer: result.success, sent: OpenAiClient.textOf(body), dialect, model, full, fitted }
      const error = result.failure
      const overflow = budget.overflowOf(error)
      if (overflow !== undefined) {
        if (shortenings++ >= maxShortenings) return yield* budget.tooLong(error, fitted)
        yield* budget.learnFromRefusal(error, overflow, fitted, full)
        continue
      }
      if (tries >= maxAdaptations) return yield* error
      // The refusal of another request has changed the dialect in the meantime. So this request is sent again in the new dialect.
      if (server.dialect.hasChangedSince(serverDialect)) continue
      const next = isDialectRefusal(error.cause) ? server.dialect.learnFromRefusal(serverDialect, thinking, Redacted.value(error.cause.detail)) : undefined
      if (next === undefined) return yield* error
      if (thinking !== undefined) thinking = next.thinking
      yield* Effect.logInfo(`${endpoint.url.origin} refuses ${Dialect.difference(dialect, next)}. From now on requests leave it out`)
    }
  })

  return {
    server,
    agent,
    actions,
    toolNames: tools.names,
    ask,
    newRound: ({ dialect, model }) =>
      new ReplyRound({
        actions,
        dialect,
        parser: { tools, holdsStart: server.dialect.opensThought(model) },
        maxSpokenCharacters: dialect.thinking.isExpected
          ? sampling.maxTokens * charactersPerToken
          : sampling.maxTokens * maxCharactersPerToken + extraCharacters,
        maxReadCharacters: (sampling.maxTokens + sampling.thinkingTokens) * maxCharactersPerToken + 10 * extraCharacters
      })
  }
}
