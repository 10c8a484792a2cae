import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Stream } from "effect"
import { parse } from "../../src/agent/AgentFile.ts"
import * as ConversationAgent from "../../src/agent/ConversationAgent.ts"
import { Conversations } from "../../src/agent/Conversations.ts"
import { Recordings } from "../../src/agent/Recordings.ts"
import { ReplyModel } from "../../src/conversation/ReplyModel.ts"
import { SpeechToText } from "../../src/conversation/SpeechToText.ts"
import { TextToSpeech } from "../../src/conversation/TextToSpeech.ts"
import { Tools } from "../../src/conversation/tools/Tools.ts"
import { VoiceActivity } from "../../src/conversation/VoiceActivity.ts"

describe("an agent that gets ready", () => {
  it.effect("has its fixed lines and its fillers made, in its voice", () =>
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
        Layer.succeed(Recordings, { open: () => Effect.void as Effect.Effect<undefined> })
      )
      const persona = Result.getOrThrow(parse("name: x\nvoice: slt\ngreeting: Good day.\nfillers: { lines: [One moment., Let me see.] }", "x.yaml"))
      const { agentOf } = yield* Effect.provide(Conversations, Layer.provide(ConversationAgent.layer, engines))
      yield* agentOf(persona)
      assert.includeMembers(made, ["slt: Good day.", `slt: ${persona.lines.apology}`, `slt: ${persona.lines.transferFailed}`, "slt: One moment.", "slt: Let me see."])
    }))
})
