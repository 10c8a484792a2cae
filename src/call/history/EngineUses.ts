/** Sums up the use of engines on a call, by stage and engine. */
import { Option, Schema } from "effect"
import { EngineUse } from "../../store/StoreWrite.ts"

interface EngineUses {
  readonly add: (use: EngineUse) => void
  readonly all: () => ReadonlyArray<EngineUse>
}

/** The use of further engines is not counted. A call uses few engines: those of its stages, and their fallbacks. */
const maxEngines = 32

const figures = ["soundSeconds", "inputTokens", "outputTokens", "characters"] as const

const keyOf = ({ engine, stage }: EngineUse): string => `${stage} ${engine}`

type Sum = { -readonly [Key in keyof EngineUse]: EngineUse[Key] }

/** Adds a use to a sum. A figure that both lack stays unset: it is unknown, not 0. */
const addTo = (sum: Sum, use: EngineUse): void => {
  sum.requests += use.requests
  for (const figure of figures) {
    const more = use[figure]
    if (more !== undefined) sum[figure] = (sum[figure] ?? 0) + more
  }
}

/** Seconds of sound are rounded to the millisecond. */
const roundSeconds = (use: EngineUse): EngineUse =>
  use.soundSeconds === undefined ? { ...use } : { ...use, soundSeconds: Math.round(use.soundSeconds * 1000) / 1000 }

/** `before`: the stored sums of a call that another process had. */
export const make = (before: ReadonlyArray<EngineUse> = []): EngineUses => {
  const uses = new Map<string, Sum>(before.map((use) => [keyOf(use), { ...use }]))
  return {
    add: (use) => {
      const key = keyOf(use)
      const known = uses.get(key)
      if (known !== undefined) return addTo(known, use)
      if (uses.size < maxEngines) uses.set(key, { ...use })
    },
    all: () => [...uses.values()].map(roundSeconds)
  }
}

const decode = Schema.decodeUnknownOption(Schema.Struct({ engines: Schema.Array(EngineUse) }))

/** The sums that are stored with a conversation's memory, if there are any. */
export const readFrom = (memory: unknown): ReadonlyArray<EngineUse> =>
  Option.match(decode(memory), { onNone: () => [], onSome: ({ engines }) => engines })
