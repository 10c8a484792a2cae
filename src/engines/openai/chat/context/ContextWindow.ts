/**
 * The size of a model's context window in tokens, prompt and answer together, as its server publishes it:
 *
 * | page | field | server |
 * | --- | --- | --- |
 * | `/models` | `max_model_len` | vLLM, SGLang |
 * | | `meta.n_ctx` | newer llama.cpp |
 * | | `context_length`, `context_window`, `max_context_length` | OpenRouter, Together, Groq, Mistral |
 * | `/props` | `default_generation_settings.n_ctx` | llama.cpp, for one slot: a call has one |
 * | `/api/ps` | `context_length` | newer Ollama, after the model is loaded |
 * | `/api/v0/models` | `loaded_context_length` | LM Studio |
 * | `/info` | `max_total_tokens` | TGI |
 *
 * The window that the model was trained with (`n_ctx_train`) is not used, because servers load a model with a smaller window.
 */
import { Effect, Option, Predicate } from "effect"
import type { EngineFailed } from "../../../../conversation/ports/Engine.ts"
import * as AnswerBody from "../../client/AnswerBody.ts"
import type * as OpenAiClient from "../../client/OpenAiClient.ts"

type PageClient = Pick<OpenAiClient.OpenAiClient, "get" | "stage" | "url">

export type PublishedWindow =
  | { readonly _tag: "Window"; readonly tokens: number }
  /** An older Ollama: it publishes no window and cuts a longer prompt without an error. */
  | { readonly _tag: "CutsSilently" }
  | { readonly _tag: "Unpublished" }

const field = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce((inner: unknown, key) => Predicate.hasProperty(inner, key) ? inner[key] : undefined, value)

/** A smaller figure cannot be the window of a chat model. */
const minWindowTokens = 64

const tokensIn = (value: unknown, ...path: ReadonlyArray<string>): number | undefined => {
  const found = field(value, ...path)
  return Predicate.isNumber(found) && Number.isFinite(found) && found >= minWindowTokens ? Math.floor(found) : undefined
}

const smallest = (found: ReadonlyArray<number | undefined>): number | undefined => {
  const numbers = found.filter(Predicate.isNotUndefined)
  return numbers.length === 0 ? undefined : Math.min(...numbers)
}

/** The entries of a list that are about the model. A single entry is about the model, whatever its name. */
const entriesOf = (list: unknown, model: string | undefined): ReadonlyArray<unknown> => {
  if (!Array.isArray(list)) return []
  const named = list.filter((entry) => ["id", "model", "name"].some((key) => field(entry, key) === model))
  return named.length > 0 ? named : list.length === 1 ? list : []
}

/** The window on `/models`. `isSure`: no other page of this server has a smaller window. */
const onModels = (page: unknown, model: string | undefined): { readonly tokens: number; readonly isSure: boolean } | undefined => {
  const entries = entriesOf(field(page, "data"), model)
  const sure = smallest(entries.flatMap((entry) =>
    ["max_model_len", "context_length", "context_window", "max_context_length"].map((name) => tokensIn(entry, name))))
  if (sure !== undefined) return { tokens: sure, isSure: true }
  // Some versions of llama.cpp publish the sum of all slots here.
  const allSlots = smallest(entries.map((entry) => tokensIn(entry, "meta", "n_ctx")))
  return allSlots === undefined ? undefined : { tokens: allSlots, isSure: false }
}

const onProps = (page: unknown): number | undefined => tokensIn(page, "default_generation_settings", "n_ctx") ?? tokensIn(page, "n_ctx")

const onRunningModels = (page: unknown, model: string | undefined): number | undefined =>
  smallest(entriesOf(field(page, "models"), model).map((entry) => tokensIn(entry, "context_length")))

const onLmStudioModels = (page: unknown, model: string | undefined): number | undefined =>
  smallest(entriesOf(field(page, "data"), model).map((entry) => tokensIn(entry, "loaded_context_length")))

const onInfo = (page: unknown): number | undefined => tokensIn(page, "max_total_tokens")

/** How long to wait for each page. */
const pageTimeout = "3 seconds"

/**
 * The server cannot be reached at all, so it has to be asked again later. A time-out that the server itself reports (408) has a cause.
 */
const isUnreachable = ({ cause, reason }: EngineFailed): boolean => reason === "unavailable" || cause === undefined && reason === "timeout"

/** Reads the pages one after the other until one has the window. Fails only if the server cannot be reached. */
export const ask = (endpoint: PageClient, model: string | undefined): Effect.Effect<PublishedWindow, EngineFailed> => {
  const page = (path: string, from: NonNullable<OpenAiClient.RequestOptions["from"]>) =>
    endpoint.get(path, { from, answer: pageTimeout, maxBytes: 4 * 1024 * 1024 }).pipe(
      Effect.flatMap(AnswerBody.json<unknown>(endpoint, Option.some)),
      Effect.scoped,
      Effect.catchIf((error) => !isUnreachable(error), () => Effect.succeed<unknown>(undefined))
    )

  return Effect.gen(function*() {
    const listed = onModels(yield* page("/models", "base"), model)
    if (listed?.isSure === true) return { _tag: "Window", tokens: listed.tokens }
    const llamaCpp = smallest([onProps(yield* page("/props", "origin")), listed?.tokens])
    if (llamaCpp !== undefined) return { _tag: "Window", tokens: llamaCpp }
    const running = yield* page("/api/ps", "origin")
    const ollama = onRunningModels(running, model)
    if (ollama !== undefined) return { _tag: "Window", tokens: ollama }
    const loadedModels = field(running, "models")
    if (Array.isArray(loadedModels) && loadedModels.length > 0) return { _tag: "CutsSilently" }
    const other = onLmStudioModels(yield* page("/api/v0/models", "origin"), model) ?? onInfo(yield* page("/info", "origin"))
    return other === undefined ? { _tag: "Unpublished" } : { _tag: "Window", tokens: other }
  })
}
