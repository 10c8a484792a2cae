/**
 * Keeps the requests of long calls within a server's context window: what is known of it, and what of a call is told to it.
 *
 * The window comes from the configuration, else from the server's pages, else from its first refusal. A request that is
 * refused for its size is made shorter by what the refusal tells, and what was learnt is kept for all calls.
 */
import { Effect, Redacted, type Scope } from "effect"
import { EngineFailed } from "../../../../conversation/ports/Engine.ts"
import type { ReplyRequest } from "../../../../conversation/ports/ReplyModel.ts"
import type { ToolDefinition } from "../ModelActions.ts"
import * as ChatRequest from "../ChatRequest.ts"
import * as ContextOverflow from "./ContextOverflow.ts"
import * as ContextWindow from "./ContextWindow.ts"
import * as OpenAiClient from "../../client/OpenAiClient.ts"
import * as HistoryBudget from "./HistoryBudget.ts"
import * as PromptBudget from "./PromptBudget.ts"
import * as TokenEstimate from "./TokenEstimate.ts"

/** What is to be said. */
export interface Wish {
  readonly system: string
  readonly request: Pick<ReplyRequest, "history" | "exchanges">
  readonly dialect: ChatRequest.Dialect
  readonly tools: ReadonlyArray<ToolDefinition>
  /** The tool only looks up: that it was asked need not be remembered. */
  readonly isRepeatable: (tool: string) => boolean
  /** Tokens of this answer. */
  readonly answer: number
  /** Tokens of an answer as a rule: by them the room of the history is measured, so that its cut is the same for each request. */
  readonly usualAnswer: number
  /** What was said of a sentence that is to be finished. */
  readonly said: string | undefined
}

/** A request that should fit. */
export interface Fitted extends PromptBudget.Sent {
  readonly messages: ReadonlyArray<ChatRequest.ChatMessage>
  /** Messages of the call that it leaves out. */
  readonly dropped: number
}

export interface ContextBudget {
  readonly fit: (wish: Wish) => Fitted
  /** What is to be done about a failure by a shorter request; nothing, where that is no help. */
  readonly overflowOf: (error: EngineFailed) => ContextOverflow.Overflow | undefined
  /** Learns from a refusal. Fails as `givenUp` where the request can't be any shorter. */
  readonly refused: (error: EngineFailed, overflow: ContextOverflow.Overflow, sent: Fitted, wish: Wish) => Effect.Effect<void, EngineFailed>
  /** What became of a request that was made shorter in vain; says what to set. */
  readonly givenUp: (error: EngineFailed, sent: Fitted) => EngineFailed
  /** The server took a request; `tokens`: of its prompt, if it told. */
  readonly accepted: (sent: Fitted, tokens?: number) => Effect.Effect<void>
  /** Asks the server for its window, once. */
  readonly lookUp: Effect.Effect<void>
}

/** Estimated tokens of a request that no server refuses; before that nothing is asked. */
const smallPrompt = 800

/** Without a word of the server on it, a request is made shorter by at least this. */
const shrink = 0.9

/** Of one refusal. */
const mostSteps = 12

/** An Ollama that has no model loaded yet tells nothing. */
const mostLookUps = 3

/** A caller waits for it. */
const patience = "1 second"

export const make = (
  endpoint: OpenAiClient.OpenAiClient,
  /** Tokens, if the operator has said so. */
  configured: number | undefined,
  scope: Scope.Scope
): ContextBudget => {
  const { origin } = endpoint.url
  let limits = configured === undefined ? PromptBudget.unknown : PromptBudget.told(PromptBudget.unknown, configured)
  let lookUps = configured === undefined ? 0 : mostLookUps
  let isAsking = false
  let hasToldDrop = false
  /** What held before guesses that no answer has proved yet. */
  let proven: PromptBudget.Limits | undefined
  /** Failures that a shorter request was no help against. */
  const final = new WeakSet<EngineFailed>()

  const lookUp = Effect.suspend(() => {
    if (isAsking || lookUps >= mostLookUps) return Effect.void
    isAsking = true
    return Effect.gen(function*() {
      const model = yield* endpoint.model
      const told = yield* ContextWindow.ask(endpoint, model._tag === "Some" ? model.value : undefined)
      lookUps++
      switch (told._tag) {
        case "Window":
          lookUps = mostLookUps
          limits = PromptBudget.told(limits, told.tokens)
          return yield* Effect.logInfo(`${origin} has a context window of ${told.tokens} tokens; of longer calls the oldest turns are left out`)
        case "CutsSilently":
          lookUps = mostLookUps
          return yield* Effect.logWarning(
            `${origin} does not tell its context window and cuts what is longer without a word. Set LLM_CONTEXT_WINDOW to what the server has (OLLAMA_CONTEXT_LENGTH)`
          )
        case "Untold":
      }
    }).pipe(
      // It is asked again: with the next long request, or it is learnt from a refusal.
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => {
        isAsking = false
      }))
    )
  })

  const fit = (wish: Wish): Fitted => {
    const { answer, dialect, isRepeatable, request: { exchanges = [], history }, said, system, tools, usualAnswer } = wish
    const fixed = TokenEstimate.ofRequest([{ role: "system", content: system }], tools)
    const kept = HistoryBudget.keep(history, exchanges, PromptBudget.roomOf(limits, fixed, usualAnswer), isRepeatable)
    const all = ChatRequest.messages(system, kept.history, kept.exchanges, dialect, kept.note)
    const messages = said === undefined ? all : ChatRequest.toGoOn(all, said)
    const prompt = TokenEstimate.ofRequest(messages, dialect.tools === "calls" ? tools : [])
    return { messages, prompt, answer: PromptBudget.answerTokens(limits, answer, prompt), dropped: kept.dropped }
  }

  const givenUp: ContextBudget["givenUp"] = ({ cause }, { prompt }) => {
    // Guesses that did not help say nothing of other calls.
    limits = proven ?? limits
    proven = undefined
    const { ratio, window } = limits
    const fits = window === undefined ? "" : `, and it takes ${window} with the answer`
    const error = new EngineFailed({
      stage: endpoint.stage,
      reason: "refused",
      advice: `${origin} refuses even the shortest request: instructions, tools and the newest words are about ${Math.ceil(prompt * ratio)} tokens${fits}. `
        + "Give the server more context (--max-model-len of vLLM, -c of llama.cpp, OLLAMA_CONTEXT_LENGTH), or shorten the agent's instructions and tools.",
      cause
    })
    final.add(error)
    return error
  }

  const refused: ContextBudget["refused"] = Effect.fnUntraced(function*(error, overflow, sent, wish) {
    const before = limits
    const hasFigures = overflow.window !== undefined || overflow.answer !== undefined
    if (!hasFigures && limits.window === undefined) {
      yield* Effect.timeoutOrElse(lookUp, { duration: patience, orElse: () => Effect.void })
    }
    if (!hasFigures) proven ??= limits
    const learnt = PromptBudget.refused(limits, overflow, sent)
    limits = learnt
    const isShorter = (next: Fitted): boolean => hasFigures
      ? next.prompt < sent.prompt || next.answer < sent.answer
      : next.prompt + next.answer <= shrink * (sent.prompt + sent.answer)
    let next = fit(wish)
    for (let step = 0; step < mostSteps && !isShorter(next); step++) {
      limits = PromptBudget.tightened(limits)
      next = fit(wish)
    }
    if (next.prompt >= sent.prompt && next.answer >= sent.answer) {
      limits = learnt
      return yield* givenUp(error, sent)
    }
    const { answer, window } = limits
    if (configured !== undefined && window !== undefined && window < configured && window !== before.window) {
      yield* Effect.logWarning(`${origin} takes ${window} tokens, and LLM_CONTEXT_WINDOW says ${configured}; the smaller holds. Set LLM_CONTEXT_WINDOW=${window}`)
    } else if (window !== before.window) {
      yield* Effect.logInfo(`${origin} refused a request as too long; from now on it gets ${window} tokens with the answer, and of longer calls the oldest turns are left out`)
    }
    if (answer !== before.answer) yield* Effect.logInfo(`${origin} takes answers of ${answer} tokens at most; it is asked for no more from now on`)
  })

  const accepted: ContextBudget["accepted"] = (sent, tokens) => Effect.suspend(() => {
    proven = undefined
    if (tokens !== undefined) limits = PromptBudget.counted(limits, sent.prompt, tokens)
    const told = sent.dropped > 0 && !hasToldDrop
      ? Effect.logInfo(`A call is longer than the context window of ${origin}; its oldest turns are left out`)
      : Effect.void
    hasToldDrop ||= sent.dropped > 0
    const needsWindow = limits.window === undefined && sent.prompt > smallPrompt && lookUps < mostLookUps
    return Effect.andThen(told, needsWindow ? Effect.asVoid(Effect.forkIn(lookUp, scope)) : Effect.void)
  })

  return {
    fit,
    overflowOf: (error) => {
      const { cause } = error
      return cause instanceof OpenAiClient.ServerError && !final.has(error)
        ? ContextOverflow.read(Redacted.value(cause.detail), Redacted.value(cause.body))
        : undefined
    },
    refused,
    givenUp,
    accepted,
    lookUp
  }
}
