/** A server's name in logs, metrics and usage counts: its host and its path. Servers with the same name share a circuit breaker. */
import type { EngineSettings } from "../config/EngineSettings.ts"

export const of = ({ url }: Pick<EngineSettings, "url">): string => `${url.host}${url.pathname === "/" ? "" : url.pathname}`
