/**
 * Hides the engines' addresses from clients outside this machine. An engine's name is its address. In its place, a client outside sees the
 * engine's stage and a number (`speechToText-1`).
 */
import type { Effect } from "effect"
import type { Agents } from "../../../agent/Agents.ts"
import { embedded } from "../../../config/EngineSettings.ts"

export type Engines = Effect.Success<Agents["Service"]["engines"]>

/** The public names. The key is `${stage} ${name}`. */
const publicNames = (engines: Engines): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { name, stage } of engines) {
    // An engine in this process has no address to hide.
    if (name === embedded || names.has(`${stage} ${name}`)) continue
    const number = (counts.get(stage) ?? 0) + 1
    counts.set(stage, number)
    names.set(`${stage} ${name}`, `${stage}-${number}`)
  }
  return names
}

/** The engines under their public names. */
export const withPublicNames = (engines: Engines): Engines => {
  const names = publicNames(engines)
  return engines.map((engine) => ({ ...engine, name: names.get(`${engine.stage} ${engine.name}`) ?? engine.name }))
}

/**
 * The text of the metrics with the engines' public names. The value of each label `engine` is replaced; the labels may have any order. An
 * engine that is not in the list is named, for example, `speechToText-other`.
 */
export const hideInMetrics = (metrics: string, engines: Engines): string => {
  const names = publicNames(engines)
  return metrics.replaceAll(/^[^#\n]*\bengine="[^\n]*$/gm, (line) => {
    const stage = /\bstage="([^"]*)"/.exec(line)?.[1] ?? ""
    return line.replace(/\bengine="((?:[^"\\]|\\.)*)"/, (_, name: string) =>
      `engine="${name === embedded ? name : names.get(`${stage} ${name}`) ?? `${stage}-other`}"`)
  })
}
