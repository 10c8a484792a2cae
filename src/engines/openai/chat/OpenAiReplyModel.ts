/**
 * The reply model at any OpenAI-compatible server, by `POST /chat/completions` with a streamed answer. It was first made for Gemma 3 27B.
 *
 * One stream of a reply is one request. An answer that calls tools ends the stream with `ToolCalls`. Then the conversation calls the
 * tools and asks the model again with the results. Interrupting a stream closes its request, so that the server stops computing.
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
   * Whether one token is asked for when an agent is prepared. Then the server loads the model and computes the agent's instructions before
   * the first call, and the server's dialect becomes known. Default true.
   */
  readonly isPrimed?: boolean
}

const prime = ({ agent, ask }: AgentChat.AgentChat): Effect.Effect<void> =>
  ask({ history: [{ role: "agent", text: agent.lines.greeting }], state: null }, { sampling: { maxTokens: 1, thinkingTokens: 0 } }).pipe(
    Effect.flatMap(({ answer }) => Stream.runDrain(answer.body)),
    Effect.scoped,
    // This request fails if the server is still loading its model. The warm-up and the first call report that.
    Effect.ignore
  )

/** Makes the engine of these settings. `prepare` fails for an agent with a tool whose parameters are not a JSON schema. */
export const make = Effect.fnUntraced(function*(settings: EngineSettings, options: MakeOptions = {}) {
  const server = yield* ChatServer.make(settings, options)
  const { budget, endpoint } = server
  return ReplyModel.of({
    prepare: Effect.fnUntraced(function*(agent) {
      const actions = yield* Effect.fromResult(ModelActions.make(agent)).pipe(
        Effect.mapError((error) => ChatServer.failed("refused", error.message))
      )
      const chat = AgentChat.make(server, agent, actions)
      // The fiber runs in the background, so that the service starts even if the server is not ready yet. The window is looked up last,
      // because Ollama publishes it only after the model is loaded.
      yield* Effect.forkScoped(options.isPrimed === false
        ? endpoint.warm()
        : Effect.andThen(Effect.andThen(endpoint.warm(), prime(chat)), budget.lookUp))
      return { reply: (request) => ReplyAttempts.stream(chat, request) }
    })
  })
})
