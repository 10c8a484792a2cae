/**
 * Switches that turn off what this process does differently from a plain Node program (docs/adr/0010). They are for incidents that one of
 * these differences may have caused.
 */
import { onOrOff } from "./Values.ts"

export const processVariables = {
  /** Read by `runtime/V8.ts` itself, before anything else is loaded. */
  PROCESS_RESTART: onOrOff("on"),
  /** Read by `Process.ts`, before the other settings. */
  PROMPT_SCHEDULER: onOrOff("on")
} as const
