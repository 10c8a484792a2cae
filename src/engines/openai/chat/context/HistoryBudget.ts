/**
 * Chooses the newest part of a long call's history that fits into the context window. The older part is cut off.
 *
 * - The cut moves rarely and far. If the history has more than `maxTokens`, the oldest turns are dropped until at most
 *   `maxTokensAfterCut` are left. Until the next move each request begins with the same bytes, so the server's prefix cache can be used.
 * - The cut depends only on the history, so each request computes the same cuts as the call's earlier requests.
 * - The cut is always before words of the caller. A tool call and its answer are one item, so they are kept or dropped together.
 * - A note before the kept part says that the beginning is missing. The note lists the calls of tools with an effect, because a model
 *   that does not know of a booking makes it twice.
 *
 * Pure.
 */
import type { Message } from "../../../../conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../../conversation/ports/Tools.ts"
import type { HistoryRoom } from "./TokenLimits.ts"
import * as TokenEstimate from "./TokenEstimate.ts"

/** The part of a call that a request holds. */
interface KeptHistory {
  readonly history: ReadonlyArray<Message>
  /** `at` of each exchange counts from the first message that is kept. */
  readonly exchanges: ReadonlyArray<ToolExchange>
  /** The note before a history whose beginning was left out. */
  readonly note?: string
  /** The number of messages of the call that were left out. */
  readonly dropped: number
}

type Item =
  | { readonly _tag: "Message"; readonly message: Message; readonly at: number; readonly tokens: number }
  | { readonly _tag: "Exchange"; readonly exchange: ToolExchange; readonly tokens: number }

/** Tokens that a template adds to a message. A call and its answer are two messages. */
const tokensPerMessage = TokenEstimate.ofMessage({ role: "user", content: "" })

/** Tokens of the field names of a tool call. */
const tokensPerCall = 30

const tokensOf = ({ calls, said }: ToolExchange): number =>
  calls.reduce((sum, { answer, arguments: json, id, name }) =>
    sum + tokensPerMessage + tokensPerCall + TokenEstimate.ofText(id) * 2 + TokenEstimate.ofText(name + json + answer), tokensPerMessage + TokenEstimate.ofText(said))

/** The items in the order of a request; see `ChatRequest.messages`. */
const itemsOf = (history: ReadonlyArray<Message>, exchanges: ReadonlyArray<ToolExchange>): ReadonlyArray<Item> => {
  const items: Array<Item> = []
  for (let at = 0; at <= history.length; at++) {
    for (const exchange of exchanges) {
      if (Math.min(exchange.at, history.length) === at) items.push({ _tag: "Exchange", exchange, tokens: tokensOf(exchange) })
    }
    const message = history.at(at)
    if (at < history.length && message !== undefined) items.push({ _tag: "Message", message, at, tokens: tokensPerMessage + TokenEstimate.ofText(message.text) })
  }
  return items
}

const isCaller = (item: Item): boolean => item._tag === "Message" && item.message.role === "caller"

const beginningLeftOut = "The call began earlier. The words before this point are left out."

/**
 * The most characters of a call's arguments in the note, and of its answer. The first of these lengths with which all calls fit is used.
 * If the calls do not fit even with the last length, only the newest calls are listed.
 */
const noteLengths = [200, 100, 50] as const

/** The note's largest share of the history's room. */
const maxNoteShare = 0.25

const clip = (text: string, length: number): string => text.length <= length ? text : `${text.slice(0, length)}…`

/** A line for each call of a tool with an effect. */
const noteLines = (items: ReadonlyArray<Item>, length: number, isRepeatable: (tool: string) => boolean): ReadonlyArray<string> =>
  items.flatMap((item) => item._tag === "Message" ? [] : item.exchange.calls.flatMap(({ answer, arguments: json, name }) =>
    name === "" || isRepeatable(name) ? [] : [`${name} ${clip(json, length)}: ${clip(answer, length)}`]))

/** The newest lines that fit into this many tokens. */
const newestLines = (lines: ReadonlyArray<string>, tokens: number): ReadonlyArray<string> => {
  let left = tokens
  const older = lines.findLastIndex((line) => (left -= TokenEstimate.ofText(line)) < 0)
  return lines.slice(older + 1)
}

const noteOf = (dropped: ReadonlyArray<Item>, room: HistoryRoom, isRepeatable: (tool: string) => boolean): string => {
  let lines: ReadonlyArray<string> = []
  for (const length of noteLengths) {
    const all = noteLines(dropped, length, isRepeatable)
    lines = newestLines(all, maxNoteShare * room.maxTokens)
    if (lines.length === all.length) break
  }
  return lines.length === 0 ? `(${beginningLeftOut})` : `(${beginningLeftOut} Earlier tool calls, with their answers:\n${lines.join("\n")})`
}

/** The index of the first item that is kept. It is found by computing the cuts of all requests of the call so far. */
const cutOf = (items: ReadonlyArray<Item>, room: HistoryRoom, isRepeatable: (tool: string) => boolean): number => {
  let cut = 0
  let size = 0
  let noteSize = 0
  for (const [at, item] of items.entries()) {
    size += item.tokens
    // Each message of the caller and each exchange was followed by a request.
    if (!isCaller(item) && item._tag !== "Exchange") continue
    if (size + noteSize <= room.maxTokens) continue
    // The cut moves to the caller's first words from which the rest fits into `maxTokensAfterCut`, but not past the caller's newest words.
    let sizeFromNext = size
    for (let next = cut; next <= at; next++) {
      if (next > cut && isCaller(items[next])) {
        const isNewest = !items.slice(next + 1, at + 1).some(isCaller)
        if (isNewest || sizeFromNext <= room.maxTokensAfterCut) {
          const note = TokenEstimate.ofText(noteOf(items.slice(0, next), room, isRepeatable))
          if (isNewest || sizeFromNext + note <= room.maxTokensAfterCut) {
            cut = next
            size = sizeFromNext
            noteSize = note
            break
          }
        }
      }
      sizeFromNext -= items[next].tokens
    }
  }
  return cut
}

/** Characters that a shortened answer of a tool always keeps. */
const minAnswerCharacters = 100

/** Cuts the longest answers of tools, so that all answers together have `excess` tokens less. */
const shortenAnswers = (exchanges: ReadonlyArray<ToolExchange>, excess: number): ReadonlyArray<ToolExchange> => {
  const answers = exchanges.flatMap(({ calls }) => calls.map(({ answer }) => TokenEstimate.ofText(answer)))
  const room = Math.max(0, answers.reduce((sum, tokens) => sum + tokens, 0) - excess)
  // All answers that are cut get the same length in tokens (`share`), the longest with which all answers fit. Shorter answers stay whole.
  let share = room
  for (let ascending = answers.toSorted((a, b) => a - b), whole = 0; ascending.length > 0; whole += ascending[0], ascending = ascending.slice(1)) {
    share = (room - whole) / ascending.length
    if (share <= ascending[0]) break
  }
  return exchanges.map((exchange) => ({
    ...exchange,
    calls: exchange.calls.map((call) => {
      const tokens = TokenEstimate.ofText(call.answer)
      return tokens <= share ? call : { ...call, answer: clip(call.answer, Math.max(minAnswerCharacters, Math.floor(call.answer.length * share / tokens))) }
    }) as unknown as ToolExchange["calls"]
  }))
}

/**
 * The newest part of a call that fits into the room; the whole call if the room is unknown. `isRepeatable`: whether the tool only looks
 * something up. Then the note need not mention its calls.
 */
export const keep = (
  history: ReadonlyArray<Message>,
  exchanges: ReadonlyArray<ToolExchange>,
  room: HistoryRoom | undefined,
  isRepeatable: (tool: string) => boolean
): KeptHistory => {
  if (room === undefined) return { history, exchanges, dropped: 0 }
  const items = itemsOf(history, exchanges)
  const cut = cutOf(items, room, isRepeatable)
  const keptItems = items.slice(cut)
  const [first] = keptItems
  const dropped = cut === 0 || first._tag !== "Message" ? 0 : first.at
  const keptExchanges = keptItems.flatMap((item) => item._tag === "Exchange" ? [item.exchange] : [])
  const note = cut === 0 ? undefined : noteOf(items.slice(0, cut), room, isRepeatable)
  const excess = keptItems.reduce((sum, { tokens }) => sum + tokens, TokenEstimate.ofText(note ?? "")) - room.maxTokens
  const fitting = excess > 0 ? shortenAnswers(keptExchanges, excess) : keptExchanges
  return {
    history: history.slice(dropped),
    exchanges: fitting.map((exchange) => dropped === 0 ? exchange : { ...exchange, at: Math.min(exchange.at, history.length) - dropped }),
    dropped,
    ...note === undefined ? {} : { note }
  }
}
