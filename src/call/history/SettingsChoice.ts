/**
 * Decides a call's settings. The call's request comes first, then its agent, then the configuration.
 */
import type { Schema } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { CallSettings } from "../CallInfo.ts"

/** The settings in a request that places a call. An unset field gets its value from the agent, or its default. */
export interface RequestedSettings {
  /** `false`: only figures are stored. The agent's `keepsWords: false` has the same effect. */
  readonly keepsWords?: boolean
  readonly isRecorded?: boolean
  readonly metadata?: Schema.Json
  readonly campaign?: string
  readonly webhookUrl?: string
  readonly isTranscriptSent?: boolean
}

export const of = (agent: Pick<Agent, "keepsWords" | "webhookUrl">, numbers: CallSettings["numbers"], requested: RequestedSettings = {}): CallSettings => ({
  keepsWords: requested.keepsWords !== false && agent.keepsWords !== false,
  numbers,
  isRecorded: requested.isRecorded ?? false,
  metadata: requested.metadata ?? null,
  campaign: requested.campaign ?? null,
  webhookUrl: requested.webhookUrl ?? agent.webhookUrl ?? null,
  isTranscriptSent: requested.isTranscriptSent ?? false
})
