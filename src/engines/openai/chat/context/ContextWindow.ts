/**
 * How many tokens a server's model holds, prompt and answer together, as the server itself tells it:
 *
 * | page | field | of |
 * | --- | --- | --- |
 * | `/models` | `max_model_len` | vLLM, SGLang |
 * | | `meta.n_ctx` | newer llama.cpp |
 * | | `context_length`, `context_window`, `max_context_length` | OpenRouter, Together, Groq, Mistral |
 * | `/props` | `default_generation_settings.n_ctx` | llama.cpp: of one slot, which is what a call has |
 * | `/api/ps` | `context_length` | newer Ollama, once the model is loaded |
 * | `/api/v0/models` | `loaded_context_length` | LM Studio |
 * | `/info` | `max_total_tokens` | TGI |
 *
 * What a model was trained for (`n_ctx_train`) is no window: servers load it with less.
 */
import { Effect, Option, Predicate } from "effect"
import type { EngineFailed } from "../../../../conversation/ports/Engine.ts"
import * as OpenAiClient from "../../client/OpenAiClient.ts"

type Pages = Pick<OpenAiClient.OpenAiClient, "get" | "stage" | "url">

export type Told =
  | { readonly _tag: "Window"; readonly tokens: number }
  /** Ollama, and it does not say. It cuts a prompt that is too long, and says nothing. */
  | { readonly _tag: "CutsSilently" }
  | { readonly _tag: "Untold" }

const field = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce((inner: unknown, key) => Predicate.hasProperty(inner, key) ? inner[key] : undefined, value)

/** Tokens; what is smaller is no window of a chat. */
const smallest = 64

const tokensIn = (value: unknown, ...path: ReadonlyArray<string>): number | undefined => {
  const found = field(value, ...path)
  return Predicate.isNumber(found) && Number.isFinite(found) && found >= smallest ? Math.floor(found) : undefined
}

const least = (found: ReadonlyArray<number | undefined>): number | undefined => {
  const numbers = found.filter(Predicate.isNotUndefined)
  return numbers.length === 0 ? undefined : Math.min(...numbers)
}

/** The entries of a list that are the model's; a single one is, whatever it is called there. */
const entriesOf = (list: unknown, model: string | undefined): ReadonlyArray<unknown> => {
  if (!Array.isArray(list)) return []
  const own = list.filter((entry) => ["id", "model", "name"].some((key) => field(entry, key) === model))
  return own.length > 0 ? own : list.length === 1 ? list : []
}

/** Of `/models`. `isSure`: no other page of this server has a smaller one. */
export const ofModels = (page: unknown, model: string | undefined): { readonly tokens: number; readonly isSure: boolean } | undefined => {
  const entries = entriesOf(field(page, "data"), model)
  const sure = least(entries.flatMap((entry) =>
    ["max_model_len", "context_length", "context_window", "max_context_length"].map((name) => tokensIn(entry, name))))
  if (sure !== undefined) return { tokens: sure, isSure: true }
  // Of all slots together, in some versions.
  const ofSlots = least(entries.map((entry) => tokensIn(entry, "meta", "n_ctx")))
  return ofSlots === undefined ? undefined : { tokens: ofSlots, isSure: false }
}

export const ofProps = (page: unknown): number | undefined => tokensIn(page, "default_generation_settings", "n_ctx") ?? tokensIn(page, "n_ctx")

export const ofOllama = (page: unknown, model: string | undefined): number | undefined =>
  least(entriesOf(field(page, "models"), model).map((entry) => tokensIn(entry, "context_length")))

export const ofLmStudio = (page: unknown, model: string | undefined): number | undefined =>
  least(entriesOf(field(page, "data"), model).map((entry) => tokensIn(entry, "loaded_context_length")))

export const ofTgi = (page: unknown): number | undefined => tokensIn(page, "max_total_tokens")

const patience = "3 seconds"

/** Nobody is there: it is to be asked again. */
const isNotThere = ({ cause, reason }: EngineFailed): boolean => reason === "unavailable" || cause === undefined && reason === "timeout"

/** Asks the pages one after the other until one tells. It fails only where the server is not there. */
export const ask = (endpoint: Pages, model: string | undefined): Effect.Effect<Told, EngineFailed> => {
  const page = (path: string, from: NonNullable<OpenAiClient.RequestOptions["from"]>) =>
    endpoint.get(path, { from, answer: patience, maxBytes: 4 * 1024 * 1024 }).pipe(
      Effect.flatMap(OpenAiClient.json<unknown>(endpoint, Option.some)),
      Effect.scoped,
      Effect.catchIf((error) => !isNotThere(error), () => Effect.succeed<unknown>(undefined))
    )

  return Effect.gen(function*() {
    const listed = ofModels(yield* page("/models", "base"), model)
    if (listed?.isSure === true) return { _tag: "Window", tokens: listed.tokens }
    const ofSlot = ofProps(yield* page("/props", "origin"))
    const ofLlama = least([ofSlot, listed?.tokens])
    if (ofLlama !== undefined) return { _tag: "Window", tokens: ofLlama }
    const running = yield* page("/api/ps", "origin")
    const ofRunning = ofOllama(running, model)
    if (ofRunning !== undefined) return { _tag: "Window", tokens: ofRunning }
    const loaded = field(running, "models")
    if (Array.isArray(loaded) && loaded.length > 0) return { _tag: "CutsSilently" }
    const other = ofLmStudio(yield* page("/api/v0/models", "origin"), model) ?? ofTgi(yield* page("/info", "origin"))
    return other === undefined ? { _tag: "Untold" } : { _tag: "Window", tokens: other }
  })
}
