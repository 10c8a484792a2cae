/**
 * The settings of an agent whose file leaves them out; `LanguageDefaults.ts` has the words. `docs/agents.md` lists both.
 */
import type { Endpointing, Idle, Timeouts } from "../../definition/AgentDefinition.ts"

/** ISO 639-1. */
export const language = "en"

/** ms. */
export const endpointing: Endpointing = { silence: 300, complete: 250, trailing: 800, speculate: 100, dictation: 1600 }

/** ms of the caller's speech that interrupt the agent. */
export const minSpeech = 200

/** ms. */
export const idle: Idle = { after: 8000, hangUpAfter: 20_000, hold: 60_000 }

/** ms. */
export const timeouts: Timeouts = { transcript: 3000, reply: 5000, speech: 4000 }

/** ms: 30 minutes, or the service's `MAX_CALL_DURATION` where that is less. */
export const maxDuration = 1_800_000

/** How long (ms) an agent with fillers waits for a reply before it says one. */
export const fillersAfter = 900

/** ms. */
export const toolTimeout = 3000

/** For a language model. */
export const instructions =
  "You answer the telephone. What you say is spoken aloud: answer in one or two short sentences, without markup or lists."
