/**
 * The definition of an agent: everything that a conversation needs to know about it. `agent/file/AgentFile` reads it from a file.
 */
import type { Schema } from "effect"
import type { AgentName } from "../domain/AgentName.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { DialogScript } from "./DialogScript.ts"
import type { RecognitionHints } from "./RecognitionHints.ts"

/** When the caller's turn ends. All values are ms of silence after the caller's last voiced sample. */
export interface Endpointing {
  /** The turn is over. Default 300. */
  readonly silence: number
  /** Instead of `silence`, when the transcript is complete. Default 250. */
  readonly complete: number
  /** Instead of `silence`, when the transcript trails off. Default 800. */
  readonly trailing: number
  /** Transcription and reply start; the reply is held until the turn is over. Default 100. */
  readonly speculate: number
  /** The minimum while the caller dictates digits, letters, a date or an address. Default 1600; unset: the other values hold. */
  readonly dictation?: number
}

interface Interruption {
  /** Voice of the caller, in ms, that stops the agent; a pause shorter than 64 ms counts as voice. Default 200. */
  readonly minSpeech: number
  /** What callers say into the agent's speech without wanting the turn. Case and punctuation don't count. */
  readonly backchannels: ReadonlyArray<string>
  /** `false`: the greeting can't be interrupted, and what the caller says or presses is answered after it. Unset: `true`. */
  readonly greeting?: boolean
}

export interface Idle {
  /** Silence of caller and agent, in ms, after which the agent asks whether the caller is there. Default 8000. */
  readonly after: number
  /** Silence of both sides, in ms from the same moment, after which the agent says goodbye. Default 20,000. */
  readonly hangUpAfter: number
  /** How long the agent waits, in ms, for a caller who asked it to. Default 60,000; unset: the agent does not recognise such a request. */
  readonly hold?: number
}

/** How long an engine may take, in ms, before the request is repeated or given up. */
export interface Timeouts {
  /** Default 3000. */
  readonly transcript: number
  /** To the reply's first text. Default 5000. */
  readonly reply: number
  /** To the first sound of a segment. Default 4000. */
  readonly speech: number
}

/** Short lines that fill the wait for a reply whose first sound is late. */
export interface Fillers {
  /** ms after the caller's last voiced sample. Default 900. */
  readonly after: number
  /** The same line is never said twice in a row; empty: the wait is silent. */
  readonly lines: ReadonlyArray<string>
}

/** A tool of a language model, called over HTTP: `POST url` with the arguments as JSON. The model gets the text of the answer. */
export interface Tool {
  readonly name: string
  /** Tells the model what the tool is for. */
  readonly description: string
  /** A JSON schema of the arguments, an object. */
  readonly parameters: { readonly [key: string]: Schema.Json }
  readonly url: URL
  /** ms to the end of the answer. Default 3000. */
  readonly timeout: number
  /** The tool has no effects, so it may be called in a pause, before the caller's turn is surely over. */
  readonly repeatable?: boolean
}

/** The fixed lines. Their sound is made when the agent is loaded, so that they can be said when an engine fails. */
export interface Lines {
  readonly greeting: string
  /** The caller has been silent. */
  readonly idle: string
  /** The caller stayed silent; the call ends after this line. */
  readonly idleGoodbye: string
  /** An engine failed; the caller may try again. */
  readonly apology: string
  /** Engines keep failing; the call ends after this line. */
  readonly failure: string
  /** The call has reached its longest duration and ends after this line. */
  readonly timeIsUp: string
  /** The call could not be transferred; unset: the apology. */
  readonly transferFailed?: string
  /** The line was lost, and the conversation goes on. Unset or empty: the agent goes on without a word about it. */
  readonly resumed?: string
  /** The call is recorded: said before the greeting. Unset or empty: nobody is told. */
  readonly recorded?: string
  /** The caller asked the agent to wait; unset or empty: the reply model answers. */
  readonly hold?: string
  /** Asks the caller to say it again; unset: the caller is never asked (see `AskAgain`). */
  readonly notUnderstood?: string
}

export interface AgentDefinition {
  readonly name: AgentName
  /** ISO 639-1. */
  readonly language: string
  /** ISO 3166: the region whose numbering plan tells when a dictated number is complete. Unset: the region with most speakers of the language. */
  readonly region?: string
  readonly voice?: string
  /** All calls of the agent are recorded. Unset: only those for which the request or the configuration asks. */
  readonly isRecorded?: boolean
  /** Read by a language model. */
  readonly instructions: string
  readonly lines: Lines
  /** Read by the scripted engine. */
  readonly script: DialogScript
  readonly hints: RecognitionHints
  readonly endpointing: Endpointing
  readonly interruption: Interruption
  /** What callers say to find out whether they are heard ("hello", "are you there"). */
  readonly attention?: ReadonlyArray<string>
  readonly idle: Idle
  readonly timeouts: Timeouts
  /** The time-outs that the agent's file sets. */
  readonly ownTimeouts?: Partial<Timeouts>
  readonly fillers?: Fillers
  /** The numbers that the call may be transferred to, by the name that the model uses. */
  readonly transfers?: Readonly<Record<string, PhoneNumber>>
  readonly tools?: ReadonlyArray<Tool>
  /** `false`: the store keeps figures of the agent's calls, but no words and no sound. Unset: `true`. */
  readonly keepsWords?: boolean
  /** The address for webhooks about the agent's calls. Unset: the service's address. */
  readonly webhookUrl?: string
  /** The longest call in ms, goodbye included; never above `MAX_CALL_DURATION`. */
  readonly maxDuration: number
}
