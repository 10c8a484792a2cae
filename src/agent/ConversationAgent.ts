/**
 * An agent that converses: a definition, the engines that are prepared for it, and a conversation for each call.
 */
import { Effect, Layer, Metric } from "effect"
import * as Conversation from "../conversation/Conversation.ts"
import type { ConversationEvent } from "../conversation/ports/ConversationEvent.ts"
import * as Dictation from "../conversation/turn/words/Dictation.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import * as ReplySpeech from "../conversation/speak/ReplySpeech.ts"
import type { CallSide } from "../conversation/ports/AudioPort.ts"
import { ReplyModel } from "../conversation/ports/ReplyModel.ts"
import * as SpeechTextFilter from "../conversation/speak/SpeechTextFilter.ts"
import { SpeechToText } from "../conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../conversation/ports/TextToSpeech.ts"
import { Tools } from "../conversation/ports/Tools.ts"
import { VoiceActivity } from "../conversation/ports/VoiceActivity.ts"
import * as Metrics from "../observability/Metrics.ts"
import type { Agent } from "./Agent.ts"
import { ConversationFactory } from "./ConversationFactory.ts"
import * as EngineTimeouts from "./EngineTimeouts.ts"
import { TurnEventLog } from "./TurnEventLog.ts"

/** Updates the metrics, and logs a line for each turn. No log line contains spoken words. */
const observe = (event: ConversationEvent): Effect.Effect<void> => {
  switch (event._tag) {
    case "TurnMeasured": {
      const times = Object.entries(event.times).map(([stage, millis]) => [stage, Math.round(millis)] as const)
      return Effect.andThen(
        Effect.forEach(times, ([stage, millis]) => Metric.update(Metrics.turnLatency(stage), millis / 1000), { discard: true }),
        Effect.annotateLogs(Effect.logInfo("turn"), { turn: event.turn, ...Object.fromEntries(times) })
      )
    }
    case "BargeIn":
      return Effect.andThen(
        Metric.update(Metrics.bargeInLatency, event.clearAfter / 1000),
        Effect.annotateLogs(Effect.logInfo("barge-in"), { turn: event.turn, clearAfter: Math.round(event.clearAfter) })
      )
    case "Resumed":
      return Metric.update(Metrics.falseInterruptions, 1)
    case "AgentFills":
      return Metric.update(Metrics.fillers, 1)
    case "Transferring":
      return Effect.annotateLogs(Effect.logInfo("transfer"), { to: event.to })
    case "TransferFailed":
      return Effect.andThen(
        Metric.update(Metrics.transferFailures(event.reason), 1),
        Effect.annotateLogs(Effect.logWarning("The call could not be transferred"), { reason: event.reason })
      )
    case "EngineTrouble":
      return Effect.andThen(
        Metric.update(Metrics.engineFailures(event.stage, event.reason), 1),
        Effect.annotateLogs(Effect.logWarning("An engine failed a turn"), {
          turn: event.turn,
          stage: event.stage,
          reason: event.reason
        })
      )
    case "Ended":
      return Effect.annotateLogs(Effect.logInfo("conversation ended"), { reason: event.reason })
    default:
      return Effect.void
  }
}

/** The definition for recorded calls: the greeting begins with the line `recorded`, which says that the call is recorded. */
const withRecordingNotice = (definition: AgentDefinition): AgentDefinition => {
  const { greeting, recorded = "" } = definition.lines
  return { ...definition, lines: { ...definition.lines, greeting: [recorded, greeting].filter((line) => line.trim().length > 0).join(" ") } }
}

export const layer = Layer.effect(
  ConversationFactory,
  Effect.gen(function*() {
    const voiceActivity = yield* VoiceActivity
    const speechToText = yield* SpeechToText
    const replyModel = yield* ReplyModel
    const textToSpeech = yield* TextToSpeech
    const tools = yield* Tools
    const eventLogs = yield* TurnEventLog

    const enginesOfStages = yield* Effect.all({
      transcript: speechToText.engines ?? Effect.succeed([]),
      reply: replyModel.engines ?? Effect.succeed([]),
      speech: textToSpeech.engines ?? Effect.succeed([])
    })

    const agentOf = Effect.fn("ConversationFactory.agentOf")(function*(fileDefinition: AgentDefinition) {
      const definition = EngineTimeouts.forEngines(fileDefinition, enginesOfStages)
      const definitionIfRecorded = withRecordingNotice(definition)
      const fixedLines = new Set([...Object.values(definition.lines), definitionIfRecorded.lines.greeting])
      const recognizer = yield* speechToText.prepare({ ...definition.hints, pause: definition.endpointing.silence })
      const replier = yield* replyModel.prepare(definition)
      yield* textToSpeech.prepare(
        [...[...fixedLines].map(SpeechTextFilter.toSpeech), ...definition.fillers?.lines ?? []].map(ReplySpeech.requestOf(definition))
      )
      // The number words are read from their files now, so that no call waits for the disk.
      if (definition.endpointing.dictation !== undefined) Dictation.of(definition.language, definition.region)
      // The first detector loads the engine, so that the first call does not wait for it.
      yield* Effect.scoped(voiceActivity.open)
      const engines: Conversation.Engines = { voiceActivity, recognizer, replier, tools, textToSpeech }

      const answer = Effect.fnUntraced(function*(call: CallSide) {
        const definitionOfCall = call.isRecorded === true ? definitionIfRecorded : definition
        const record = yield* eventLogs.open(call.callId, call.isOutbound ? { ...definitionOfCall, isOutbound: true } : definitionOfCall, replier)
        return yield* Conversation.open(definitionOfCall, engines, {
          // The sample rate of this agent is 8000, so its calls have this rate.
          ...(call as CallSide<8000>),
          publish: (event) => Effect.andThen(observe(event), call.publish(event)),
          ...(record === undefined ? {} : { record })
        })
      })
      const { keepsWords, name, webhookUrl } = definition
      const agent: Agent = { name, sampleRate: 8000, isRecorded: definition.isRecorded === true, answer, ...(keepsWords === undefined ? {} : { keepsWords }), ...(webhookUrl === undefined ? {} : { webhookUrl }) }
      return agent
    })

    const statesOfStages = [speechToText, replyModel, textToSpeech].flatMap(({ engines }) => engines === undefined ? [] : [engines])
    return ConversationFactory.of({ agentOf, engines: Effect.map(Effect.all(statesOfStages), (states) => states.flat()) })
  })
)
