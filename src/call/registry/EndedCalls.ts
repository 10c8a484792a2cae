/**
 * Keeps for a day which calls have ended, so that a replayed webhook does not begin an ended call again.
 *
 * The end of a call is confirmed when Twilio has reported a final status, or has accepted our hang-up (REST or `<Hangup/>`). Other ends are
 * kept, too. For example, Twilio also stops a stream if the call is redirected, and such a call may come back.
 *
 * Each process keeps its own ended calls, at most `maxCalls` (about 14 MB). The oldest are removed first.
 */
import { type CallSid, copy } from "../../domain/Sid.ts"

const lifetimeMillis = 24 * 60 * 60 * 1000

const maxCalls = 100_000

interface CallEnd {
  /** When this process learned of the end, monotonic ms. */
  readonly at: number
  readonly isConfirmed: boolean
}

/** All times are monotonic ms. */
interface EndedCalls {
  /** `isConfirmed`: Twilio has confirmed the end. A confirmed end stays confirmed. */
  readonly add: (callSid: CallSid, isConfirmed: boolean, now: number) => void
  /** Whether the call has ended, confirmed or not. */
  readonly has: (callSid: CallSid, now: number) => boolean
  /** Whether Twilio has confirmed the call's end. */
  readonly isConfirmed: (callSid: CallSid, now: number) => boolean
  /** Removes ends that are older than a day. */
  readonly forgetOld: (now: number) => void
  readonly size: () => number
}

export const make = (limit = maxCalls): EndedCalls => {
  /** Oldest first. */
  const ends = new Map<CallSid, CallEnd>()

  const find = (callSid: CallSid, now: number): CallEnd | undefined => {
    const end = ends.get(callSid)
    return end !== undefined && now - end.at < lifetimeMillis ? end : undefined
  }

  const forgetOld = (now: number) => {
    for (const [callSid, { at }] of ends) {
      if (now - at < lifetimeMillis && ends.size <= limit) return
      ends.delete(callSid)
    }
  }

  return {
    add: (callSid, isConfirmed, now) => {
      const before = find(callSid, now)
      if (before?.isConfirmed === true) return
      ends.delete(callSid)
      ends.set(copy(callSid), { at: now, isConfirmed })
      forgetOld(now)
    },
    has: (callSid, now) => find(callSid, now) !== undefined,
    isConfirmed: (callSid, now) => find(callSid, now)?.isConfirmed === true,
    forgetOld,
    size: () => ends.size
  }
}
