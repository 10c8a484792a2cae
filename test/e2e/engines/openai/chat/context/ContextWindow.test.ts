import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as EngineHttpClient from "../../../../../../src/engines/openai/client/EngineHttpClient.ts"
import * as ContextWindow from "../../../../../../src/engines/openai/chat/context/ContextWindow.ts"
import * as OpenAiClient from "../../../../../../src/engines/openai/client/OpenAiClient.ts"
import * as FakeHttpServer from "../../../../../support/engines/FakeHttpServer.ts"

const model = "gemma"

interface Case {
  readonly name: string
  readonly pages: Readonly<Record<string, unknown>>
  readonly published: ContextWindow.PublishedWindow
}

const window = (tokens: number): ContextWindow.PublishedWindow => ({ _tag: "Window", tokens })
const unpublished: ContextWindow.PublishedWindow = { _tag: "Unpublished" }
const models = (...data: ReadonlyArray<object>) => ({ object: "list", data })

const cases: ReadonlyArray<Case> = [
  { name: "vLLM and SGLang", pages: { "/v1/models": models({ id: model, max_model_len: 8192 }) }, published: window(8192) },
  {
    name: "vLLM with an adapter beside the model",
    pages: { "/v1/models": models({ id: "other", max_model_len: 2048 }, { id: model, max_model_len: 4096 }) },
    published: window(4096)
  },
  {
    name: "llama.cpp, by its slot and not by the model's training",
    pages: {
      "/v1/models": models({ id: "gemma.gguf", meta: { n_ctx_train: 131_072 } }),
      "/props": { default_generation_settings: { n_ctx: 4096 }, total_slots: 2 }
    },
    published: window(4096)
  },
  {
    name: "newer llama.cpp, by the smaller of two figures",
    pages: {
      "/v1/models": models({ id: model, meta: { n_ctx: 16_384, n_ctx_train: 131_072 } }),
      "/props": { default_generation_settings: { n_ctx: 8192 } }
    },
    published: window(8192)
  },
  { name: "llama.cpp without /props", pages: { "/v1/models": models({ id: model, meta: { n_ctx: 16_384, n_ctx_train: 131_072 } }) }, published: window(16_384) },
  { name: "llama.cpp that publishes only the model's training", pages: { "/v1/models": models({ id: model, meta: { n_ctx_train: 131_072 } }) }, published: unpublished },
  {
    name: "newer Ollama",
    pages: { "/v1/models": models({ id: model }), "/api/ps": { models: [{ name: "other", context_length: 2048 }, { name: model, model, context_length: 4096 }] } },
    published: window(4096)
  },
  { name: "older Ollama, which cuts silently", pages: { "/api/ps": { models: [{ name: model, model, size: 1 }] } }, published: { _tag: "CutsSilently" } },
  { name: "Ollama before it has loaded its model", pages: { "/api/ps": { models: [] } }, published: unpublished },
  {
    name: "LM Studio",
    pages: {
      "/v1/models": models({ id: model, object: "model" }),
      "/props": { error: "Unexpected endpoint" },
      "/api/v0/models": models({ id: model, max_context_length: 32_768, loaded_context_length: 4096 })
    },
    published: window(4096)
  },
  { name: "TGI", pages: { "/info": { max_input_tokens: 1024, max_total_tokens: 2048 } }, published: window(2048) },
  { name: "OpenRouter", pages: { "/v1/models": models({ id: "a", context_length: 1000 }, { id: model, context_length: 128_000 }) }, published: window(128_000) },
  { name: "Groq", pages: { "/v1/models": models({ id: model, context_window: 131_072 }) }, published: window(131_072) },
  { name: "Mistral", pages: { "/v1/models": models({ id: model, max_context_length: 32_768 }) }, published: window(32_768) },
  { name: "OpenAI, which publishes none", pages: { "/v1/models": models({ id: "gpt-4.1", object: "model" }, { id: model, object: "model" }) }, published: unpublished },
  { name: "a server that lists only other models", pages: { "/v1/models": models({ id: "a", max_model_len: 512 }, { id: "b", max_model_len: 1024 }) }, published: unpublished },
  { name: "a server with no page at all", pages: {}, published: unpublished },
  { name: "a server with invalid figures", pages: { "/v1/models": models({ id: model, max_model_len: null, context_length: "big" }), "/props": [] }, published: unpublished }
]

const endpointAt = (url: string) =>
  OpenAiClient.make("replyModel", { url: new URL(`${url}/v1`), model: Option.some(model), apiKey: Option.none(), voice: Option.none() })

describe("the published context window of", () => {
  for (const { name, pages, published } of cases) {
    it.live(name, () =>
      Effect.gen(function*() {
        const server = yield* FakeHttpServer.make((exchange) =>
          FakeHttpServer.send(exchange, Object.hasOwn(pages, exchange.path)
            ? FakeHttpServer.json(pages[exchange.path] as object)
            : FakeHttpServer.refusal(404, { detail: "Not Found" })))
        assert.deepStrictEqual(yield* ContextWindow.ask(yield* endpointAt(server.url), model), published)
      }).pipe(Effect.provide(EngineHttpClient.layer)))
  }

  it.live("a server that can't be reached is a failure, so that it is asked again", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ContextWindow.ask(yield* endpointAt("http://127.0.0.1:9"), model))
      assert.strictEqual(error.reason, "unavailable")
    }).pipe(Effect.provide(EngineHttpClient.layer)))
})
