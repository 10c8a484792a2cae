/**
 * Decides what is stored of a call. The call's request comes first, then its agent, then the configuration.
 */
import type { Schema } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { CallKeeping } from "../CallInfo.ts"

/** The settings in a request that places a call. An unset field gets its value from the agent, or its default. */
export interface AskedKeeping {
  /** `false`: only figures are stored. The agent's `keepsWords: false` has the same effect. */
  readonly words?: boolean
  readonly isRecorded?: boolean
  readonly metadata?: Schema.Json
  readonly campaign?: string
  readonly webhookUrl?: string
  readonly isTranscriptSent?: boolean
}

export const of = (agent: Pick<Agent, "keepsWords" | "webhookUrl">, numbers: CallKeeping["numbers"], asked: AskedKeeping = {}): CallKeeping => ({
  words: asked.words !== false && agent.keepsWords !== false,
  numbers,
  isRecorded: asked.isRecorded ?? false,
  metadata: asked.metadata ?? null,
  campaign: asked.campaign ?? null,
  webhookUrl: asked.webhookUrl ?? agent.webhookUrl ?? null,
  isTranscriptSent: asked.isTranscriptSent ?? false
})
