/**
 * The default settings of an agent. `LanguageDefaults.ts` has the default texts. `docs/agents.md` lists both.
 */
import type { Endpointing, Idle, Timeouts } from "../../definition/AgentDefinition.ts"

/** A language code of ISO 639-1. */
export const language = "en"

/** Silence after the caller's last voiced sample, in ms. */
export const endpointing: Endpointing = { silence: 300, complete: 250, trailing: 800, speculate: 100, dictation: 1600 }

/** How much speech of the caller interrupts the agent, in ms. */
export const minSpeech = 200

/** In ms. `after` and `hangUpAfter`: silence. `hold`: the time that the agent waits when the caller has asked it to wait. */
export const idle: Idle = { after: 8000, hangUpAfter: 20_000, hold: 60_000 }

/** The longest time that an engine may take, in ms. */
export const timeouts: Timeouts = { transcript: 3000, reply: 5000, speech: 4000 }

/** 30 minutes, in ms. If the service's `MAX_CALL_DURATION` is shorter, that limit applies. */
export const maxDuration = 1_800_000

/** The time without a reply after which an agent with fillers says a filler, in ms. */
export const fillersAfter = 900

/** The time within which a tool's answer must be complete, in ms. */
export const toolTimeout = 3000

/** The instructions for a language model. */
export const instructions =
  "You answer the telephone. What you say is spoken aloud: answer in one or two short sentences, without markup or lists."
