import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Stream } from "effect"
import { parse } from "../../../src/agent/file/AgentFile.ts"
import * as ConversationAgent from "../../../src/agent/ConversationAgent.ts"
import { ConversationFactory } from "../../../src/agent/ConversationFactory.ts"
import { TurnEventLog } from "../../../src/agent/TurnEventLog.ts"
import { ReplyModel } from "../../../src/conversation/ports/ReplyModel.ts"
import { SpeechToText } from "../../../src/conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../../../src/conversation/ports/TextToSpeech.ts"
import { Tools } from "../../../src/conversation/ports/Tools.ts"
import { VoiceActivity } from "../../../src/conversation/ports/VoiceActivity.ts"

describe("an agent that is loaded", () => {
  it.effect("has the sound of its fixed lines and fillers made, in its voice", () =>
    Effect.gen(function*() {
      const made: Array<string> = []
      const engines = Layer.mergeAll(
        Layer.succeed(VoiceActivity, VoiceActivity.of({ open: Effect.succeed({ ask: (_window, answer) => answer(Exit.succeed(0)) }) })),
        Layer.succeed(SpeechToText, { prepare: () => Effect.succeed({ begin: Effect.never }), unknownWords: () => Effect.succeed([]) }),
        Layer.succeed(ReplyModel, { prepare: () => Effect.succeed({ reply: () => Stream.empty }) }),
        Layer.succeed(Tools, { send: () => Effect.die("no tool is asked") }),
        Layer.succeed(TextToSpeech, {
          voices: [],
          speak: () => Stream.empty,
          prepare: (requests) => Effect.sync(() => void made.push(...requests.map(({ text, voice }) => `${voice}: ${text}`)))
        }),
        Layer.succeed(TurnEventLog, { open: () => Effect.void as Effect.Effect<undefined> })
      )
      const definition = Result.getOrThrow(parse("name: x\nvoice: slt\ngreeting: Good day.\nfillers: { lines: [One moment., Let me see.] }", "x.yaml"))
      const { agentOf } = yield* Effect.provide(ConversationFactory, Layer.provide(ConversationAgent.layer, engines))
      yield* agentOf(definition)
      assert.includeMembers(made, ["slt: Good day.", `slt: ${definition.lines.apology}`, `slt: ${definition.lines.transferFailed}`, "slt: One moment.", "slt: Let me see."])
    }))
})
