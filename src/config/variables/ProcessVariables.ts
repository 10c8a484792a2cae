/**
 * This process differs from a plain Node program (docs/adr/0010). Each of these switches turns one difference off, for an incident that the
 * difference may have caused.
 */
import { onOrOff } from "./Values.ts"

export const processVariables = {
  /** `runtime/V8.ts` reads this variable itself, before anything else is loaded. */
  PROCESS_RESTART: onOrOff("on"),
  /** `Process.ts` reads this variable before the other settings. */
  PROMPT_SCHEDULER: onOrOff("on")
} as const
