/**
 * An engine's name is its address, which is nobody's business outside. Strangers are told its stage and a number instead.
 */
import type { Agents } from "../../agent/Agents.ts"
import type { Effect } from "effect"

type Engines = Effect.Success<Agents["Service"]["engines"]>

const inProcess = "embedded"

/** By stage and name: `speechToText-1`. */
const aliases = (engines: Engines): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { name, stage } of engines) {
    if (name === inProcess || names.has(`${stage} ${name}`)) continue
    const number = (counts.get(stage) ?? 0) + 1
    counts.set(stage, number)
    names.set(`${stage} ${name}`, `${stage}-${number}`)
  }
  return names
}

/** The engines as a stranger may see them. */
export const hidden = (engines: Engines): Engines => {
  const names = aliases(engines)
  return engines.map((engine) => ({ ...engine, name: names.get(`${engine.stage} ${engine.name}`) ?? engine.name }))
}

/** The same in metrics: `{stage="…",engine="…"}`, in any order. What is not known has no name at all. */
export const hiddenIn = (metrics: string, engines: Engines): string => {
  const names = aliases(engines)
  return metrics.replaceAll(/^[^#\n]*\bengine="[^\n]*$/gm, (line) => {
    const stage = /\bstage="([^"]*)"/.exec(line)?.[1] ?? ""
    return line.replace(/\bengine="((?:[^"\\]|\\.)*)"/, (_, name: string) =>
      `engine="${name === inProcess ? name : names.get(`${stage} ${name}`) ?? `${stage}-other`}"`)
  })
}
