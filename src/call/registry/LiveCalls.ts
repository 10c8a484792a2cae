/**
 * The live calls of this process, the lines that they take, and ended calls whose stream and agent have not ended yet.
 *
 * A line is one of the `MAX_CALLS` places for calls. Each call takes one, except a transferred call: it costs this process nothing, and a
 * drain does not wait for it. A line can be reserved for a call about to be placed.
 */
import type { CallSid } from "../../domain/Sid.ts"
import type { Call } from "../Call.ts"

/**
 * Why a call is not admitted.
 *
 * - `busy`: no line is free;
 * - `callerBusy`: `MAX_CALLS_PER_CALLER` calls are this caller's;
 * - `draining`: the service is stopping.
 */
export type Refusal = "busy" | "callerBusy" | "draining"

export interface LiveCalls {
  readonly find: (callSid: CallSid) => Call | undefined
  readonly all: () => Iterable<Call>
  /** The calls that take a line. */
  readonly here: () => ReadonlyArray<Call>
  readonly add: (call: Call) => void
  /** The call has ended: its line is free from now on, although its stream and agent may end later. Returns the call if it was live. */
  readonly end: (callSid: CallSid) => Call | undefined
  /** The stream and agent of an ended call have ended, too. */
  readonly removeEnded: (call: Call) => void
  readonly reserveLine: () => void
  readonly releaseLine: () => void
  /** Why no further call is admitted now; unset if a line is free. `callerKey`: that of an inbound call, see `CallerShare`. */
  readonly refusal: (callerKey: string | undefined) => Refusal | undefined
  /** From now on no call is admitted. */
  readonly startDraining: () => void
  readonly isDraining: () => boolean
  /** Whether no line is taken, and the streams and agents of all ended calls have ended. */
  readonly isEmpty: () => boolean
}

export const make = (limits: { readonly calls: number; readonly callsPerCaller: number }): LiveCalls => {
  const calls = new Map<CallSid, Call>()
  const leaving = new Set<Call>()
  let reservedLines = 0
  let isDraining = false

  const here = () => [...calls.values()].filter((call) => call.isHere())
  const takenLines = () => here().length + reservedLines
  const callsOf = (callerKey: string) => here().filter(({ info }) => info.callerKey === callerKey).length

  return {
    find: (callSid) => calls.get(callSid),
    all: () => calls.values(),
    here,
    add: (call) => void calls.set(call.info.callSid, call),
    end: (callSid) => {
      const call = calls.get(callSid)
      if (call === undefined) return undefined
      calls.delete(callSid)
      leaving.add(call)
      return call
    },
    removeEnded: (call) => void leaving.delete(call),
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
    isEmpty: () => takenLines() + leaving.size === 0
  }
}
