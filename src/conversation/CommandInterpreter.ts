/**
 * Passes each command of the turn machine to the part of the conversation that carries it out. All decisions are made by the turn machine
 * (docs/adr/0005).
 *
 * No command waits for an engine. A part that needs time works in its own fiber and reports its result as an event.
 */
import { Effect } from "effect"
import type { ConversationEvent } from "./ports/ConversationEvent.ts"
import type { CallerSound } from "./listen/CallerSound.ts"
import type { UtteranceRecognition } from "./listen/UtteranceRecognition.ts"
import type { SpeechContext } from "./speak/context/SpeechContext.ts"
import type { KeyPresses } from "./speak/KeyPresses.ts"
import type { PlaybackReporter } from "./speak/PlaybackReporter.ts"
import type { ReplyGeneration } from "./speak/ReplyGeneration.ts"
import type { ReplySpeech } from "./speak/ReplySpeech.ts"
import type { ToolRunner } from "./tools/ToolRunner.ts"
import type { Command } from "./turn/TurnCommand.ts"
import type { Interpreter } from "./turn/TurnLoop.ts"
import type { TurnTimers } from "./turn/TurnTimers.ts"

interface Parts {
  readonly callerSound: Pick<CallerSound, "preSpeech">
  readonly recognition: UtteranceRecognition
  readonly generation: ReplyGeneration
  readonly speech: ReplySpeech
  readonly playback: Pick<PlaybackReporter, "onClear">
  readonly keys: Pick<KeyPresses, "press" | "cut">
  readonly timers: TurnTimers
  readonly tools: Pick<ToolRunner, "onCallerSaid" | "onReplyHeard">
  /** The newest words and sound of both sides, for speech synthesis. Unset: the engine does not use them. */
  readonly context: SpeechContext | undefined
  readonly line: {
    readonly clear: Effect.Effect<void>
    readonly publish: (event: ConversationEvent) => Effect.Effect<void>
    /** Whether somebody watches the call. Watchers get partial transcripts. */
    readonly isWatched: () => boolean
    readonly hangUp: Effect.Effect<unknown>
    /** Transfers the call in the background, and reports the result as an event. */
    readonly transfer: (to: string) => Effect.Effect<unknown>
    /** Reports the result of the transfer that was requested in an earlier media stream of the call. */
    readonly awaitTransfer: Effect.Effect<void>
  }
}

export const make = (parts: Parts): Interpreter => {
  const { callerSound, context, generation, keys, line, playback, recognition, speech, timers, tools } = parts
  /** Whether the turn machine wants partial transcripts. */
  let arePartialsWanted = false

  const beginUtterance = ({ after, since, utterance }: Extract<Command, { readonly _tag: "BeginUtterance" }>) =>
    after === undefined
      ? recognition.begin(utterance, { preSpeech: callerSound.preSpeech() })
      : recognition.begin(utterance, { continues: after, ...(since === undefined ? {} : { preSpeech: callerSound.preSpeech(since) }) })

  const dropReply = (reply: number) =>
    Effect.suspend(() => {
      keys.cut(reply, 0)
      return Effect.andThen(generation.drop(reply), speech.drop(reply))
    })

  const carryOut = (command: Command): Effect.Effect<unknown> => {
    switch (command._tag) {
      case "BeginUtterance":
        return beginUtterance(command)
      case "Transcribe":
        return recognition.transcribe(command.utterance, command.attempt)
      case "CancelTranscription":
        return recognition.cancelTranscription(command.utterance)
      case "EndUtterance":
        return recognition.end(command.utterance)
      case "WantWords":
        arePartialsWanted = command.isWanted
        return Effect.void
      case "StartReply":
        speech.onReplyStarted(command.reply, command.request.history.findLast(({ role }) => role === "caller")?.text ?? "")
        return generation.start(command.reply, command.request)
      case "SettleReply":
        return Effect.sync(() => generation.settle(command.reply))
      case "CancelReply":
        return dropReply(command.reply)
      case "ForgetReply":
        return Effect.andThen(dropReply(command.reply), Effect.sync(() => context?.drop(command.reply)))
      case "Speak":
        return speech.speak(command.reply, command.segment, command.text, command.kind)
      case "Press":
        keys.press(command.reply, command.segment, command.digits)
        return speech.press(command.reply, command.segment, command.digits)
      case "Release":
        return speech.release(command.reply)
      case "Hold":
        return speech.hold(command.reply)
      case "StopSpeech":
        keys.cut(command.reply, command.from)
        return speech.stop(command.reply, command.from)
      case "Clear":
        return Effect.andThen(line.clear, Effect.sync(playback.onClear))
      case "RememberCallerWords":
        if (command.isRequest) tools.onCallerSaid(command.text)
        context?.callerSaid(command.text)
        return Effect.void
      case "RememberAgentWords":
        tools.onReplyHeard(command.reply, command.text)
        context?.agentHeard(command.reply, command.text)
        return Effect.void
      case "StartTimer":
        return timers.start(command.timer, command.id, command.due)
      case "CancelTimer":
        return timers.cancel(command.timer)
      case "Publish":
        return line.publish(command.event)
      case "HangUp":
        return line.hangUp
      case "Transfer":
        return line.transfer(command.to)
      case "AwaitTransfer":
        return line.awaitTransfer
    }
  }

  return {
    carryOut,
    onEventDone: () => {
      recognition.setPartialsWanted(arePartialsWanted || line.isWatched())
      context?.forgetUtterance()
    }
  }
}
