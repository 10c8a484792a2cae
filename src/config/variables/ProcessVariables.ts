/**
 * What the process does differently from a plain Node program, with a switch for each: for an incident that one of them may have
 * caused (docs/adr/0010).
 */
import { onOrOff } from "./Values.ts"

export const processVariables = {
  /** Read by `runtime/V8.ts` itself, before anything else is loaded. */
  PROCESS_RESTART: onOrOff("on"),
  /** Read by `Process.ts`, before the other settings. */
  PROMPT_SCHEDULER: onOrOff("on")
} as const
