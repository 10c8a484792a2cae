/**
 * What of a long call is told to the model: the newest turns, as many as its window has room for.
 *
 * - The cut moves rarely and far: above `Acoustics.full` the oldest turns go until `Acoustics.afterDrop`. In between each request
 *   begins as the one before, so that the server's prefix cache holds.
 * - The cut follows from the history alone: each request walks through the call as the earlier requests did.
 * - It stands before words of the caller. A tool's call and its answer are one item, and stay or go together.
 * - A note in front says that something was left out, and what tools with an effect have done meanwhile: a booking that the
 *   model does not know of is made twice.
 *
 * Pure.
 */
import type { Message } from "../../../../conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../../conversation/ports/Tools.ts"
import type { Room } from "./PromptBudget.ts"
import * as TokenEstimate from "./TokenEstimate.ts"

/** What is told to the model. */
export interface Kept {
  readonly history: ReadonlyArray<Message>
  /** Their `at` counts from the first message that is kept. */
  readonly exchanges: ReadonlyArray<ToolExchange>
  /** Stands before the history where something was left out of it. */
  readonly note?: string
  /** Messages of the call that were left out. */
  readonly dropped: number
}

type Item =
  | { readonly _tag: "Message"; readonly message: Message; readonly at: number; readonly tokens: number }
  | { readonly _tag: "Exchange"; readonly exchange: ToolExchange; readonly tokens: number }

/** What a template puts around a message; see `TokenEstimate`. A call and its answer have two of them. */
const perMessage = TokenEstimate.ofMessage({ role: "user", content: "" })

/** The names of the fields around a tool's call. */
const perCall = 30

const sizeOf = ({ calls, said }: ToolExchange): number =>
  calls.reduce((sum, { answer, arguments: json, id, name }) =>
    sum + perMessage + perCall + TokenEstimate.ofText(id) * 2 + TokenEstimate.ofText(name + json + answer), perMessage + TokenEstimate.ofText(said))

/** In the order in which they stand in a request; see `ChatRequest.messages`. */
const itemsOf = (history: ReadonlyArray<Message>, exchanges: ReadonlyArray<ToolExchange>): ReadonlyArray<Item> => {
  const items: Array<Item> = []
  for (let at = 0; at <= history.length; at++) {
    for (const exchange of exchanges) {
      if (Math.min(exchange.at, history.length) === at) items.push({ _tag: "Exchange", exchange, tokens: sizeOf(exchange) })
    }
    const message = history.at(at)
    if (at < history.length && message !== undefined) items.push({ _tag: "Message", message, at, tokens: perMessage + TokenEstimate.ofText(message.text) })
  }
  return items
}

const isCaller = (item: Item): boolean => item._tag === "Message" && item.message.role === "caller"

const leftOut = "The call began earlier; what was said before this is left out here."

/** Characters of each call, and of each answer, in the note: the first length with which all fit, else the newest calls with the last. */
const notedLengths = [200, 100, 50] as const

/** Of the history's room, for the note at most. */
const noteShare = 0.25

const clipped = (text: string, length: number): string => text.length <= length ? text : `${text.slice(0, length)}…`

/** What calls with an effect have done, in a line each. */
const linesOf = (items: ReadonlyArray<Item>, length: number, isRepeatable: (tool: string) => boolean): ReadonlyArray<string> =>
  items.flatMap((item) => item._tag === "Message" ? [] : item.exchange.calls.flatMap(({ answer, arguments: json, name }) =>
    name === "" || isRepeatable(name) ? [] : [`${name} ${clipped(json, length)}: ${clipped(answer, length)}`]))

/** The newest lines that fit. */
const newestOf = (lines: ReadonlyArray<string>, tokens: number): ReadonlyArray<string> => {
  let left = tokens
  const older = lines.findLastIndex((line) => (left -= TokenEstimate.ofText(line)) < 0)
  return lines.slice(older + 1)
}

const noteOf = (dropped: ReadonlyArray<Item>, room: Room, isRepeatable: (tool: string) => boolean): string => {
  let lines: ReadonlyArray<string> = []
  for (const length of notedLengths) {
    const all = linesOf(dropped, length, isRepeatable)
    lines = newestOf(all, noteShare * room.full)
    if (lines.length === all.length) break
  }
  return lines.length === 0 ? `(${leftOut})` : `(${leftOut} Asked of tools before, with their answers:\n${lines.join("\n")})`
}

/** The first item that is kept, after the walk through all requests of the call so far. */
const cutOf = (items: ReadonlyArray<Item>, room: Room, isRepeatable: (tool: string) => boolean): number => {
  let cut = 0
  let size = 0
  let noteSize = 0
  for (const [at, item] of items.entries()) {
    size += item.tokens
    // The model was asked behind each of these.
    if (!isCaller(item) && item._tag !== "Exchange") continue
    if (size + noteSize <= room.full) continue
    let rest = size
    for (let next = cut; next <= at; next++) {
      if (next > cut && isCaller(items[next])) {
        const isNewest = !items.slice(next + 1, at + 1).some(isCaller)
        if (isNewest || rest <= room.afterDrop) {
          const note = TokenEstimate.ofText(noteOf(items.slice(0, next), room, isRepeatable))
          if (isNewest || rest + note <= room.afterDrop) {
            cut = next
            size = rest
            noteSize = note
            break
          }
        }
      }
      rest -= items[next].tokens
    }
  }
  return cut
}

/** Characters of an answer at least, where all of what is kept does not fit. */
const shortestAnswer = 100

/** The answers of tools, each with no more than an equal share of what is over its room. */
const shortened = (exchanges: ReadonlyArray<ToolExchange>, over: number): ReadonlyArray<ToolExchange> => {
  const answers = exchanges.flatMap(({ calls }) => calls.map(({ answer }) => TokenEstimate.ofText(answer)))
  const room = Math.max(0, answers.reduce((sum, tokens) => sum + tokens, 0) - over)
  // The longest are cut to one length: as many tokens each as all of them fit with.
  let share = room
  for (let longest = answers.toSorted((a, b) => a - b), before = 0; longest.length > 0; before += longest[0], longest = longest.slice(1)) {
    share = (room - before) / longest.length
    if (share <= longest[0]) break
  }
  return exchanges.map((exchange) => ({
    ...exchange,
    calls: exchange.calls.map((call) => {
      const tokens = TokenEstimate.ofText(call.answer)
      return tokens <= share ? call : { ...call, answer: clipped(call.answer, Math.max(shortestAnswer, Math.floor(call.answer.length * share / tokens))) }
    }) as unknown as ToolExchange["calls"]
  }))
}

/** The newest part of a call that fits; all of it where nothing is known of the window. `isRepeatable`: the tool only looks up. */
export const keep = (
  history: ReadonlyArray<Message>,
  exchanges: ReadonlyArray<ToolExchange>,
  room: Room | undefined,
  isRepeatable: (tool: string) => boolean
): Kept => {
  if (room === undefined) return { history, exchanges, dropped: 0 }
  const items = itemsOf(history, exchanges)
  const cut = cutOf(items, room, isRepeatable)
  const rest = items.slice(cut)
  const [first] = rest
  const dropped = cut === 0 || first._tag !== "Message" ? 0 : first.at
  const kept = rest.flatMap((item) => item._tag === "Exchange" ? [item.exchange] : [])
  const note = cut === 0 ? undefined : noteOf(items.slice(0, cut), room, isRepeatable)
  const over = rest.reduce((sum, { tokens }) => sum + tokens, TokenEstimate.ofText(note ?? "")) - room.full
  const fitting = over > 0 ? shortened(kept, over) : kept
  return {
    history: history.slice(dropped),
    exchanges: fitting.map((exchange) => dropped === 0 ? exchange : { ...exchange, at: Math.min(exchange.at, history.length) - dropped }),
    dropped,
    ...note === undefined ? {} : { note }
  }
}
