/**
 * Who speaks: all that a conversation has to know of its agent. Read from an agent file by `agent/file/AgentFile`.
 */
import type { Schema } from "effect"
import type { AgentName } from "../domain/AgentName.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { DialogScript } from "./DialogScript.ts"
import type { RecognitionHints } from "./RecognitionHints.ts"

/** When a turn ends. All in ms of silence after the caller's last voiced sample. */
export interface Endpointing {
  /** The turn is over. Default 300. */
  readonly silence: number
  /** Instead of `silence`, when the transcript is complete. Default 250. */
  readonly complete: number
  /** Instead of `silence`, when the transcript trails off. Default 800. */
  readonly trailing: number
  /** Transcription and reply are started already, and held. Default 100. */
  readonly speculate: number
  /** At least so long while digits, letters, a date or an address are dictated. Default 1600; unset: as ever. */
  readonly dictation?: number
}

export interface Interruption {
  /** Voice of the caller, in ms, that stops the agent; a pause shorter than 64 ms counts as voice. Default 200. */
  readonly minSpeech: number
  /** What is said while the agent speaks without wanting the turn; compared without case and punctuation. */
  readonly backchannels: ReadonlyArray<string>
  /** `false`: the greeting is said to its end, whatever the caller says or presses; that is answered behind it. Unset: `true`. */
  readonly greeting?: boolean
}

export interface Idle {
  /** Silence of both, in ms, after which the agent asks whether the caller is there. Default 8000. */
  readonly after: number
  /** The same, after which it says goodbye. Counted from the same moment; default 20,000. */
  readonly hangUpAfter: number
  /** How long the agent waits, in ms, for a caller who has asked it to. Default 60,000; unset: it does not know such a request. */
  readonly hold?: number
}

/** How long an engine may take, in ms, before it is asked once more or given up. */
export interface Timeouts {
  /** Default 3000. */
  readonly transcript: number
  /** To the first text. Default 5000. */
  readonly reply: number
  /** To the first sound of a segment. Default 4000. */
  readonly speech: number
}

/** Short lines that fill the wait for a reply whose first sound is late. */
export interface Fillers {
  /** ms after the caller's last voiced sample. Default 900. */
  readonly after: number
  /** Never the same twice in a row; none: the wait is silent. */
  readonly lines: ReadonlyArray<string>
}

/** Something that a language model may ask for, over HTTP: `POST url` with the arguments as JSON, and the answer's text for the model. */
export interface Tool {
  readonly name: string
  /** What it is for, for the model. */
  readonly description: string
  /** A JSON schema of the arguments, an object. */
  readonly parameters: { readonly [key: string]: Schema.Json }
  readonly url: URL
  /** ms to the end of the answer. Default 3000. */
  readonly timeout: number
  /** It only looks something up: it may be asked in a pause already, before the caller's turn is surely over. */
  readonly repeatable?: boolean
}

/** The fixed lines. They are made ready when the agent is loaded, so that they come also when an engine fails. */
export interface Lines {
  readonly greeting: string
  /** The caller has been silent. */
  readonly idle: string
  /** The caller stayed silent; the call is ended behind it. */
  readonly idleGoodbye: string
  /** An engine failed; the caller may try again. */
  readonly apology: string
  /** Engines go on failing; the call is ended behind it. */
  readonly failure: string
  /** The longest duration of a call is reached; the call is ended behind it. */
  readonly timeIsUp: string
  /** The call could not be handed on; unset: the apology. */
  readonly transferFailed?: string
  /** The line was lost, and the conversation goes on. Unset or empty: the agent goes on without a word about it. */
  readonly resumed?: string
  /** The caller asked the agent to wait; unset or empty: the reply model answers. */
  readonly hold?: string
  /** The caller is asked to say it again; unset: nobody is (see `AskAgain`). */
  readonly notUnderstood?: string
}

export interface AgentDefinition {
  readonly name: AgentName
  /** ISO 639-1. */
  readonly language: string
  /** ISO 3166: by whose plan a caller's number is complete. Unset: where most speak the language. */
  readonly region?: string
  readonly voice?: string
  /** For a language model. */
  readonly instructions: string
  readonly lines: Lines
  /** For the scripted engine. */
  readonly script: DialogScript
  readonly hints: RecognitionHints
  readonly endpointing: Endpointing
  readonly interruption: Interruption
  /** What callers say to find out whether they are heard ("hello", "are you there"): it asks for nothing. */
  readonly attention?: ReadonlyArray<string>
  readonly idle: Idle
  readonly timeouts: Timeouts
  /** Those of them that the agent's file sets. */
  readonly ownTimeouts?: Partial<Timeouts>
  readonly fillers?: Fillers
  /** Telephones that the call may be handed on to, each by a name for the model. */
  readonly transfers?: Readonly<Record<string, PhoneNumber>>
  readonly tools?: ReadonlyArray<Tool>
  /** The longest call, in ms, goodbye included; never above the service's own. */
  readonly maxDuration: number
}
