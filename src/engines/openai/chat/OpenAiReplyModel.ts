/**
 * The reply model at any OpenAI-compatible server, by `POST /chat/completions` with a streamed answer. It was made for Gemma 3 27B
 * first.
 *
 * One stream of a reply is one request. An answer that calls tools ends the stream with `ToolCalls`; the conversation calls them
 * and asks the model again with the results. Interrupting a stream closes its request, and so the server stops computing.
 */
import { Effect, Stream } from "effect"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { ReplyModel } from "../../../conversation/ports/ReplyModel.ts"
import * as AgentChat from "./AgentChat.ts"
import * as ChatServer from "./ChatServer.ts"
import * as ModelActions from "./ModelActions.ts"
import * as ReplyAttempts from "./ReplyAttempts.ts"

export interface MakeOptions extends ChatServer.ChatServerOptions {
  /**
   * Asks for one token when an agent is prepared. Before the first call the server has then loaded the model and computed the agent's
   * instructions, and its dialect is known. Default true.
   */
  readonly isPrimed?: boolean
}

const prime = ({ agent, ask }: AgentChat.AgentChat): Effect.Effect<void> =>
  ask({ history: [{ role: "agent", text: agent.lines.greeting }], state: null }, { sampling: { maxTokens: 1, thinkingTokens: 0 } }).pipe(
    Effect.flatMap(({ answer }) => Stream.runDrain(answer.body)),
    Effect.scoped,
    // A server that still loads its model fails here; warm-up and the first call report it.
    Effect.ignore
  )

/** The engine at these settings. `prepare` fails for an agent with a tool whose parameters are not a JSON schema. */
export const make = Effect.fnUntraced(function*(settings: EngineSettings, options: MakeOptions = {}) {
  const server = yield* ChatServer.make(settings, options)
  const { budget, endpoint } = server
  return ReplyModel.of({
    prepare: Effect.fnUntraced(function*(agent) {
      const actions = yield* Effect.fromResult(ModelActions.make(agent)).pipe(
        Effect.mapError((error) => ChatServer.failed("refused", error.message))
      )
      const chat = AgentChat.make(server, agent, actions)
      // In the background: the service starts although the server is not there yet. The window comes last, since Ollama
      // publishes it only after the model is loaded.
      yield* Effect.forkScoped(options.isPrimed === false
        ? endpoint.warm()
        : Effect.andThen(Effect.andThen(endpoint.warm(), prime(chat)), budget.lookUp))
      return { reply: (request) => ReplyAttempts.stream(chat, request) }
    })
  })
})
