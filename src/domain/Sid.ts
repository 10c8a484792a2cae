/**
 * Twilio's string identifiers (SIDs): two letters that name the kind, then 32 hexadecimal digits.
 *
 * A SID is checked when it enters the service, so that no other text can reach a URL, a log annotation or a map key.
 * https://www.twilio.com/docs/glossary/what-is-a-sid
 */
import { Schema } from "effect"

const sid = (prefix: string, kind: string) =>
  Schema.String.check(
    Schema.isPattern(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`), {
      expected: `a Twilio ${kind} SID: ${prefix} and 32 hexadecimal digits`
    })
  )

/** One telephone call. */
export const CallSid = sid("CA", "call").pipe(Schema.brand("CallSid"))
export type CallSid = typeof CallSid.Type

/** One media stream of a call. A call whose stream was replaced has several, one after the other. */
export const StreamSid = sid("MZ", "stream").pipe(Schema.brand("StreamSid"))
export type StreamSid = typeof StreamSid.Type

/** One Twilio account or sub-account. */
export const AccountSid = sid("AC", "account").pipe(Schema.brand("AccountSid"))
export type AccountSid = typeof AccountSid.Type

/**
 * Copies a SID that is kept for long. V8 lets a substring refer to the whole string, so a SID that was read from a request would keep the
 * request's body in memory.
 */
export const copy = <Sid extends string>(sid: Sid): Sid => Buffer.from(sid, "latin1").toString("latin1") as Sid
