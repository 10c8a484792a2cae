/**
 * The requests of one agent to its chat server.
 *
 * A request is written in the dialect that the server is known to accept. After a refusal it is sent again: in the next dialect,
 * or shorter, until the server accepts it or the refusal has another reason.
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

/** How many dialects a server may refuse, one after the other. */
const maxAdaptations = 10

/** How often a reply is asked for again with less of the call's history, because the request was too long. */
export const maxShortenings = 3

interface AskOptions {
  /** Unset fields are the server's usual ones. */
  readonly sampling?: Partial<ChatRequest.Sampling>
  /** How this request asks for thinking; unset: in the server's usual way. */
  readonly thinking?: Thinking.Thinking | undefined
  /** The spoken text whose last sentence the model is to finish; unset: the model is to reply. */
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
  /** Sends a request; see the head of this file. Its connection lives as long as the scope. */
  readonly ask: (request: ReplyRequest, options?: AskOptions) => Effect.Effect<AcceptedRequest, EngineFailed, Scope.Scope>
  /** Makes the reader of the request's answer. */
  readonly newRound: (accepted: AcceptedRequest) => ReplyRound
}

/** The mean characters of a token in an answer, in a language with long words. */
const charactersPerToken = 6

/** The most characters of a token on average. It is used where the server's own token limit should end the answer first. */
const maxCharactersPerToken = 8

/** Characters that no token limit counts: special tokens and calls as text. */
const extraCharacters = 400

const isDialectRefusal = (cause: unknown): cause is ServerError =>
  cause instanceof ServerError && cause.status >= 400 && cause.status !== 429

export const make = (server: ChatServer, agent: AgentDefinition, actions: ModelActions): AgentChat => {
  const { budget, endpoint, sampling } = server
  const tools = KnownTools.make(actions.definitions)
  const repeatable = new Set((agent.tools ?? []).flatMap(({ name, repeatable }) => repeatable === true ? [name] : []))

  const fullRequest = (request: ReplyRequest, dialect: Dialect.Dialect, options: AskOptions): ContextBudget.FullRequest => ({
    system: ChatRequest.systemText(agent, actions, dialect),
    request,
    dialect,
    tools: dialect.tools === "calls" ? actions.definitions : [],
    isRepeatable: (name) => repeatable.has(name),
    answerTokens: ChatRequest.answerTokensOf({ ...sampling, ...options.sampling }, dialect),
    usualAnswerTokens: ChatRequest.answerTokensOf(sampling, dialect),
    unfinishedText: options.unfinishedText
  })

  const ask = Effect.fnUntraced(function*(request: ReplyRequest, options: AskOptions = {}): Effect.fn.Return<AcceptedRequest, EngineFailed, Scope.Scope> {
    const model = Option.getOrUndefined(yield* endpoint.model)
    let { thinking } = options
    let shortenings = 0
    for (let tries = 0;; tries++) {
      const usual = server.dialect.of(model)
      const dialect = thinking === undefined ? usual : { ...usual, thinking }
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
        yield* budget.refused(error, overflow, fitted, full)
        continue
      }
      if (tries >= maxAdaptations) return yield* error
      // A request of another call was refused first and has changed the dialect.
      if (server.dialect.hasChangedSince(usual)) continue
      const next = isDialectRefusal(error.cause) ? server.dialect.refused(usual, thinking, Redacted.value(error.cause.detail)) : undefined
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
