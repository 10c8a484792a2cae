/**
 * One request of a reply as it is answered: the chunks of the server in, what is to be spoken out, and with the last one
 * what is to be done and how it ended.
 *
 * Once the model has called something, only further calls count: what it goes on to say is an answer of its own
 * invention. The same call as a server's own and as text (some servers leave it in both) is one.
 */
import { Option, Result, type Schema } from "effect"
import type { ReplyPart } from "../../../conversation/ports/ReplyModel.ts"
import { canonical } from "../../../conversation/ports/Tools.ts"
import type * as ModelActions from "./ModelActions.ts"
import type * as ChatRequest from "./ChatRequest.ts"
import * as ChatStream from "./ChatStream.ts"
import * as ModelOutputParser from "./output/ModelOutputParser.ts"

/** What a line of the text, or a call in it, wants done; a failure is a sentence for the model. */
export interface Line {
  readonly body: string
  readonly action: Result.Result<ModelActions.Action, string>
  /** Of a call as models write it, not one of our own lines. */
  readonly call?: { readonly name: string; readonly arguments: string }
}

export interface Options {
  readonly actions: ModelActions.ModelActions
  /** How it was asked. */
  readonly dialect: ChatRequest.Dialect
  readonly reader: ModelOutputParser.Options
  /** Characters that are spoken at most: a server may take no notice of its limit, or count thoughts in it as well. */
  readonly longest: number
  /** Characters of text that are read at most: what is spoken, and what is not. */
  readonly longestRead: number
}

/** What is unreadable in a line, for the model. */
const unreadable: Result.Result<ModelActions.Action, string> = Result.fail("The line could not be read. Write it again, in its exact form.")

export const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const parsed = (json: string): Schema.Json => {
  try {
    return JSON.parse(json === "" ? "{}" : json) as Schema.Json
  } catch {
    return json
  }
}

/** The same for calls that ask the same. */
const identity = (call: { readonly name: string; readonly arguments: string }): string =>
  `${call.name.toLowerCase()} ${canonical(parsed(call.arguments))}`

/** Characters that are read at once; the calls have their turn before the next. */
const longestAtOnce = 256

export class ReplyRound {
  readonly #options: Options
  #reader: ModelOutputParser.Reader
  #hasCalled = false
  #isTooLong = false
  /** Came, and is not read yet; `#unread` is all of it, from `#readTo` on. */
  #unread = ""
  #readTo = 0
  #received = 0
  answered: ChatStream.Answered = ChatStream.empty
  /** Spoken by it. */
  text = ""
  /** In the order in which the model wrote them. */
  lines: Array<Line> = []
  /** Formats of calls that were neither spoken nor done. */
  readonly dropped: Array<string> = []
  /** Formats of calls that were done. */
  readonly written: Array<string> = []
  /** What came last was written by the model, and none of it is spoken. */
  isThinking = false
  /** Some of what was taken last was a thought in a field of its own. */
  #hasNewThought = false
  /** Nothing that comes is listened to any more. */
  isOver = false
  hasEnded = false

  constructor(options: Options) {
    this.#options = options
    this.#reader = ModelOutputParser.make(options.reader)
  }

  get dialect(): ChatRequest.Dialect {
    return this.#options.dialect
  }

  /** The server has said why it stopped; little can follow. */
  get isFinished(): boolean {
    return Option.isSome(this.answered.finish)
  }

  /** Why the text may end within a sentence. */
  get cutBy(): "limit" | "filter" | undefined {
    if (this.#isTooLong) return "limit"
    if (this.#hasCalled || this.answered.calls.size > 0 || this.#reader.isOver) return undefined
    const reason = Option.getOrElse(this.answered.finish, () => "")
    return reason === "length" || reason === "max_tokens" ? "limit" : reason === "content_filter" ? "filter" : undefined
  }

  /** The model has said, called or thought anything. */
  get hasBegun(): boolean {
    return this.answered.hasText || this.answered.calls.size > 0 || this.hasThoughts
  }

  get hasThoughts(): boolean {
    return this.answered.hasThoughts || this.#reader.hasThought
  }

  /** Whether the text is one whose thought was opened in the prompt; unset: this reply does not tell. */
  get opensThought(): boolean | undefined {
    if (this.#reader.hasLoneEnd) return true
    if (this.answered.hasThoughts) return false
    return this.#options.reader.holdsStart === true && isSpoken(this.text) ? false : undefined
  }

  /** Whether there is text to be read before more is taken. */
  get hasUnread(): boolean {
    return this.#readTo < this.#unread.length && !this.isOver
  }

  /** Takes what the server sent, and reads the first of it. */
  take(chunks: ReadonlyArray<ChatStream.Chunk>): ReadonlyArray<ReplyPart> {
    this.#hasNewThought = false
    for (const chunk of chunks) {
      const [answered, more] = ChatStream.add(this.answered, chunk)
      this.answered = answered
      this.#hasNewThought ||= ChatStream.isThought(chunk)
      const room = this.#options.longestRead - this.#received
      this.#unread += more.length > room ? more.slice(0, room) : more
      this.#received += more.length
    }
    if (this.answered.hasThoughts) this.#reader = ModelOutputParser.startedByServer(this.#reader)
    return this.read()
  }

  /** Reads on in what was taken. A delta may be as long as a server likes; no call waits until all of it is read. */
  read(): ReadonlyArray<ReplyPart> {
    const text = this.#unread.slice(this.#readTo, this.#readTo + longestAtOnce)
    this.#readTo += text.length
    if (this.#readTo === this.#unread.length) {
      this.#unread = ""
      this.#readTo = 0
    }
    const parts = this.#listen(ModelOutputParser.read(this.#reader, text))
    this.isThinking = parts.length === 0 && (this.#hasNewThought || text !== "" && ModelOutputParser.isInThought(this.#reader))
    if (!this.hasUnread && !this.isOver && this.#received > this.#options.longestRead) this.isOver = this.#isTooLong = true
    return parts
  }

  end(): ReadonlyArray<ReplyPart> {
    this.hasEnded = true
    return this.#listen(ModelOutputParser.finish(this.#reader, this.cutBy === "limit"))
  }

  /** All calls are known: one that came in both ways is one. */
  settle(): void {
    const calls = new Set(ChatStream.callsOf(this.answered).map(identity))
    if (calls.size > 0) this.lines = this.lines.filter(({ call }) => call === undefined || !calls.has(identity(call)))
  }

  #listen([reader, pieces]: readonly [ModelOutputParser.Reader, ReadonlyArray<ModelOutputParser.Piece>]): ReadonlyArray<ReplyPart> {
    this.#reader = reader
    const parts: Array<ReplyPart> = []
    for (const piece of pieces) {
      if (this.isOver) break
      switch (piece._tag) {
        case "Text":
          this.#say(piece, parts)
          break
        case "Dropped":
          this.dropped.push(piece.format)
          break
        case "Call":
          this.written.push(piece.format)
          this.#act({
            body: `call:${piece.name} ${piece.arguments}`,
            action: this.#options.actions.ofCall(piece.name, piece.arguments),
            call: piece
          })
          break
        case "Marker": {
          const body = piece.body.trim()
          this.#act({ body, action: this.#options.actions.ofMarker(body) })
          break
        }
        case "Broken":
          this.#act({ body: "", action: unreadable })
      }
    }
    if (reader.isOver) this.hasEnded = this.isOver = true
    return parts
  }

  #say(piece: ModelOutputParser.Piece & { readonly _tag: "Text" }, parts: Array<ReplyPart>): void {
    if (this.#hasCalled) {
      this.isOver ||= isSpoken(piece.text)
      return
    }
    const text = piece.text.slice(0, this.#options.longest - this.text.length)
    this.text += text
    parts.push({ _tag: "Text", text })
    if (text.length < piece.text.length) this.isOver = this.#isTooLong = true
  }

  #act(line: Line): void {
    if (this.lines.length < ChatStream.maxCalls) this.lines.push(line)
    if (Result.isFailure(line.action) || line.action.success._tag === "Call") this.#hasCalled = true
  }
}
