/** Whole replies of a language model, as a conversation has them: tools are asked, and the model again with their answers. */
import { Effect, Layer } from "effect"
import { EngineFailed } from "../../../src/conversation/ports/Engine.ts"
import type { Replier, ReplyPart, ReplyRequest } from "../../../src/conversation/ports/ReplyModel.ts"
import * as ReplyRounds from "../../../src/conversation/speak/ReplyRounds.ts"
import * as ToolDesk from "../../../src/conversation/tools/ToolDesk.ts"
import { Tools } from "../../../src/conversation/ports/Tools.ts"
import * as EngineHttpClient from "../../../src/engines/openai/client/EngineHttpClient.ts"
import * as HttpTools from "../../../src/engines/tools/HttpTools.ts"

/** The HTTP client and the tools that go by it. */
export const live = HttpTools.layer.pipe(Layer.provideMerge(EngineHttpClient.layer))

/** A call's tools. */
export const newDesk = Effect.map(Tools, (tools) => ToolDesk.make({ tools, smallTalk: ["okay", "hello"] }))

let replies = 0

interface Options {
  readonly desk?: ToolDesk.ToolDesk
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
    desk: options.desk ?? (yield* newDesk),
    settled: options.settled ?? Effect.void,
    timeout: options.timeout ?? 5000,
    onLate: () => new EngineFailed({ stage: "replyModel", reason: "timeout", advice: "It is a test." }),
    onPart: (part) => void parts.push(part)
  })
  return { reply, parts }
})
