/**
 * The dialect of one chat server, as far as its answers and refusals have shown it. All agents share the dialect, because it belongs to
 * the server and its model.
 */
import type { ReplySettings } from "../../../config/EngineSettings.ts"
import * as Dialect from "./Dialect.ts"
import * as UnopenedThought from "./output/UnopenedThought.ts"
import * as Thinking from "./Thinking.ts"

export interface ServerDialectOptions {
  readonly url: URL
  readonly tools: Dialect.ToolsChoice
  /** The operator's choice. */
  readonly thinking: ReplySettings["thinking"]
}

/** What an answer shows about the model's thinking. */
interface SeenThoughts {
  /** The dialect of the request. */
  readonly dialect: Dialect.Dialect
  readonly hasThoughts: boolean
  /** Whether the answer's text began inside of a thought (`UnopenedThought`); undefined if the answer does not show it. */
  readonly opensThought: boolean | undefined
}

export class ServerDialect {
  readonly #options: ServerDialectOptions
  /** The corrected dialect; undefined if no answer has contradicted the guess from the model's name. */
  #learnt: Dialect.Dialect | undefined
  #opensThought: boolean | undefined

  constructor(options: ServerDialectOptions) {
    this.#options = options
  }

  /** The dialect of a request to this model now. */
  of(model: string | undefined): Dialect.Dialect {
    return this.#learnt ?? Dialect.expectedOf(model, this.#options.tools, this.#options)
  }

  /** Whether another request has changed the dialect since `of` returned `dialect`. */
  hasChangedSince(dialect: Dialect.Dialect): boolean {
    return this.#learnt !== undefined && this.#learnt !== dialect
  }

  /** Whether the text of this model's answers may begin inside of a thought. */
  opensThought(model: string | undefined): boolean {
    return this.#opensThought ?? UnopenedThought.isOpenedBy(model)
  }

  /**
   * Learns from the refusal of a request. `thinking`: how this request asked for thinking, if not as `dialect` does. Returns the dialect
   * of the next request; undefined if the message names no part of the dialect as the cause.
   */
  learnFromRefusal(dialect: Dialect.Dialect, thinking: Thinking.Thinking | undefined, message: string): Dialect.Dialect | undefined {
    const next = Dialect.afterRefusal(thinking === undefined ? dialect : { ...dialect, thinking }, message)
    if (next !== undefined) this.#learnt = thinking === undefined ? next : { ...next, thinking: dialect.thinking }
    return next
  }

  /** Learns from the thoughts of an answer. Returns the thinking that requests ask for from now on, if it has changed. */
  learnFromThoughts({ dialect, hasThoughts, opensThought }: SeenThoughts): Thinking.Thinking | undefined {
    this.#opensThought = opensThought ?? this.#opensThought
    if (!hasThoughts) return undefined
    const current = this.#learnt ?? dialect
    const thinking = Thinking.afterThoughts(current.thinking)
    // Another answer may have changed the dialect in the same way in the meantime.
    if (Thinking.isSame(thinking, current.thinking) || !Thinking.isSame(dialect.thinking, current.thinking)) return undefined
    this.#learnt = { ...current, thinking }
    return thinking
  }

  /**
   * Returns the thinking to ask for after an answer that had only thoughts: the least. Undefined if the request with this dialect already
   * asked for the least. Later requests ask for the least, too, unless the operator wants the model to think.
   */
  reduceThinking(dialect: Dialect.Dialect): Thinking.Thinking | undefined {
    const current = this.#learnt ?? dialect
    const least = Thinking.leastOf(current.thinking)
    if (Thinking.isSame(least, dialect.thinking)) return undefined
    if (this.#options.thinking === "off") this.#learnt = { ...current, thinking: least }
    return least
  }
}
