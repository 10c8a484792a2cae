/**
 * The calls that have ended, by their SID, for a day: a replayed webhook must not open a new session.
 *
 * A call is over when Twilio has reported a terminal status, or has accepted our hang-up (REST or `<Hangup/>`). Other ends are kept, too,
 * such as a stream that stopped because the call was redirected. Such a call may come back.
 *
 * Each process keeps its own. At most `maxCalls` are kept (about 14 MB); the oldest are forgotten first.
 */
import { type CallSid, copy } from "../../domain/Sid.ts"

const lifetimeMillis = 24 * 60 * 60 * 1000

const maxCalls = 100_000

interface Ending {
  /** When it became known, monotonic ms. */
  readonly at: number
  readonly isOver: boolean
}

/** All times are monotonic ms. */
interface EndedCalls {
  /** `isOver`: Twilio has confirmed the end. A confirmed end stays confirmed. */
  readonly add: (callSid: CallSid, isOver: boolean, now: number) => void
  /** Whether the call has ended, confirmed or not. */
  readonly has: (callSid: CallSid, now: number) => boolean
  /** Whether Twilio has confirmed the call's end. */
  readonly isOver: (callSid: CallSid, now: number) => boolean
  /** Forgets ends that are older than a day. */
  readonly forgetOld: (now: number) => void
  readonly size: () => number
}

export const make = (limit = maxCalls): EndedCalls => {
  /** Oldest first. */
  const endings = new Map<CallSid, Ending>()

  const find = (callSid: CallSid, now: number): Ending | undefined => {
    const ending = endings.get(callSid)
    return ending !== undefined && now - ending.at < lifetimeMillis ? ending : undefined
  }

  const forgetOld = (now: number) => {
    for (const [callSid, { at }] of endings) {
      if (now - at < lifetimeMillis && endings.size <= limit) return
      endings.delete(callSid)
    }
  }

  return {
    add: (callSid, isOver, now) => {
      const before = find(callSid, now)
      if (before?.isOver === true) return
      endings.delete(callSid)
      endings.set(copy(callSid), { at: now, isOver })
      forgetOld(now)
    },
    has: (callSid, now) => find(callSid, now) !== undefined,
    isOver: (callSid, now) => find(callSid, now)?.isOver === true,
    forgetOld,
    size: () => endings.size
  }
}
