/**
 * The live calls of this process, the lines that they take, and the ended calls whose stream and agent have not ended yet.
 *
 * A line is one of the `MAX_CALLS` places for calls. Each live call takes a line, except a transferred call, which costs this process
 * nothing. A drain does not wait for transferred calls. A line can be reserved for a call that we are about to place.
 */
import type { CallSid } from "../../domain/Sid.ts"
import type { Call } from "../Call.ts"

/**
 * Why a call is not admitted.
 *
 * - `busy`: no line is free;
 * - `callerBusy`: the caller already has `MAX_CALLS_PER_CALLER` calls;
 * - `draining`: the service is stopping.
 */
export type Refusal = "busy" | "callerBusy" | "draining"

export interface LiveCalls {
  readonly find: (callSid: CallSid) => Call | undefined
  readonly all: () => Iterable<Call>
  /** The calls that take a line. */
  readonly callsTakingLine: () => ReadonlyArray<Call>
  readonly add: (call: Call) => void
  /** Frees the line of a call that has ended. The call's stream and agent may end later. Returns the call if it was live. */
  readonly end: (callSid: CallSid) => Call | undefined
  /** Must be called when the stream and agent of an ended call have ended, too. */
  readonly removeEnded: (call: Call) => void
  readonly reserveLine: () => void
  readonly releaseLine: () => void
  /** Why no further call can be admitted now. `undefined`: a line is free. `callerKey`: the caller of an inbound call, see `CallerKey`. */
  readonly refusal: (callerKey: string | undefined) => Refusal | undefined
  /** From now on no call is admitted. */
  readonly startDraining: () => void
  readonly isDraining: () => boolean
  /** Whether no line is taken, and the streams and agents of all ended calls have ended. */
  readonly isEmpty: () => boolean
}

export const make = (limits: { readonly calls: number; readonly callsPerCaller: number }): LiveCalls => {
  const calls = new Map<CallSid, Call>()
  /** Ended calls whose stream and agent have not ended yet. */
  const closing = new Set<Call>()
  let reservedLines = 0
  let isDraining = false

  const callsTakingLine = () => [...calls.values()].filter((call) => call.takesLine())
  const takenLines = () => callsTakingLine().length + reservedLines
  const callsOf = (callerKey: string) => callsTakingLine().filter(({ info }) => info.callerKey === callerKey).length

  return {
    find: (callSid) => calls.get(callSid),
    all: () => calls.values(),
    callsTakingLine,
    add: (call) => void calls.set(call.info.callSid, call),
    end: (callSid) => {
      const call = calls.get(callSid)
      if (call === undefined) return undefined
      calls.delete(callSid)
      closing.add(call)
      return call
    },
    removeEnded: (call) => void closing.delete(call),
    reserveLine: () => void reservedLines++,
    releaseLine: () => void reservedLines--,
    refusal: (callerKey) => {
      if (isDraining) return "draining"
      if (takenLines() >= limits.calls) return "busy"
      return callerKey !== undefined && callsOf(callerKey) >= limits.callsPerCaller ? "callerBusy" : undefined
    },
    startDraining: () => {
      isDraining = true
    },
    isDraining: () => isDraining,
    isEmpty: () => takenLines() + closing.size === 0
  }
}
