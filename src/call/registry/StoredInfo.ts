/** Makes the `CallInfo` of a stored call. This process takes the call over from another process, or continues it after a restart. */
import { Option, Schema } from "effect"
import type { Agent } from "../../agent/Agent.ts"
import { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { StoredCall } from "../../store/CallStore.ts"
import type { CallInfo } from "../CallInfo.ts"

const readNumber = Schema.decodeUnknownOption(PhoneNumber)

const numberOf = (number: string | null): Option.Option<PhoneNumber> => Option.flatMap(Option.fromNullOr(number), readNumber)

/** `agent`: the agent with the stored name. `baseUrl`: see `CallInfo`. */
export const toInfo = <A extends Pick<Agent, "name">>(stored: StoredCall, agent: A, baseUrl?: string): Omit<CallInfo, "agent"> & { readonly agent: A } => ({
  callSid: stored.callSid,
  direction: stored.direction,
  from: numberOf(stored.from),
  to: numberOf(stored.to),
  agent,
  ...(baseUrl === undefined ? {} : { baseUrl }),
  settings: {
    keepsWords: stored.keepsWords,
    numbers: stored.hashesNumbers ? "hashed" : "plain",
    isRecorded: stored.isRecorded,
    metadata: stored.metadata as Schema.Json,
    campaign: stored.campaign,
    webhookUrl: stored.webhookUrl,
    isTranscriptSent: stored.isTranscriptSent
  }
})
