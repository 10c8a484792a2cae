/**
 * The state of the turn machine between two events: the caller's utterance, the agent's reply, the history, timers and waits. Plain data.
 * All times are ms since the conversation began.
 */
import type { AgentDefinition } from "../../definition/AgentDefinition.ts"
import type { Need } from "../../definition/DialogScript.ts"
import type { DialogueState, Message } from "../ports/ReplyModel.ts"
import type { Transcript } from "../ports/SpeechToText.ts"
import type { ReplyState } from "./ReplyState.ts"
import type { Timer } from "./TurnEvent.ts"
import type * as Farewell from "./judgements/Farewell.ts"
import type * as SpeechParts from "./judgements/SpeechParts.ts"

/** The settings of the turn machine: a part of the agent's definition, and facts about the call. An event log begins with these settings. */
export interface TurnSettings
  extends Pick<AgentDefinition, "lines" | "endpointing" | "interruption" | "idle" | "maxDuration" | "fillers">
{
  /** The turn machine reads only the names. `CallTransfer` reads the numbers. */
  readonly transfers?: Readonly<Record<string, unknown>>
  /** ISO 639-1. Unset: English. */
  readonly language?: string
  /** ISO 3166-1 alpha-2, for telephone numbers. */
  readonly region?: string
  /** Phrases that ask for nothing: "hello?", "are you there?", "thanks". */
  readonly smallTalk?: ReadonlyArray<string>
  /** The turn machine reads only the script's questions and the slots that they fill. */
  readonly script?: { readonly intents: ReadonlyArray<{ readonly needs: ReadonlyArray<Need> }> }
  /** The reply model can answer speech in which no word was understood. Unset: it can't. */
  readonly answersUnintelligible?: boolean
  /** We placed the call. Unset: the call is inbound. */
  readonly isOutbound?: boolean
}

/** A short line, such as "One moment.", that is said while a reply is late. A filler is not a reply, and is not in the history. */
export interface Filler {
  /** Fillers and replies are numbered together. */
  readonly id: number
  /** The engine has made some of the filler's sound. */
  readonly hasSound: boolean
  /** All sound of the filler was passed on, so the sound of a reply comes after it. */
  readonly hasLeft: boolean
  /** When the first sound was sent. */
  readonly playedFrom?: number
  /** ms of sound. Unset while the sound is still being made. */
  readonly duration?: number
}

/** What the caller is saying, or has just said. */
export interface Utterance {
  readonly id: number
  /** The newest partial transcript. */
  readonly partial?: string
  /** Number of the newest request for a transcript. 0: there was no request. */
  readonly attempt: number
  readonly isTranscribing: boolean
  readonly transcript?: Transcript
  readonly transcribedAt?: number
  readonly startedAt: number
  /** When the last voiced sample came. */
  readonly stoppedAt: number
  /** How long the voice lasted, without the pauses, ms. */
  readonly voicedMillis: number
  /** When the turn of this utterance began. */
  readonly turnStartedAt: number
  /** The pause was long enough to end the turn. The turn ends when the transcript has come. */
  readonly isOver: boolean
  /** A request for a transcript failed, and was repeated. */
  readonly isRetried: boolean
  /** The turn is over after this much silence, ms. */
  readonly endpointAfter: number
  /** A filler was said while the transcript was late. */
  readonly wasFillerSaid?: boolean
}

export interface TurnState {
  readonly isEnded: boolean
  readonly history: ReadonlyArray<Message>
  readonly dialogue: DialogueState
  readonly nextReplyId: number
  readonly nextUtteranceId: number
  readonly nextTimerId: number
  /** The ids of running timers. */
  readonly timers: { readonly [Name in Timer]?: number }
  /** The caller's voice. `since`: when it last started. */
  readonly voice: { readonly isOn: boolean; readonly since: number }
  readonly utterance?: Utterance
  /** When the caller spoke the words that are not in the history yet. */
  readonly callerSpoke?: { readonly startedAt: number; readonly endedAt: number }
  /** Earlier parts of a long turn whose words are not known yet. */
  readonly parts: ReadonlyArray<SpeechParts.Part>
  /** Earlier words of the caller, for which no answer was heard. The next reply answers them too. */
  readonly unanswered: string
  /** The part of the greeting that the caller has not heard. The model gets it with the caller's next words. */
  readonly unheardGreeting?: string | undefined
  /** The reply that has the turn. Its phase is not `Preemptive`. */
  readonly active?: ReplyState
  /** The reply whose sound may leave. */
  readonly releasedReplyId?: number
  /** The reply that becomes active when the caller's turn is over. Its phase is `Preemptive`. */
  readonly preemptive?: ReplyState
  /** Set until the filler's mark has come back. */
  readonly filler?: Filler
  /** Index of the next filler line in the settings. */
  readonly nextFillerIndex: number
  readonly lastFillerLine?: string
  /** A filler was said in the caller's turn. */
  readonly wasFillerSaid: boolean
  /** The name of the transfer in progress. Meanwhile the caller's words are for the person at the other telephone. */
  readonly transferring?: string
  /** The caller has heard the agent's last words. The call ends unless the caller says something. */
  readonly farewell?: Farewell.Farewell
  readonly answeredFarewells: number
  /** The keys that the caller has pressed and the agent has not answered yet. */
  readonly digits: string
  /** The caller has pressed the last key. The answer waits until the greeting or the caller's words have ended. */
  readonly areDigitsDue: boolean
  /** When both sides became silent. */
  readonly idleSince?: number
  /** The agent has asked whether the caller is still there. */
  readonly isIdlePrompted: boolean
  /** The caller asked the agent to wait. Until this time the agent neither prompts nor says goodbye. */
  readonly onHoldUntil?: number
  /** The agent's newest words asked the caller to repeat. */
  readonly wasAskedAgain: boolean
  /** Failures of engines since the last reply of the model that was heard whole. */
  readonly failuresInRow: number
}

/** The state before the first event. */
export const initial: TurnState = {
  isEnded: false,
  history: [],
  dialogue: null,
  nextReplyId: 0,
  nextUtteranceId: 0,
  nextTimerId: 0,
  timers: {},
  voice: { isOn: false, since: 0 },
  parts: [],
  unanswered: "",
  nextFillerIndex: 0,
  wasFillerSaid: false,
  answeredFarewells: 0,
  digits: "",
  areDigitsDue: false,
  isIdlePrompted: false,
  wasAskedAgain: false,
  failuresInRow: 0
}
