/**
 * Keeps the requests of long calls within a server's context window. It decides how much of a call's history a request holds and how long
 * the answer may be.
 *
 * The window is known from the configuration, from a page of the server, or from the server's first refusal. After a refusal the next
 * request is shorter. The figures in the refusal say by how much. The limits that were learnt apply to all calls.
 */
import { Effect, Redacted, type Scope } from "effect"
import { EngineFailed } from "../../../../conversation/ports/Engine.ts"
import type { ReplyRequest } from "../../../../conversation/ports/ReplyModel.ts"
import type * as OpenAiClient from "../../client/OpenAiClient.ts"
import { ServerError } from "../../client/ServerError.ts"
import * as ChatRequest from "../ChatRequest.ts"
import type { Dialect } from "../Dialect.ts"
import type { ToolDefinition } from "../ModelActions.ts"
import * as ContextOverflow from "./ContextOverflow.ts"
import * as HistoryBudget from "./HistoryBudget.ts"
import * as TokenEstimate from "./TokenEstimate.ts"
import * as TokenLimits from "./TokenLimits.ts"
import { WindowLookUp } from "./WindowLookUp.ts"

/** The full content of a request, whether it fits into the window or not. */
export interface FullRequest {
  readonly system: string
  readonly request: Pick<ReplyRequest, "history" | "exchanges" | "isResumed">
  readonly dialect: Dialect
  /** The tools that the body lists; none if the system text explains them. */
  readonly tools: ReadonlyArray<ToolDefinition>
  /** Whether the tool only looks something up. Then a note about left-out turns need not mention its calls. */
  readonly isRepeatable: (tool: string) => boolean
  /** The most tokens of this answer. */
  readonly answerTokens: number
  /** The token limit of a usual answer. The history's room is computed with it, so that all requests cut the history in the same place. */
  readonly usualAnswerTokens: number
  /** The spoken text whose last sentence the model should finish. Undefined: the model should reply. */
  readonly unfinishedText: string | undefined
}

/** A request that should fit into the window, by the known limits. */
export interface FittedRequest extends TokenLimits.RequestSize {
  readonly messages: ReadonlyArray<ChatRequest.ChatMessage>
  /** The number of the call's messages that the request leaves out. */
  readonly dropped: number
}

/** Estimated tokens of a prompt that no server refuses. Up to this size, the server is not asked for its window. */
const smallPromptTokens = 800

/** After a refusal without figures the next request has at most this share of the tokens. */
const shrunkShare = 0.9

/** The most steps by which the limits are tightened after one refusal. */
const maxTightenings = 12

/** The time-out of a look-up of the window that a caller waits for. */
const lookUpTimeout = "1 second"

interface ContextBudgetOptions {
  readonly endpoint: OpenAiClient.OpenAiClient
  /** Tokens of the window in the configuration; undefined: the server is asked for its window. */
  readonly window: number | undefined
  /** The scope of look-ups of the window that no reply waits for. */
  readonly scope: Scope.Scope
}

export class ContextBudget {
  readonly #options: ContextBudgetOptions
  readonly #lookUp: WindowLookUp
  #limits: TokenLimits.TokenLimits
  /** The limits before the first of the guesses that no accepted request has confirmed yet. */
  #limitsBeforeGuess: TokenLimits.TokenLimits | undefined
  #hasLoggedCut = false
  /** Failures of requests that cannot become any shorter. */
  readonly #finalFailures = new WeakSet<EngineFailed>()

  constructor(options: ContextBudgetOptions) {
    const { endpoint, window } = options
    this.#options = options
    this.#limits = window === undefined ? TokenLimits.unknown : TokenLimits.withKnownWindow(TokenLimits.unknown, window)
    this.#lookUp = new WindowLookUp({
      endpoint,
      isNeeded: window === undefined,
      onWindow: (tokens) => {
        this.#limits = TokenLimits.withKnownWindow(this.#limits, tokens)
      }
    })
  }

  /** Asks the server for its window; see `WindowLookUp.run`. */
  get lookUp(): Effect.Effect<void> {
    return this.#lookUp.run
  }

  fit(full: FullRequest): FittedRequest {
    const { answerTokens, dialect, isRepeatable, request: { exchanges = [], history, isResumed }, system, tools, unfinishedText, usualAnswerTokens } = full
    const fixedTokens = TokenEstimate.ofRequest([{ role: "system", content: system }], tools)
    const room = TokenLimits.historyRoom(this.#limits, fixedTokens, usualAnswerTokens)
    const shortened = HistoryBudget.keep(history, exchanges, room, isRepeatable)
    const conversation = ChatRequest.messages(system, shortened.history, shortened.exchanges, dialect, { note: shortened.note, isResumed })
    const messages = unfinishedText === undefined ? conversation : ChatRequest.messagesForRest(conversation, unfinishedText)
    const prompt = TokenEstimate.ofRequest(messages, dialect.tools === "calls" ? tools : [])
    return { messages, prompt, answer: TokenLimits.answerTokens(this.#limits, answerTokens, prompt), dropped: shortened.dropped }
  }

  /** The figures of a failure if the request was too long; undefined if a shorter request would fail, too. */
  overflowOf(error: EngineFailed): ContextOverflow.Overflow | undefined {
    const { cause } = error
    return cause instanceof ServerError && !this.#finalFailures.has(error)
      ? ContextOverflow.read(Redacted.value(cause.detail), Redacted.value(cause.body))
      : undefined
  }

  /**
   * Learns from the refusal of a request that was too long, so that `fit` makes a shorter request. Fails with `tooLong` if no shorter
   * request is possible.
   */
  learnFromRefusal(error: EngineFailed, overflow: ContextOverflow.Overflow, sent: FittedRequest, full: FullRequest): Effect.Effect<void, EngineFailed> {
    return Effect.gen({ self: this }, function*() {
      const before = this.#limits
      const hasFigures = overflow.window !== undefined || overflow.answer !== undefined
      if (!hasFigures && this.#limits.window === undefined) {
        yield* Effect.timeoutOrElse(this.#lookUp.run, { duration: lookUpTimeout, orElse: () => Effect.void })
      }
      if (!hasFigures) this.#limitsBeforeGuess ??= this.#limits
      const learnt = TokenLimits.afterRefusal(this.#limits, overflow, sent)
      this.#limits = learnt
      const next = this.#tightenLimits(full, sent, hasFigures)
      if (next.prompt >= sent.prompt && next.answer >= sent.answer) {
        this.#limits = learnt
        return yield* this.tooLong(error, sent)
      }
      yield* this.#logChange(before)
    })
  }

  /** The failure of a request that is too long even after it was shortened. Its advice says which settings the operator can change. */
  tooLong({ cause }: EngineFailed, { prompt }: FittedRequest): EngineFailed {
    // Guesses that did not help are undone, because they would only shorten the requests of other calls.
    this.#limits = this.#limitsBeforeGuess ?? this.#limits
    this.#limitsBeforeGuess = undefined
    const { ratio, window } = this.#limits
    const { origin } = this.#options.endpoint.url
    const windowText = window === undefined ? "" : `, and its window is ${window} with the answer`
    const error = new EngineFailed({
      stage: this.#options.endpoint.stage,
      reason: "refused",
      advice: `${origin} refuses even the shortest request: instructions, tools and the newest words are about ${Math.ceil(prompt * ratio)} tokens${windowText}. `
        + "Give the server more context (--max-model-len of vLLM, -c of llama.cpp, OLLAMA_CONTEXT_LENGTH), or shorten the agent's instructions and tools.",
      cause
    })
    this.#finalFailures.add(error)
    return error
  }

  /** Learns from a request that the server has answered. `promptTokens`: the server's count; undefined if it gives none. */
  learnFromAnswer(sent: FittedRequest, promptTokens: number | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#limitsBeforeGuess = undefined
      if (promptTokens !== undefined) this.#limits = TokenLimits.afterCount(this.#limits, sent.prompt, promptTokens)
      const isFirstCut = sent.dropped > 0 && !this.#hasLoggedCut
      this.#hasLoggedCut ||= isFirstCut
      const log = isFirstCut
        ? Effect.logInfo(`A call is longer than the context window of ${this.#options.endpoint.url.origin}; it loses its oldest turns`)
        : Effect.void
      const needsWindow = this.#limits.window === undefined && sent.prompt > smallPromptTokens && !this.#lookUp.isOver
      return Effect.andThen(log, needsWindow ? Effect.asVoid(Effect.forkIn(this.#lookUp.run, this.#options.scope)) : Effect.void)
    })
  }

  /** Tightens the limits until the request is shorter than the refused request, by `maxTightenings` steps at most. */
  #tightenLimits(full: FullRequest, refused: FittedRequest, hasFigures: boolean): FittedRequest {
    const isShorter = (next: FittedRequest): boolean => hasFigures
      ? next.prompt < refused.prompt || next.answer < refused.answer
      : next.prompt + next.answer <= shrunkShare * (refused.prompt + refused.answer)
    let next = this.fit(full)
    for (let step = 0; step < maxTightenings && !isShorter(next); step++) {
      this.#limits = TokenLimits.tightened(this.#limits)
      next = this.fit(full)
    }
    return next
  }

  #logChange(before: TokenLimits.TokenLimits): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { answer, window } = this.#limits
      const { endpoint: { url: { origin } }, window: configured } = this.#options
      if (configured !== undefined && window !== undefined && window < configured && window !== before.window) {
        yield* Effect.logWarning(`${origin} accepts ${window} tokens, but LLM_CONTEXT_WINDOW is ${configured}. The smaller window is used. Set LLM_CONTEXT_WINDOW=${window}`)
      } else if (window !== before.window) {
        yield* Effect.logInfo(`${origin} refused a request as too long. From now on a request and its answer have at most ${window} tokens, and longer calls lose their oldest turns`)
      }
      if (answer !== before.answer) yield* Effect.logInfo(`${origin} accepts answers of ${answer} tokens at most. From now on requests ask for no longer answers`)
    })
  }
}
