/**
 * What the turn machine knows between two events: the caller's utterance, the agent's reply, the history, timers and waits. Plain data.
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

/** The part of an agent's definition that decides about turns, and facts about the call. An event log begins with it. */
export interface TurnSettings
  extends Pick<AgentDefinition, "lines" | "endpointing" | "interruption" | "idle" | "maxDuration" | "fillers">
{
  /** The turn machine reads only the names. `CallTransfer` reads the numbers. */
  readonly transfers?: Readonly<Record<string, unknown>>
  /** ISO 639-1. Unset: English. */
  readonly language?: string
  /** ISO 3166-1 alpha-2, for telephone numbers. */
  readonly region?: string
  /** Words with which a caller asks for attention: "hello?", "are you there?" */
  readonly attention?: ReadonlyArray<string>
  /** Of the script, the turn machine reads only what the caller is asked for. */
  readonly script?: { readonly intents: ReadonlyArray<{ readonly needs: ReadonlyArray<Need> }> }
  /** The reply model can answer speech that nobody understood. Unset: it can't. */
  readonly answersUnheard?: boolean
  /** We placed the call. Unset: the caller did. */
  readonly isOutbound?: boolean
}

/** A short phrase, such as "One moment.", while a reply is late. It is not a reply and not in the history. */
export interface Filler {
  /** Fillers and replies are numbered together. */
  readonly id: number
  /** The engine has made some of the filler's sound. */
  readonly hasSound: boolean
  /** All sound of the filler was passed to the line, so the sound of a reply comes after it. */
  readonly hasLeft: boolean
  readonly playedFrom?: number
  /** ms of sound; unset while it is still being made. */
  readonly duration?: number
}

/** What the caller is saying, or has just said. */
export interface Utterance {
  readonly id: number
  /** The newest partial transcript. */
  readonly partial?: string
  /** Number of the newest request for a transcript; 0: there was none. */
  readonly attempt: number
  readonly isTranscribing: boolean
  readonly transcript?: Transcript
  readonly transcribedAt?: number
  readonly startedAt: number
  /** When the last voiced sample came. */
  readonly stoppedAt: number
  /** How long the voice was heard, without the pauses; ms. */
  readonly voicedMillis: number
  /** When the turn of this utterance began. */
  readonly turnStartedAt: number
  /** The pause was long enough to end the turn. Only the transcript is awaited. */
  readonly isOver: boolean
  /** A transcript failed, and was requested once more. */
  readonly isRetried: boolean
  /** The silence after which the turn is over; ms. */
  readonly endpointAfter: number
  /** A filler was said while the transcript was awaited. */
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
  /** `since`: when the caller's newest stretch of voice began. */
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
  /** The reply that becomes active only if the caller's turn is over. Its phase is `Preemptive`. */
  readonly preemptive?: ReplyState
  /** Set until the filler's mark has come back. */
  readonly filler?: Filler
  /** Index of the filler line that comes next. */
  readonly nextFillerIndex: number
  readonly lastFillerLine?: string
  /** A filler was said in the caller's turn. */
  readonly wasFillerSaid: boolean
  /** The name to which the call is being transferred. What the caller says meanwhile is for that person. */
  readonly transferring?: string
  /** The caller has heard the agent's last words. The call ends unless the caller says something. */
  readonly farewell?: Farewell.Farewell
  readonly answeredFarewells: number
  /** Keys that the caller has pressed and that are not answered yet. */
  readonly digits: string
  /** The caller has pressed the last key, and the answer waits for the greeting or for words. */
  readonly areDigitsDue: boolean
  /** When both sides fell silent. */
  readonly idleSince?: number
  /** The agent has asked whether the caller is still there. */
  readonly isIdlePrompted: boolean
  /** The caller asked the agent to wait. Until this time the agent neither prompts nor says goodbye. */
  readonly onHoldUntil?: number
  /** The agent's last words asked the caller to repeat. */
  readonly wasAskedAgain: boolean
  /** Failures of engines since the last reply of the model that was heard whole. */
  readonly failuresInRow: number
}

/** Before the first event. */
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
