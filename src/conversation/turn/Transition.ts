/**
 * The turn machine: who has the turn, what is said next, what was heard. Pure: an event and a state give
 * commands and a state; `Conversation` carries them out. Feed it a recorded call's events, and the same
 * commands come out.
 *
 * Its rules, each with a test of its name (docs/adr/0005, 0007):
 *
 * - A turn ends after a pause; transcription and reply are started in the pause already, and held.
 * - The agent can be interrupted exactly while it is heard: from the first media to the last mark.
 * - Voice stops the agent; what was said decides later whether it goes on from where it was.
 * - The history holds what was heard, and nothing else.
 * - Somebody who speaks for long is not talked into; what they say is understood in parts.
 * - A caller who goes on before the answer is heard goes on with the same turn.
 * - What was not understood is asked for again, never twice running (`AskAgain`).
 * - An engine's failure is spoken of, not suffered in silence; the third one in a row ends the call.
 * - A reply or a transcript that is late has a filler before it: one a turn, never the same twice in a row, and none
 *   of it is remembered (`FillerChoice`).
 * - Who dictates a number is waited for longer (`Dictation`); who asks the agent to wait is waited for (`HoldRequest`).
 * - Keys are pressed behind the reply's words; the call is handed on or ended behind both.
 * - A greeting in return to the agent's greeting does not end it; a request does, and the model knows what was not heard.
 * - Who speaks at the end of the agent's goodbye is heard out before the line is cut, and answered where there are words.
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import * as Words from "../../definition/languages/Words.ts"
import * as UnfinishedSentence from "../speak/UnfinishedSentence.ts"
import { type Draft, forgetTimer, keepReply, onReply, startTimer, trouble } from "./Draft.ts"
import type { Command, Timer, TurnEvent } from "./TurnEvent.ts"
import type { TurnSettings, TurnState } from "./TurnState.ts"
import * as Farewell from "./judgements/Farewell.ts"
import { hangUpDue, transferFailed } from "./rules/AfterReply.ts"
import { follow } from "./rules/AfterReply.ts"
import { sayLine } from "./rules/AgentTurn.ts"
import { endCall, hungUp, startIdle } from "./rules/Ending.ts"
import { endpointReached, transcribed, transcriptionFailed } from "./rules/Endpointing.ts"
import { onFiller, sayFiller } from "./rules/Filler.ts"
import { bargeIn, partial, voiceStarted, voiceStopped } from "./rules/Interruption.ts"
import { digitsDue, keyPressed } from "./rules/Keypad.ts"
import { speaksTooLong } from "./rules/LongSpeech.ts"
import { markReturned, marksAreLate, mediaSent, speechBegan, speechEnded } from "./rules/Playback.ts"
import { replyDone, replyFailed, replyText, speechFailed } from "./rules/Reply.ts"
import { endUtterance, transcribe } from "./rules/Utterance.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"

/** The last line begins this long (ms) before the longest duration of the call. */
export const timeIsUpBefore = 10_000

export type Transition = (state: TurnState, event: TurnEvent) => readonly [ReadonlyArray<Command>, TurnState]

const began = (draft: Draft): void => {
  startTimer(draft, "limit", Math.max(0, draft.settings.maxDuration - timeIsUpBefore))
  if (draft.settings.lines.greeting.trim().length > 0) sayLine(draft, "greeting")
  else startIdle(draft)
}

const timerFired = (draft: Draft, timer: Timer, id: number): void => {
  if (draft.state.timers[timer] !== id) return
  forgetTimer(draft, timer)
  switch (timer) {
    case "speculate":
      return transcribe(draft)
    case "endpoint":
      return endpointReached(draft)
    case "bargeIn":
      return bargeIn(draft)
    case "utterance":
      return speaksTooLong(draft)
    case "playback":
      return marksAreLate(draft)
    case "idle":
      draft.state.isIdlePrompted = true
      return sayLine(draft, "idle")
    case "idleHangUp":
      return sayLine(draft, "idleGoodbye", { hangUp: "idle", isFinal: false })
    case "digits":
      return digitsDue(draft)
    case "hangUp":
      return hangUpDue(draft)
    case "filler":
      return sayFiller(draft)
    case "limit":
      if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
      delete draft.state.transferring
      return sayLine(draft, "timeIsUp", { hangUp: "maxDuration", isFinal: true })
  }
}

const on = (draft: Draft, event: TurnEvent): void => {
  if ("reply" in event && event.reply === draft.state.filler?.id) return onFiller(draft, draft.state.filler, event)
  switch (event._tag) {
    case "Began":
      return began(draft)
    case "VoiceStarted":
      return voiceStarted(draft, event.since)
    case "VoiceStopped":
      return voiceStopped(draft, event.since)
    case "Partial":
      return partial(draft, event.utterance, event.text)
    case "Transcribed":
      return transcribed(draft, event.utterance, event.attempt, event.transcript)
    case "TranscriptionFailed":
      return transcriptionFailed(draft, event.utterance, event.attempt, event)
    case "ReplyText":
      return onReply(draft, event.reply, (reply) => replyText(draft, reply, event.text))
    case "ReplyCutShort":
      return onReply(draft, event.reply, (reply) => keepReply(draft, { ...reply, text: UnfinishedSentence.leaveOut(reply.text) }))
    case "ReplyState":
      return onReply(draft, event.reply, (reply) => {
        if (reply.id === draft.state.active?.id) draft.state.dialogue = event.state
        keepReply(draft, { ...reply, dialogue: { state: event.state } })
      })
    case "ReplyHangUp":
      return onReply(draft, event.reply, (reply) => void keepReply(draft, { ...reply, hangUp: "goodbye" }))
    case "ReplyTransfer":
      return onReply(draft, event.reply, (reply) => void keepReply(draft, { ...reply, transfer: event.to }))
    case "ReplyDigits":
      return onReply(draft, event.reply, (reply) =>
        void keepReply(draft, { ...reply, digits: reply.digits + Dtmf.keysIn(event.digits) }))
    case "ReplyDone":
      return onReply(draft, event.reply, (reply) => replyDone(draft, reply))
    case "ReplyFailed":
      return onReply(draft, event.reply, (reply) => replyFailed(draft, reply, event))
    case "SpeechBegan":
      return onReply(draft, event.reply, (reply) => speechBegan(draft, reply, event.segment))
    case "MediaSent":
      return onReply(draft, event.reply, (reply) => mediaSent(draft, reply, event.segment))
    case "SpeechEnded":
      return onReply(draft, event.reply, (reply) => speechEnded(draft, reply, event.segment, event.duration))
    case "SpeechFailed":
      return onReply(draft, event.reply, (reply) => speechFailed(draft, reply, event))
    case "MarkReturned":
      return onReply(draft, event.reply, (reply) => markReturned(draft, reply, event.segment))
    case "FillerLeft":
      // Of one that was cut off.
      return
    case "Transferred":
      return endCall(draft, "transferred")
    case "TransferFailed":
      return transferFailed(draft, event.reason)
    case "TimerFired":
      return timerFired(draft, event.timer, event.id)
    case "Digit":
      return keyPressed(draft, event.digit)
    case "Trouble":
      return trouble(draft, event.stage, event.reason)
    case "HungUp":
      return hungUp(draft)
  }
}

/** A machine for one call. What it needs of the settings again and again is prepared here. */
export const make = (settings: TurnSettings): Transition => {
  const phrases = {
    backchannels: new Set(settings.interruption.backchannels.map(Words.plain)),
    isClosing: Farewell.closingOf(settings.language),
    isBareGreeting: GreetingAnswer.make({ ...settings, backchannels: settings.interruption.backchannels })
  }
  return (state, event) => {
    if (state.isEnded) return [[], state]
    const draft: Draft = { state: { ...state }, commands: [], settings, phrases, at: event.at, afterReply: follow }
    on(draft, event)
    return [draft.commands, draft.state]
  }
}
