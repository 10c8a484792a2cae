/**
 * The variables for the format and the level of log lines.
 */
import { Schema } from "effect"
import { type ValuesOf, withDefault } from "./Variable.ts"

const Format = Schema.Literals(["auto", "json", "pretty"])
const Level = Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error"])

export const logVariables = {
  LOG_FORMAT: withDefault(Format, "auto", "auto, json or pretty", "auto"),
  LOG_LEVEL: withDefault(Level, "Info", "Trace, Debug, Info, Warn or Error", "Info")
} as const

export interface LogSettings {
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  readonly format: typeof Format.Type
  /** Lines of lower levels are left out. */
  readonly level: typeof Level.Type
}

export const logSettings = (values: ValuesOf<typeof logVariables>): LogSettings => ({ format: values.LOG_FORMAT, level: values.LOG_LEVEL })
