/**
 * What the turn machine knows between two events: the caller's utterance, the agent's reply, the history, timers and waits. Plain data.
 */
import type { AgentDefinition, Lines } from "../../definition/AgentDefinition.ts"
import type { Need } from "../../definition/DialogScript.ts"
import type { TurnTimes } from "../ports/ConversationEvent.ts"
import type { DialogueState, Message, ReplyRequest } from "../ports/ReplyModel.ts"
import type { Transcript } from "../ports/SpeechToText.ts"
import * as ClauseChunker from "../speak/ClauseChunker.ts"
import * as PlaybackLedger from "./PlaybackLedger.ts"
import type { Timer } from "./TurnEvent.ts"
import * as Farewell from "./judgements/Farewell.ts"
import * as SpeechParts from "./judgements/SpeechParts.ts"

/** What of the persona the machine goes by. */
export type TurnSettings =
  & Pick<AgentDefinition, "lines" | "endpointing" | "interruption" | "idle" | "maxDuration" | "fillers">
  /** By name; the numbers are the interpreter's. */
  & {
    readonly transfers?: Readonly<Record<string, unknown>>
    readonly language?: string
    readonly region?: string
    readonly attention?: ReadonlyArray<string>
  }
  /** Of the script no more than what it asks for. */
  & { readonly script?: { readonly intents: ReadonlyArray<{ readonly needs: ReadonlyArray<Need> }> } }
  /** Whether the reply model has answers of its own for speech without words; see `Replier`. */
  & { readonly answersUnheard?: boolean }
  /** We placed the call. */
  & { readonly isOutbound?: boolean }

/** One reply, of the model or a fixed line: being made, held, said or interrupted. */
export interface Reply {
  readonly id: number
  /** The fixed line that it is; unset: it is the model's. */
  readonly line?: keyof Lines
  /** Unset for a fixed line. */
  readonly request?: ReplyRequest | undefined
  /** It may not be interrupted: a call that is over whatever the caller says. */
  readonly isFinal: boolean
  /** Held back because the caller is speaking. */
  readonly isHeld: boolean
  readonly isMediaSent: boolean
  /** No more text comes, or none is wanted. */
  readonly isTextDone: boolean
  readonly text: ClauseChunker.ClauseChunker
  readonly segments: ReadonlyArray<PlaybackLedger.Segment>
  readonly nextSegment: number
  /** What was heard before the last interruption. */
  readonly heard: string
  /** What was heard before that, and is in the history already: the caller said something in between. */
  readonly remembered?: string
  /** Set: interrupted for the moment; this is still to be said. */
  readonly rest?: ReadonlyArray<string>
  readonly hangUp?: string
  /** To whom the call goes on behind it. */
  readonly transfer?: string
  /** Keys that are still to be pressed behind it. */
  readonly digits: string
  /** What the model wants to keep, once the reply counts. */
  readonly dialogue?: { readonly state: DialogueState }
  readonly isRetried: boolean
  readonly isSpeechRetried: boolean
  /** Made in a pause, and not to be had: if that was the end of the turn, it is not asked for again. */
  readonly isRefused?: boolean
  /** Its rest was lost, and it ended with saying so. */
  readonly isBroken?: boolean
  /** The caller's last voiced sample, and the moments since; unset for a fixed line. */
  readonly since?: number | undefined
  readonly moments: { readonly [Moment in keyof TurnTimes]?: number }
  readonly isMeasured: boolean
}

/** A line in the wait for a reply; it is no reply, and nothing of it is remembered. */
export interface Filler {
  readonly id: number
  readonly hasSound: boolean
  /** All of its sound has been handed to the line: what follows can't overtake it. */
  readonly isLeft: boolean
  /** When it began to be played, and how long that takes; ms. */
  readonly playedFrom?: number
  readonly duration?: number
}

/** What the caller is saying, or has just said. */
export interface Utterance {
  readonly id: number
  /** What was understood so far. */
  readonly partial?: string
  readonly attempt: number
  readonly isTranscribing: boolean
  readonly transcript?: Transcript
  readonly transcribedAt?: number
  readonly startedAt: number
  readonly stoppedAt: number
  /** How long the voice was heard, without the pauses; ms. */
  readonly voicedMillis: number
  /** When the turn began that this is a part of. */
  readonly turnSince: number
  /** The pause was long enough; only the transcript is waited for. */
  readonly isOver: boolean
  readonly isRetried: boolean
  /** How long endpointing waits, ms. */
  readonly due: number
  /** A filler was said while its transcript was awaited. */
  readonly isFilled?: boolean
}

export interface TurnState {
  readonly isEnded: boolean
  readonly history: ReadonlyArray<Message>
  readonly dialogue: DialogueState
  readonly nextReply: number
  readonly nextUtterance: number
  readonly nextTimer: number
  readonly timers: { readonly [Name in Timer]?: number }
  readonly voice: { readonly isOn: boolean; readonly since: number }
  readonly utterance?: Utterance
  /** Earlier parts of what the caller is saying, whose words are not known yet. */
  readonly parts: ReadonlyArray<SpeechParts.Part>
  /** What the caller said before; the answer to it was not heard. */
  readonly carry: string
  /** What of the greeting the caller has not heard; told to the model with their next words. */
  readonly unheard?: string | undefined
  /** The reply that has the turn. */
  readonly active?: Reply
  /** The reply whose sound may leave. */
  readonly released?: number
  /** A reply that is made in a pause, and counts only if that was the end. */
  readonly speculation?: Reply
  /** Until its mark has come back. */
  readonly filler?: Filler
  /** The next line that fills a wait, and the one that was said last. */
  readonly nextFiller: number
  readonly lastFiller?: string
  /** The caller's turn has had its filler. */
  readonly isFilled: boolean
  /** The call is being handed on, to this name: whatever the caller says now is for somebody else. */
  readonly transferring?: string
  /** The agent's last words were heard: the call ends, unless the caller says something. */
  readonly farewell?: Farewell.Farewell
  readonly answeredFarewells: number
  readonly digits: string
  readonly areDigitsDue: boolean
  readonly idleSince?: number
  readonly isIdlePrompted: boolean
  /** The caller has asked to wait until then: neither prompt nor goodbye comes sooner. */
  readonly heldUntil?: number
  /** The agent's last words asked the caller to say it again. */
  readonly isAskedAgain: boolean
  readonly failures: number
}

export const initial: TurnState = {
  isEnded: false,
  history: [],
  dialogue: null,
  nextReply: 0,
  nextUtterance: 0,
  nextTimer: 0,
  timers: {},
  voice: { isOn: false, since: 0 },
  parts: [],
  carry: "",
  nextFiller: 0,
  isFilled: false,
  answeredFarewells: 0,
  digits: "",
  areDigitsDue: false,
  isIdlePrompted: false,
  isAskedAgain: false,
  failures: 0
}
