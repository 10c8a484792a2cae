/** Sums up the use of engines on a call, by stage and engine. */
import { Option, Schema } from "effect"
import { EngineUse } from "../../store/StoreWrite.ts"

interface EngineUses {
  readonly add: (use: EngineUse) => void
  readonly all: () => ReadonlyArray<EngineUse>
}

/** A call uses few engines: those of its stages, and their fallbacks. */
const maxEngines = 32

const figures = ["soundSeconds", "inputTokens", "outputTokens", "characters"] as const

const keyOf = ({ engine, stage }: EngineUse): string => `${stage} ${engine}`

/** A figure that both uses lack stays unset: it is unknown, not 0. */
const sum = (one: EngineUse, other: EngineUse): EngineUse => ({
  stage: one.stage,
  engine: one.engine,
  requests: one.requests + other.requests,
  ...Object.fromEntries(figures.flatMap((name) =>
    one[name] === undefined && other[name] === undefined ? [] : [[name, (one[name] ?? 0) + (other[name] ?? 0)]]
  ))
})

/** Seconds of sound are rounded to the millisecond. */
const rounded = (use: EngineUse): EngineUse =>
  use.soundSeconds === undefined ? use : { ...use, soundSeconds: Math.round(use.soundSeconds * 1000) / 1000 }

/** `before`: the stored sums of a call that another process had. */
export const make = (before: ReadonlyArray<EngineUse> = []): EngineUses => {
  const uses = new Map(before.map((use) => [keyOf(use), use]))
  return {
    add: (use) => {
      const key = keyOf(use)
      const known = uses.get(key)
      if (known === undefined && uses.size >= maxEngines) return
      uses.set(key, known === undefined ? use : sum(known, use))
    },
    all: () => [...uses.values()].map(rounded)
  }
}

const decode = Schema.decodeUnknownOption(Schema.Struct({ engines: Schema.Array(EngineUse) }))

/** The sums that are stored with a conversation's memory, if there are any. */
export const readFrom = (memory: unknown): ReadonlyArray<EngineUse> =>
  Option.match(decode(memory), { onNone: () => [], onSome: ({ engines }) => engines })
