/**
 * Computes what a call costs by the price list.
 *
 * Each part of the cost is rounded to 6 decimals. The total is the sum of the rounded parts, so the parts add up. `unpriced` names Twilio or
 * an engine that was used and whose cost is unknown, because the total is then too low. A cost is unknown if the list has no price, or if the
 * amount is unknown. For example, some servers report no tokens.
 */
import { embedded } from "../../config/EngineSettings.ts"
import type { Cost, EngineUse } from "../../store/StoreWrite.ts"
import type { PriceList } from "./PriceList.ts"

export interface Usage {
  readonly direction: "inbound" | "outbound"
  /** Begun minutes from the answer on; 0 without an answer. `undefined`: the length of the call is unknown. */
  readonly minutes: number | undefined
  readonly engines: ReadonlyArray<EngineUse>
}

/** All units of all stages. Each stage of a price list has some of them. */
type Unit = "request" | "minute" | "million_input_tokens" | "million_output_tokens" | "million_characters"

/** Twilio's name in `unpriced`. */
const twilioName = "twilio"

const millionth = (count: number | undefined) => count === undefined ? undefined : count / 1e6

/** How much of each unit was used. `undefined`: unknown. */
const amounts: Readonly<Record<Unit, (use: EngineUse) => number | undefined>> = {
  request: ({ requests }) => requests,
  minute: ({ soundSeconds }) => soundSeconds === undefined ? undefined : soundSeconds / 60,
  million_input_tokens: ({ inputTokens }) => millionth(inputTokens),
  million_output_tokens: ({ outputTokens }) => millionth(outputTokens),
  million_characters: ({ characters }) => millionth(characters)
}

const roundCost = (amount: number): number => Math.round(amount * 1e6) / 1e6

/** The price of an amount. `undefined`: the amount is unknown or impossible. Servers report the amounts, and may report nonsense. */
const priceOf = (price: number, amount: number | undefined): number | undefined => {
  if (price === 0) return 0
  return amount === undefined || !(amount >= 0 && amount <= Number.MAX_SAFE_INTEGER) ? undefined : price * amount
}

const sum = (total: number | undefined, part: number | undefined): number | undefined =>
  total === undefined || part === undefined ? undefined : total + part

/** An engine that runs in this process costs nothing, unless the list has a price for it. */
const costOfUse = ({ engines = {} }: PriceList, use: EngineUse): number | undefined => {
  const stages = Object.hasOwn(engines, use.engine) ? engines[use.engine] : {}
  const prices = Object.entries(stages[use.stage] ?? {}) as ReadonlyArray<readonly [Unit, number]>
  if (prices.length === 0) return use.engine === embedded ? 0 : undefined
  return prices.map(([unit, price]) => priceOf(price, amounts[unit](use))).reduce(sum, 0)
}

const costOfMinutes = ({ twilio = {} }: PriceList, { direction, minutes }: Usage): number | undefined => {
  const price = twilio[direction]?.minute
  if (minutes === 0) return 0
  return price === undefined ? undefined : priceOf(price, minutes)
}

export const of = (prices: PriceList, usage: Usage): Cost => {
  const minutes = costOfMinutes(prices, usage)
  const uses = usage.engines.map((use) => ({ use, cost: costOfUse(prices, use) }))
  const twilio = minutes === undefined ? undefined : roundCost(minutes)
  const engines = uses.flatMap(({ cost, use: { engine, stage } }) => cost === undefined ? [] : [{ stage, engine, cost: roundCost(cost) }])
  const names = [...twilio === undefined ? [twilioName] : [], ...uses.flatMap(({ cost, use }) => cost === undefined ? [use.engine] : [])]
  return {
    currency: prices.currency,
    total: roundCost(engines.reduce((total, { cost }) => total + cost, twilio ?? 0)),
    ...(twilio === undefined ? {} : { twilio }),
    engines,
    unpriced: [...new Set(names)]
  }
}
