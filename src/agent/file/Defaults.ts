/**
 * The settings of an agent whose file does not set them. `LanguageDefaults.ts` has the default texts. `docs/agents.md` lists both.
 */
import type { Endpointing, Idle, Timeouts } from "../../definition/AgentDefinition.ts"

/** ISO 639-1. */
export const language = "en"

/** ms of silence after the caller's last voiced sample. */
export const endpointing: Endpointing = { silence: 300, complete: 250, trailing: 800, speculate: 100, dictation: 1600 }

/** ms of the caller's speech that interrupt the agent. */
export const minSpeech = 200

/** ms of silence, or of waiting as the caller asked. */
export const idle: Idle = { after: 8000, hangUpAfter: 20_000, hold: 60_000 }

/** ms that an engine may take. */
export const timeouts: Timeouts = { transcript: 3000, reply: 5000, speech: 4000 }

/** ms: 30 minutes. A shorter `MAX_CALL_DURATION` of the service counts instead. */
export const maxDuration = 1_800_000

/** ms without a reply after which an agent with fillers says one. */
export const fillersAfter = 900

/** ms within which a tool's answer must be complete. */
export const toolTimeout = 3000

/** The instructions for a language model. */
export const instructions =
  "You answer the telephone. What you say is spoken aloud: answer in one or two short sentences, without markup or lists."
