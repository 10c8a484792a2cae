/**
 * Makes warnings at the start: one for each configured engine that has no prices in the price list.
 */
import { embedded } from "../../config/EngineSettings.ts"
import type { EngineState, Stage } from "../../conversation/ports/Engine.ts"
import { nearest } from "../../domain/DidYouMean.ts"
import type { EngineUse } from "../../store/StoreWrite.ts"
import type { PriceList } from "./PriceList.ts"

/** The name of each stage in a price list. Voice activity has no name there: it is always embedded, and not counted. */
const stageNames: Readonly<Record<Stage, EngineUse["stage"] | undefined>> = {
  voiceActivity: undefined,
  speechToText: "transcript",
  replyModel: "reply",
  textToSpeech: "speech"
}

export const of = ({ engines = {} }: PriceList, states: ReadonlyArray<Pick<EngineState, "stage" | "name">>): ReadonlyArray<string> => {
  const lines = states.flatMap(({ name, stage }) => {
    const key = stageNames[stage]
    const prices = Object.hasOwn(engines, name) ? engines[name] : undefined
    if (key === undefined || name === embedded || Object.keys(prices?.[key] ?? {}).length > 0) return []
    const near = prices === undefined ? nearest(name, Object.keys(engines)) : undefined
    const hint = near === undefined ? "" : ` The list has "${near}". Did you mean this engine?`
    return [`PRICES_FILE has no "${key}" prices for the engine "${name}". The cost of calls does not include this engine. Add its prices, or 0 if it costs nothing.${hint}`]
  })
  return [...new Set(lines)]
}
