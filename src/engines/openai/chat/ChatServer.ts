/**
 * One chat server and all that its agents share: the connection, the sampling of its replies, and what was learnt about its
 * dialect and its context window.
 */
import { Effect, Option, Schema, Stream } from "effect"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import * as AnswerBody from "../client/AnswerBody.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import * as ServerError from "../client/ServerError.ts"
import * as Sse from "../client/Sse.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as ChatStream from "./ChatStream.ts"
import { ContextBudget } from "./context/ContextBudget.ts"
import type { ToolsChoice } from "./Dialect.ts"
import { ServerDialect } from "./ServerDialect.ts"

export interface ChatServerOptions extends Partial<ChatRequest.Sampling> {
  /** How the model asks for actions. Default `auto`. */
  readonly tools?: ToolsChoice
}

export interface ChatServer {
  readonly endpoint: OpenAiClient.OpenAiClient
  readonly sampling: Required<ChatRequest.Sampling>
  readonly dialect: ServerDialect
  readonly budget: ContextBudget
  /** The chunks of an answer. `sent`: the request's text, see `ServerError.failure`. `onDone`: called at `[DONE]`. */
  readonly chunksOf: (answer: OpenAiClient.Answer, sent: string, onDone: () => void) => Stream.Stream<ChatStream.Chunk, EngineFailed>
  /** Counts the tokens of an answer, if the server has reported them. */
  readonly countTokens: (answered: ChatStream.Answered) => Effect.Effect<void>
  /** Logs once for each key, however many calls there are. */
  readonly logOnce: (key: string, log: Effect.Effect<void>) => Effect.Effect<void>
}

/** The most characters of one event. No spoken reply is as long. The limit protects the memory that all calls share. */
const maxEventCharacters = 1024 * 1024

export const failed = (reason: EngineFailed["reason"], advice: string): EngineFailed => new EngineFailed({ stage: "replyModel", reason, advice })

const decodeChunk = Schema.decodeUnknownOption(ChatStream.Chunk)

const makeLogOnce = (): ChatServer["logOnce"] => {
  const logged = new Set<string>()
  return (key, log) =>
    Effect.suspend(() => {
      if (logged.has(key)) return Effect.void
      logged.add(key)
      return log
    })
}

/** Reads an answer's chunks from events, or from one document if the server does not stream. */
const makeChunksOf = (endpoint: OpenAiClient.OpenAiClient): ChatServer["chunksOf"] => {
  const events = Sse.decoder(endpoint, ChatStream.Chunk, maxEventCharacters)
  const document = AnswerBody.json<unknown>(endpoint, Option.some)
  const whole = (answer: OpenAiClient.Answer, sent: string): Effect.Effect<ChatStream.Chunk, EngineFailed> =>
    Effect.flatMap(document(answer), (value) => {
      const error = Sse.failureIn(endpoint, value, sent)
      if (Option.isSome(error)) return Effect.fail(error.value)
      const chunk = decodeChunk(value)
      return Option.isSome(chunk) ? Effect.succeed(chunk.value) : Effect.fail(ServerError.unreadable(endpoint))
    })
  return (answer, sent, onDone) => answer.contentType === "application/json" ? Stream.fromEffect(whole(answer, sent)) : events(answer, sent, onDone)
}

/** Makes the server of these settings. `options` override the settings. */
export const make = Effect.fnUntraced(function*(settings: EngineSettings, options: ChatServerOptions = {}) {
  const endpoint = yield* OpenAiClient.make("replyModel", settings)
  const { defaultSampling } = ChatRequest
  const server: ChatServer = {
    endpoint,
    sampling: {
      maxTokens: options.maxTokens ?? settings.reply?.maxTokens ?? defaultSampling.maxTokens,
      thinkingTokens: options.thinkingTokens ?? settings.reply?.thinkingTokens ?? defaultSampling.thinkingTokens,
      temperature: options.temperature ?? defaultSampling.temperature
    },
    dialect: new ServerDialect({ url: settings.url, tools: options.tools ?? "auto", thinking: settings.reply?.thinking ?? "off" }),
    budget: new ContextBudget({ endpoint, window: settings.reply?.contextWindow, scope: yield* Effect.scope }),
    chunksOf: makeChunksOf(endpoint),
    countTokens: ({ usage }) =>
      Option.isNone(usage) ? Effect.void : endpoint.count({ inputTokens: usage.value.prompt, outputTokens: usage.value.completion }),
    logOnce: makeLogOnce()
  }
  return server
})
