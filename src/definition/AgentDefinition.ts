/**
 * The definition of an agent: all settings that its conversations use. `agent/file/AgentFile` reads the definition from a file.
 */
import type { Schema } from "effect"
import type { AgentName } from "../domain/AgentName.ts"
import type { PhoneNumber } from "../domain/PhoneNumber.ts"
import type { DialogScript } from "./DialogScript.ts"
import type { RecognitionHints } from "./RecognitionHints.ts"

/** When the caller's turn ends. All values are ms of silence after the caller's last voiced sample. */
export interface Endpointing {
  /** After this silence the turn is over. Default 300. */
  readonly silence: number
  /** Instead of `silence`, if the caller's words can stand as a whole. Default 250. */
  readonly complete: number
  /** Instead of `silence`, if the caller's words break off. Default 800. */
  readonly trailing: number
  /** After this silence transcription and a preemptive reply begin. Default 100. */
  readonly speculate: number
  /** The shortest silence that ends a turn in which the caller dictates something. Default 1600. Unset: dictation makes no difference. */
  readonly dictation?: number
}

interface Interruption {
  /** The agent stops when the caller has spoken for this long, in ms. A pause shorter than 64 ms counts as speech. Default 200. */
  readonly minSpeech: number
  /** Words that callers say while the agent speaks, without wanting the turn. Case and punctuation don't count. */
  readonly backchannels: ReadonlyArray<string>
  /** `false`: the greeting can't be interrupted. The agent then answers the caller's words and keys after the greeting. Unset: `true`. */
  readonly greeting?: boolean
}

export interface Idle {
  /** After this silence of both sides (ms) the agent asks whether the caller is there. Default 8000. */
  readonly after: number
  /** After this silence of both sides (ms) the agent says goodbye. Both times count from the same moment. Default 20,000. */
  readonly hangUpAfter: number
  /** How long the agent waits (ms) after a hold request of the caller. Default 60,000. Unset: the agent does not recognize hold requests. */
  readonly hold?: number
}

/** The longest wait for an engine, in ms. After that the request is repeated, or counts as failed. */
export interface Timeouts {
  /** Default 3000. */
  readonly transcript: number
  /** For the reply's first or next text. Default 5000. */
  readonly reply: number
  /** For the first or next sound of a segment. Default 4000. */
  readonly speech: number
}

/** Short sentences that the agent says while the first sound of a reply is late. */
export interface Fillers {
  /** A filler is due this long (ms) after the caller's last voiced sample. Default 900. */
  readonly after: number
  /** The sentences. The same sentence is never said twice in a row. Empty: the agent says no fillers. */
  readonly lines: ReadonlyArray<string>
}

/** A tool of a language model, called over HTTP: `POST url` with the arguments as JSON. The model gets the text of the answer. */
export interface Tool {
  readonly name: string
  /** Tells the model what the tool is for. */
  readonly description: string
  /** The JSON schema of the arguments, which are an object. */
  readonly parameters: { readonly [key: string]: Schema.Json }
  readonly url: URL
  /** The longest wait for the whole answer, ms. Default 3000. */
  readonly timeout: number
  /** The tool changes nothing. So it may be called for a preemptive reply, before it is sure that the caller's turn is over. */
  readonly repeatable?: boolean
}

/** The agent's fixed sentences. Their sound is made when the agent is loaded, so that they can be said even if an engine fails. */
export interface Lines {
  readonly greeting: string
  /** Said when the caller has been silent for `idle.after`. */
  readonly idle: string
  /** Said when the caller has been silent for `idle.hangUpAfter`. The call ends after this sentence. */
  readonly idleGoodbye: string
  /** Said when an engine failed. The caller may try again. */
  readonly apology: string
  /** Said when engines keep failing. The call ends after this sentence. */
  readonly failure: string
  /** Said shortly before the call reaches its longest duration. The call ends after this sentence. */
  readonly timeIsUp: string
  /** Said when the call could not be transferred. Unset: `apology` is said. */
  readonly transferFailed?: string
  /** Said when the conversation goes on after a media stream was lost. Unset or empty: the agent does not mention the loss. */
  readonly resumed?: string
  /** Said before the greeting if the call is recorded. Unset or empty: the caller is not told. */
  readonly recorded?: string
  /** Said when the caller asked the agent to wait. Unset or empty: the reply model answers. */
  readonly hold?: string
  /** Asks the caller to repeat words that were not understood. Unset: the agent never asks that (see `AskAgain`). */
  readonly notUnderstood?: string
}

export interface AgentDefinition {
  readonly name: AgentName
  /** ISO 639-1. */
  readonly language: string
  /** ISO 3166. The region's numbering plan decides when a dictated number is complete. Unset: the most likely region of the language. */
  readonly region?: string
  /** The name of the speech server's voice. Unset: the voice of `TTS_VOICE`. */
  readonly voice?: string
  /** All calls of the agent are recorded. `false` or unset: a call is recorded if its request or the configuration says so. */
  readonly isRecorded?: boolean
  /** Language models get these instructions. */
  readonly instructions: string
  readonly lines: Lines
  /** The scripted engine follows this script. */
  readonly script: DialogScript
  readonly hints: RecognitionHints
  readonly endpointing: Endpointing
  readonly interruption: Interruption
  /** Phrases that ask for nothing: the caller says thanks, agrees, or checks whether the agent hears ("are you there"). */
  readonly smallTalk?: ReadonlyArray<string>
  readonly idle: Idle
  readonly timeouts: Timeouts
  /** Only the timeouts that the agent's file sets. */
  readonly ownTimeouts?: Partial<Timeouts>
  readonly fillers?: Fillers
  /** The numbers to which the call may be transferred, by the names that the model uses. */
  readonly transfers?: Readonly<Record<string, PhoneNumber>>
  readonly tools?: ReadonlyArray<Tool>
  /** `false`: the store keeps figures of the agent's calls, but no words and no sound. Unset: `true`. */
  readonly keepsWords?: boolean
  /** The address for webhooks about the agent's calls. Unset: the service's address. */
  readonly webhookUrl?: string
  /** How long a call may last, in ms, goodbye included. Never above `MAX_CALL_DURATION`. */
  readonly maxDuration: number
}
