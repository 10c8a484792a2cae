/**
 * The turn machine decides who has the turn and what the agent says next, and records what the caller heard. It is a pure function from a
 * state and an event to commands and the next state. `CommandInterpreter` carries the commands out. The events of a recorded call give the
 * same commands again.
 *
 * This file only passes each event to its rule. The rules, with their files (docs/adr/0005, 0007):
 *
 * - A turn ends after a pause. Transcript and reply are requested during the pause, and the reply waits (`Endpointing`, `TurnEnd`).
 * - The caller can interrupt the agent during playback: from the first media to the last mark (`Interruption`, `Playback`).
 * - The caller's voice stops the agent. Later the caller's words decide whether the agent says the rest.
 * - The history has only those words of the agent that the caller heard (`History`).
 * - The agent does not interrupt long speech. Long speech is transcribed in parts (`LongSpeech`).
 * - If the caller speaks again before hearing any of the answer, the caller's turn continues (`Interruption`).
 * - If the agent did not understand the caller, it asks the caller to repeat, but never twice in a row (`TurnEnd`, `AskAgain`).
 * - The agent apologises for an engine's failure. The third failure in a row ends the call (`Reply`, `AgentTurn`).
 * - While a reply is late, the agent says a filler: one in each turn, and never the same line twice in a row (`Filler`, `FillerChoice`).
 * - The agent waits longer while the caller dictates a number (`Dictation`), and after a request to wait (`HoldRequest`).
 * - Keys are pressed after the reply's words. After the keys, the call is transferred or ended (`AfterReply`).
 * - A greeting in return does not end the agent's greeting. A request does end it, and the model then gets the words that the caller did not
 *   hear (`Greeting`).
 * - If the caller speaks at the end of the agent's goodbye, the agent listens, and answers if there are words (`Ending`, `Farewell`).
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import * as Words from "../../definition/languages/Words.ts"
import * as UnfinishedSentence from "../speak/UnfinishedSentence.ts"
import { type Draft, forgetTimer, updateReply, startTimer, publishTrouble, withReply } from "./Draft.ts"
import type { Command } from "./TurnCommand.ts"
import type { Timer, TurnEvent } from "./TurnEvent.ts"
import type { TurnSettings, TurnState } from "./TurnState.ts"
import * as Farewell from "./judgements/Farewell.ts"
import { settleFinished, transferFailed } from "./rules/AfterReply.ts"
import { sayLine } from "./rules/AgentTurn.ts"
import { endCall, hungUp, startIdle } from "./rules/Ending.ts"
import { endpointReached, transcribed, transcriptionFailed } from "./rules/Endpointing.ts"
import { fillerDue, onFiller } from "./rules/Filler.ts"
import { bargeIn, partialTranscript, voiceStarted, voiceStopped, wantWords } from "./rules/Interruption.ts"
import { keyPressed } from "./rules/Keypad.ts"
import { hangUpDue, speaksTooLong } from "./rules/LongSpeech.ts"
import { markReturned, marksAreLate, mediaSent, speechBegan, speechEnded, stopReply } from "./rules/Playback.ts"
import { reconnected } from "./resumption/Resumption.ts"
import { replyDone, replyFailed, replyText, speechFailed } from "./rules/Reply.ts"
import { digitsDue } from "./rules/TurnEnd.ts"
import { endUtterance, transcribe } from "./rules/Utterance.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"

/** The agent says its last line this long (ms) before the call's maximum duration is over. */
const timeIsUpBeforeMillis = 10_000

/** Returns the commands in the order in which they are carried out, and the next state. After the end of a call there are no commands. */
export type Transition = (state: TurnState, event: TurnEvent) => readonly [ReadonlyArray<Command>, TurnState]

const startLimit = (draft: Draft): void =>
  startTimer(draft, "limit", Math.max(draft.at, draft.settings.maxDuration - timeIsUpBeforeMillis))

const began = (draft: Draft): void => {
  startLimit(draft)
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
      return fillerDue(draft)
    case "limit":
      if (draft.state.utterance !== undefined) endUtterance(draft, draft.state.utterance)
      delete draft.state.transferring
      if (draft.state.active !== undefined) stopReply(draft, draft.state.active)
      return sayLine(draft, "timeIsUp", { hangUp: "maxDuration", isFinal: true })
  }
}

const applyEvent = (draft: Draft, event: TurnEvent): void => {
  if ("reply" in event && event.reply === draft.state.filler?.id) return onFiller(draft, draft.state.filler, event)
  switch (event._tag) {
    case "Began":
      return began(draft)
    case "Reconnected":
      startLimit(draft)
      return reconnected(draft, event.memory, event.isAfterTransfer)
    case "VoiceStarted":
      return voiceStarted(draft, event.since)
    case "VoiceStopped":
      return voiceStopped(draft, event.since)
    case "Partial":
      return partialTranscript(draft, event.utterance, event.text)
    case "Transcribed":
      return transcribed(draft, event.utterance, event.attempt, event.transcript)
    case "TranscriptionFailed":
      return transcriptionFailed(draft, event.utterance, event.attempt, event)
    case "ReplyText":
      return withReply(draft, event.reply, (reply) => replyText(draft, reply, event.text))
    case "ReplyCutShort":
      return withReply(draft, event.reply, (reply) => updateReply(draft, { ...reply, chunker: UnfinishedSentence.leaveOut(reply.chunker) }))
    case "ReplyState":
      return withReply(draft, event.reply, (reply) => {
        if (reply.id === draft.state.active?.id) draft.state.dialogue = event.state
        updateReply(draft, { ...reply, dialogue: { state: event.state } })
      })
    case "ReplyHangUp":
      return withReply(draft, event.reply, (reply) => void updateReply(draft, { ...reply, hangUp: "goodbye" }))
    case "ReplyTransfer":
      return withReply(draft, event.reply, (reply) => void updateReply(draft, { ...reply, transfer: event.to }))
    case "ReplyDigits":
      return withReply(draft, event.reply, (reply) =>
        void updateReply(draft, { ...reply, digits: reply.digits + Dtmf.keysIn(event.digits) }))
    case "ReplyDone":
      return withReply(draft, event.reply, (reply) => replyDone(draft, reply))
    case "ReplyFailed":
      return withReply(draft, event.reply, (reply) => replyFailed(draft, reply, event))
    case "SpeechBegan":
      return withReply(draft, event.reply, (reply) => speechBegan(draft, reply, event.segment))
    case "MediaSent":
      return withReply(draft, event.reply, (reply) => mediaSent(draft, reply, event.segment))
    case "SpeechEnded":
      return withReply(draft, event.reply, (reply) => speechEnded(draft, reply, event.segment, event.duration))
    case "SpeechFailed":
      return withReply(draft, event.reply, (reply) => speechFailed(draft, reply, event))
    case "MarkReturned":
      return withReply(draft, event.reply, (reply) => markReturned(draft, reply, event.segment))
    case "FillerLeft":
      // The filler of this event was cut off before.
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
      return publishTrouble(draft, event.stage, event.reason)
    case "HungUp":
      return hungUp(draft, event.reason)
  }
}

/** The machine for one call, with its language's phrases prepared. */
export const make = (settings: TurnSettings): Transition => {
  const phrases = {
    backchannels: new Set(settings.interruption.backchannels.map(Words.plain)),
    isClosing: Farewell.closingOf(settings.language),
    isBareGreeting: GreetingAnswer.make({ ...settings, backchannels: settings.interruption.backchannels })
  }
  return (state, event) => {
    if (state.isEnded) return [[], state]
    const draft: Draft = { state: { ...state }, commands: [], settings, phrases, at: event.at }
    applyEvent(draft, event)
    settleFinished(draft)
    wantWords(draft, state)
    return [draft.commands, draft.state]
  }
}
