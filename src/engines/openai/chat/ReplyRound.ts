/**
 * The answer to one request of a reply. It turns the server's chunks into the parts to speak. After the last chunk it holds the actions
 * that the model asked for.
 *
 * After a tool call only further calls count, because text there is a tool's answer that the model has invented. Some servers send the
 * same call both as a tool call and as text. It counts once.
 */
import { Array, Cause, Effect, Option, Pull, Result, type Schema, Stream } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { ReplyPart } from "../../../conversation/ports/ReplyModel.ts"
import { canonicalJson } from "../../../conversation/ports/Tools.ts"
import type { Dialect } from "./Dialect.ts"
import * as ModelActions from "./ModelActions.ts"
import * as ChatStream from "./ChatStream.ts"
import type { OutputPiece } from "./output/OutputRule.ts"
import * as ModelOutputParser from "./output/ModelOutputParser.ts"

/** An action that the model wrote into the text: as an action line, or as a tool call in the model's own format. */
export interface WrittenAction {
  /** The action as text, for the next request to the model. */
  readonly body: string
  readonly action: ModelActions.CheckedAction
  /** Set for a tool call in the model's own format. */
  readonly call?: { readonly name: string; readonly arguments: string }
}

export interface ReplyRoundOptions {
  readonly actions: ModelActions.ModelActions
  /** The dialect of the request. */
  readonly dialect: Dialect
  readonly parser: ModelOutputParser.ParserOptions
  /** The most characters to speak. A server may ignore the token limit, or also count thoughts in it. */
  readonly maxSpokenCharacters: number
  /** The most characters to read, including text that is not spoken. */
  readonly maxReadCharacters: number
}

const unreadableLine = ModelActions.refused("The line could not be read. Write it again, in its exact form.")

/** Whether a text has anything that is spoken, not only punctuation. */
export const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const parsedArguments = (json: string): Schema.Json => {
  try {
    return JSON.parse(json === "" ? "{}" : json) as Schema.Json
  } catch {
    return json
  }
}

/** Equal for calls of the same tool with the same arguments. */
const callKey = (call: { readonly name: string; readonly arguments: string }): string =>
  `${call.name.toLowerCase()} ${canonicalJson(parsedArguments(call.arguments))}`

/** Characters that are parsed in one go. After them the event loop serves other calls. */
const charactersAtOnce = 256

export class ReplyRound {
  readonly #options: ReplyRoundOptions
  #parser: ModelOutputParser.ParserState
  /** A tool was called, or an action line could not be carried out. So the model has to be asked again. */
  #hasCalled = false
  #isTooLong = false
  /** Text that has arrived; parsed up to `#parsedTo`. */
  #arrived = ""
  #parsedTo = 0
  #arrivedCharacters = 0
  /** The newest chunks have a thought that is separate from the text. */
  #hasNewThought = false
  answered: ChatStream.Answered = ChatStream.empty
  spokenText = ""
  /** The actions in the text, in their order. */
  writtenActions: Array<WrittenAction> = []
  /** The formats of calls in the text that were left out, because they were unreadable or named no known tool. */
  readonly droppedFormats: Array<string> = []
  /** The formats of calls in the text that were readable and named a known tool. */
  readonly writtenFormats: Array<string> = []
  /** The newest text is the model's thinking, which is not spoken. */
  isThinking = false
  /** No further text counts: the model has ended its turn, or a limit is reached. */
  isOver = false
  /** The answer has ended and all of its text is read. */
  hasEnded = false

  constructor(options: ReplyRoundOptions) {
    this.#options = options
    this.#parser = ModelOutputParser.make(options.parser)
  }

  get dialect(): Dialect {
    return this.#options.dialect
  }

  /** The server has sent the finish reason. Only token counts may follow. */
  get hasFinishReason(): boolean {
    return Option.isSome(this.answered.finishReason)
  }

  /** The cause, if the answer was cut off; undefined if it was not. The text may then end within a sentence. */
  get cutBy(): "limit" | "filter" | undefined {
    if (this.#isTooLong) return "limit"
    if (this.#hasCalled || this.answered.calls.size > 0 || this.#parser.isOver) return undefined
    const reason = Option.getOrElse(this.answered.finishReason, () => "")
    return reason === "length" || reason === "max_tokens" ? "limit" : reason === "content_filter" ? "filter" : undefined
  }

  /** The model has begun to speak, to call a tool or to think. */
  get hasBegun(): boolean {
    return this.answered.hasText || this.answered.calls.size > 0 || this.hasThoughts
  }

  get hasThoughts(): boolean {
    return this.answered.hasThoughts || this.#parser.hasThought
  }

  /** Whether the text began inside of a thought; undefined: the answer does not show it. */
  get opensThought(): boolean | undefined {
    if (this.#parser.hasUnopenedThought) return true
    if (this.answered.hasThoughts) return false
    return this.#options.parser.holdsStart === true && isSpoken(this.spokenText) ? false : undefined
  }

  /** Text has arrived that `read` has to read before more chunks are taken. */
  get hasUnread(): boolean {
    return this.#parsedTo < this.#arrived.length && !this.isOver
  }

  /** Takes chunks and reads the first part of their text. */
  take(chunks: ReadonlyArray<ChatStream.Chunk>): ReadonlyArray<ReplyPart> {
    this.#hasNewThought = false
    for (const chunk of chunks) {
      const [answered, text] = ChatStream.add(this.answered, chunk)
      this.answered = answered
      this.#hasNewThought ||= ChatStream.isThought(chunk)
      const room = this.#options.maxReadCharacters - this.#arrivedCharacters
      this.#arrived += text.length > room ? text.slice(0, room) : text
      this.#arrivedCharacters += text.length
    }
    if (this.answered.hasThoughts) this.#parser = ModelOutputParser.withoutHeldStart(this.#parser)
    return this.read()
  }

  /** Reads the next part of the text that has arrived. One delta may be very long, and other calls must not wait for all of it. */
  read(): ReadonlyArray<ReplyPart> {
    const text = this.#arrived.slice(this.#parsedTo, this.#parsedTo + charactersAtOnce)
    this.#parsedTo += text.length
    if (this.#parsedTo === this.#arrived.length) {
      this.#arrived = ""
      this.#parsedTo = 0
    }
    const parts = this.#handle(ModelOutputParser.read(this.#parser, text))
    this.isThinking = parts.length === 0 && (this.#hasNewThought || text !== "" && ModelOutputParser.isInThought(this.#parser))
    if (!this.hasUnread && !this.isOver && this.#arrivedCharacters > this.#options.maxReadCharacters) this.isOver = this.#isTooLong = true
    return parts
  }

  /** Reads the text that the parser has held back. */
  end(): ReadonlyArray<ReplyPart> {
    this.hasEnded = true
    return this.#handle(ModelOutputParser.finish(this.#parser, this.cutBy === "limit"))
  }

  /** Removes calls in the text that the server has also sent as tool calls. Called at the end, when all calls are known. */
  removeRepeatedCalls(): void {
    const serverCalls = new Set(ChatStream.callsOf(this.answered).map(callKey))
    if (serverCalls.size > 0) this.writtenActions = this.writtenActions.filter(({ call }) => call === undefined || !serverCalls.has(callKey(call)))
  }

  #handle([parser, pieces]: readonly [ModelOutputParser.ParserState, ReadonlyArray<OutputPiece>]): ReadonlyArray<ReplyPart> {
    this.#parser = parser
    const parts: Array<ReplyPart> = []
    for (const piece of pieces) {
      if (this.isOver) break
      switch (piece._tag) {
        case "Text":
          this.#say(piece.text, parts)
          break
        case "DroppedCall":
          this.droppedFormats.push(piece.format)
          break
        case "Call":
          this.writtenFormats.push(piece.format)
          this.#addAction({
            body: `call:${piece.name} ${piece.arguments}`,
            action: this.#options.actions.fromCall(piece.name, piece.arguments),
            call: piece
          })
          break
        case "ActionLine": {
          const body = piece.body.trim()
          this.#addAction({ body, action: this.#options.actions.fromLine(body) })
          break
        }
        case "BrokenLine":
          this.#addAction({ body: "", action: unreadableLine })
      }
    }
    if (parser.isOver) this.hasEnded = this.isOver = true
    return parts
  }

  #say(written: string, parts: Array<ReplyPart>): void {
    if (this.#hasCalled) {
      this.isOver ||= isSpoken(written)
      return
    }
    const text = written.slice(0, this.#options.maxSpokenCharacters - this.spokenText.length)
    this.spokenText += text
    parts.push({ _tag: "Text", text })
    if (text.length < written.length) this.isOver = this.#isTooLong = true
  }

  #addAction(written: WrittenAction): void {
    if (this.writtenActions.length < ChatStream.maxCalls) this.writtenActions.push(written)
    if (Result.isFailure(written.action) || written.action.success._tag === "Call") this.#hasCalled = true
  }
}

const thinkingPart: ReadonlyArray<ReplyPart> = [{ _tag: "Thinking" }]

/**
 * How long to wait for token counts after the finish reason. Most servers send them at once. Some servers send none and leave the answer
 * open.
 */
const usageTimeoutMillis = 100

/** The parts of an answer as it arrives. When the stream has ended, `round` has the answer's actions and the reason for its end. */
export const partsOf = (round: ReplyRound, chunks: Stream.Stream<ChatStream.Chunk, EngineFailed>): Stream.Stream<ReplyPart, EngineFailed> =>
  Stream.transformPull(chunks, (pull) => {
    const usage = Effect.timeoutOrElse(pull, { duration: usageTimeoutMillis, orElse: () => Cause.done() })
    const arriving = Effect.suspend(() => round.hasFinishReason ? usage : pull).pipe(
      Effect.map((chunks): ReadonlyArray<ReplyPart> => {
        const parts = round.take(chunks)
        return round.isThinking ? thinkingPart : parts
      }),
      Pull.catchDone(() => Effect.sync(() => round.end()))
    )
    const unread = Effect.andThen(Effect.yieldNow, Effect.sync(() => round.read()))
    const next: Pull.Pull<Array.NonEmptyReadonlyArray<ReplyPart>, EngineFailed> = Effect.suspend(() =>
      round.isOver || round.hasEnded ? Cause.done() : Effect.flatMap(round.hasUnread ? unread : arriving, (parts) =>
        Array.isReadonlyArrayNonEmpty(parts) ? Effect.succeed(parts) : next)
    )
    return Effect.succeed(next)
  })
