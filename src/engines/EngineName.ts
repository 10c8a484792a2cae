/** How an operator knows a server, how its circuit does, and how its use is counted: its host, and its path where it has one. */
import type { EngineSettings } from "../config/EngineSettings.ts"

export const of = ({ url }: Pick<EngineSettings, "url">): string => `${url.host}${url.pathname === "/" ? "" : url.pathname}`
