/**
 * Switches for the two differences between this process and a plain Node program (docs/adr/0010). With `off`, the process runs like a plain
 * Node program in that respect. Operators use this to find out whether a difference is the cause of an incident.
 */
import { onOrOff } from "./Values.ts"

export const processVariables = {
  /** `runtime/V8.ts` reads this variable itself, before anything else is loaded. */
  PROCESS_RESTART: onOrOff("on"),
  /** `Process.ts` reads this variable before the other settings. */
  PROMPT_SCHEDULER: onOrOff("on")
} as const
