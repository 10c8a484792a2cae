/**
 * Looks up the context window of a server, one look-up at a time. It stops when the server has named its window or has answered
 * `maxLookUps` times.
 *
 * A look-up may have to be repeated, because an Ollama that has not loaded its model yet publishes no window.
 */
import { Effect, Option } from "effect"
import type { EngineFailed } from "../../../../conversation/ports/Engine.ts"
import type * as OpenAiClient from "../../client/OpenAiClient.ts"
import * as ContextWindow from "./ContextWindow.ts"

/** After this many answers without a window, there are no more look-ups. */
const maxLookUps = 3

export class WindowLookUp {
  readonly #endpoint: OpenAiClient.OpenAiClient
  readonly #onWindow: (tokens: number) => void
  #lookUps: number
  #isRunning = false

  /** `isNeeded`: false if the configuration names the window. `onWindow`: called once, with the window in tokens. */
  constructor(options: {
    readonly endpoint: OpenAiClient.OpenAiClient
    readonly isNeeded: boolean
    readonly onWindow: (tokens: number) => void
  }) {
    this.#endpoint = options.endpoint
    this.#onWindow = options.onWindow
    this.#lookUps = options.isNeeded ? 0 : maxLookUps
  }

  /** There are no more look-ups. */
  get isOver(): boolean {
    return this.#lookUps >= maxLookUps
  }

  /** Looks the window up once. Does nothing while another look-up runs, or if `isOver`. Never fails. */
  readonly run: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#isRunning || this.isOver) return Effect.void
    this.#isRunning = true
    return this.#ask().pipe(
      // A server that can't be reached is asked again with the next long request.
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => {
        this.#isRunning = false
      }))
    )
  })

  #ask(): Effect.Effect<void, EngineFailed> {
    return Effect.gen({ self: this }, function*() {
      const { url: { origin } } = this.#endpoint
      const model = Option.getOrUndefined(yield* this.#endpoint.model)
      const published = yield* ContextWindow.ask(this.#endpoint, model)
      this.#lookUps++
      switch (published._tag) {
        case "Window":
          this.#lookUps = maxLookUps
          this.#onWindow(published.tokens)
          return yield* Effect.logInfo(`${origin} has a context window of ${published.tokens} tokens; longer calls lose their oldest turns`)
        case "CutsSilently":
          this.#lookUps = maxLookUps
          return yield* Effect.logWarning(
            `${origin} does not publish its context window and cuts longer prompts silently. Set LLM_CONTEXT_WINDOW to the server's window (OLLAMA_CONTEXT_LENGTH)`
          )
        case "Unpublished":
      }
    })
  }
}
