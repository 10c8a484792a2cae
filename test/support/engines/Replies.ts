/** Whole replies of a language model as in a conversation: its tool calls are run, and the model is asked again with their answers. */
import { Effect, Layer } from "effect"
import { EngineFailed } from "../../../src/conversation/ports/Engine.ts"
import type { Replier, ReplyPart, ReplyRequest } from "../../../src/conversation/ports/ReplyModel.ts"
import * as ReplyRounds from "../../../src/conversation/speak/ReplyRounds.ts"
import * as ToolRunner from "../../../src/conversation/tools/ToolRunner.ts"
import { Tools } from "../../../src/conversation/ports/Tools.ts"
import * as EngineHttpClient from "../../../src/engines/openai/client/EngineHttpClient.ts"
import * as HttpTools from "../../../src/engines/tools/HttpTools.ts"

/** The HTTP client, and the tools that use it. */
export const live = HttpTools.layer.pipe(Layer.provideMerge(EngineHttpClient.layer))

/** The tools of one call. */
export const newToolRunner = Effect.map(Tools, (tools) => ToolRunner.make({ tools, smallTalk: [["okay", "hello"]] }))

let replies = 0

interface Options {
  readonly tools?: ToolRunner.ToolRunner
  readonly settled?: Effect.Effect<void>
  /** The longest wait for the model's next words, ms. */
  readonly timeout?: number
}

export const ask = (replier: Replier, request: ReplyRequest, options?: Options) => Effect.map(askWhole(replier, request, options), ({ parts }) => parts)

export const askWhole = Effect.fnUntraced(function*(replier: Replier, request: ReplyRequest, options: Options = {}) {
  const parts: Array<ReplyPart> = []
  const reply = ++replies
  yield* ReplyRounds.run({
    replier,
    reply,
    request,
    tools: options.tools ?? (yield* newToolRunner),
    settled: options.settled ?? Effect.void,
    timeout: options.timeout ?? 5000,
    onTimeout: () => new EngineFailed({ stage: "replyModel", reason: "timeout", advice: "It is a test." }),
    onPart: (part) => void parts.push(part)
  })
  return { reply, parts }
})
