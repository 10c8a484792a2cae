/**
 * Decides what is stored of a call. Its request decides first, then its agent and the configuration.
 */
import type { Schema } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import type { CallKeeping } from "../CallInfo.ts"

/** What a request may ask for. The agent decides unset fields. */
export interface AskedKeeping {
  /** `false`: only figures are stored. The agent may demand that, too. */
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
