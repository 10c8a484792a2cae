/**
 * The channels of gpt-oss ("harmony"), as a server that does not know them lets them through:
 *
 *     <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>We open at nine.<|return|>
 *     <|channel|>commentary to=functions.transfer <|constrain|>json<|message|>{"to":"billing"}<|call|>
 *
 * and what is left of it where only the signs are left out: `analysisThe caller asks …assistantfinalWe open at nine.`
 *
 * https://developers.openai.com/cookbook/articles/openai-harmony
 */
import * as CallBody from "./calls/CallBody.ts"
import { couldBecome, type Found, nothing, type Place, type OutputRule, type Skip, taken, toPieces, wait, waitFor } from "./OutputRule.ts"

/** A message of thoughts ends with any sign of the next; its own end is taken. */
const thoughtEnd: Skip = { end: /<\|end\|>|(?=<\|(?:start|channel|call|return)\|>)/i, longest: 12 }

/** The same without signs. */
const plainThoughtEnd: Skip = { end: /(?=assistant(?:final|commentary))|<\|end\|>|(?=<\|(?:start|channel|return)\|>)/i, longest: 20 }

/** What a message that calls ends with. */
const callEnd = /<\|(?:call|end|return)\|>|(?=<\|(?:start|channel)\|>)/i

/** Characters between a channel's sign and its message. */
const longestHead = 160

/** What ends a head: the channel, who is meant, the type of what comes. */
const nextSign = /<\|(?:message|end|start|return|call|channel)\|>/i
const recipient = /\bto=([\w.:-]+)/

const signs = ["<|channel|>", "<|start|>", "<|message|>", "<|constrain|>", "<|call|>", "<|end|>"]

/** The arguments of a call, whose name stood in its head. */
const call = (place: Place, from: number, name: string): Found => {
  const { isLast, rest, tools } = place
  const dropped = { _tag: "Dropped", format: "harmony" } as const
  const body = rest.slice(from)
  const end = callEnd.exec(body)
  const text = `${name} ${end === null ? body : body.slice(0, end.index)}`
  const first = CallBody.read(text, tools, { once: true })
  if (first._tag === "Calls") return taken(from + Math.max(0, first.end - name.length - 1), { pieces: toPieces(first.calls, tools, "harmony"), channel: "call" })
  const otherwise = taken(from, { pieces: [dropped], skip: { end: callEnd, longest: 12 }, channel: "call" })
  if (first._tag === "Unreadable") return otherwise
  if (end !== null || isLast) {
    const last = end === null ? CallBody.readLast(text, tools) : CallBody.read(text, tools, { isClosed: true })
    const pieces = toPieces(last.calls, tools, "harmony")
    const length = end === null ? rest.length : from + end.index + end[0].length
    return taken(length, { pieces: last._tag === "Calls" ? pieces : [...pieces, dropped], channel: "call" })
  }
  return { _tag: "Wait", otherwise }
}

const channel = (place: Place): Found => {
  const { isLast } = place
  const rest = place.rest.slice(0, longestHead)
  const next = nextSign.exec(rest.slice(1))
  if (next === null && !isLast && rest.length < longestHead) return wait
  // A head without its end is over with its word.
  const hasMessage = next?.[0].toLowerCase() === "<|message|>"
  const head = rest.slice("<|channel|>".length, next === null ? undefined : next.index + 1)
  const name = /^\s*([a-z]*)/i.exec(head)?.[0] ?? ""
  const length = "<|channel|>".length + (hasMessage ? head.length + "<|message|>".length : name.length)
  const [, to] = recipient.exec(head) ?? []
  if (to !== undefined) return call(place, hasMessage ? length : "<|channel|>".length + head.indexOf(to) + to.length, to)
  const channel = name.trim().toLowerCase()
  return channel === "analysis" ? taken(length, { skip: thoughtEnd, isThought: true, channel }) : taken(length, { channel })
}

const start = (place: Place): Found => {
  const { isLast, rest } = place
  const behind = rest.slice("<|start|>".length)
  if (!isLast && /^\s*[a-z]{0,12}$/i.test(behind)) return wait
  const [text, role] = /^\s*([a-z]*)/i.exec(behind) ?? ["", ""]
  switch (role.toLowerCase()) {
    case "assistant":
      return taken("<|start|>".length + text.length)
    case "user":
    case "system":
    case "developer":
    case "functions":
    case "tool":
      return taken(rest.length, { isEnd: true })
    default:
      return taken("<|start|>".length)
  }
}

const isOpenChannel = ({ channel }: Place): boolean => channel === "commentary" || channel === "analysis" || channel === "call"

export const rule: OutputRule = {
  name: "harmony",
  look: (place) => {
    const { rest } = place
    if (!rest.startsWith("<")) return nothing
    const sign = rest.slice(0, 14).toLowerCase()
    if (sign.startsWith("<|channel|>")) return channel(place)
    if (sign.startsWith("<|start|>")) return start(place)
    if (sign.startsWith("<|message|>")) return taken("<|message|>".length)
    if (sign.startsWith("<|constrain|>")) return taken("<|constrain|>".length)
    if (sign.startsWith("<|call|>")) return taken("<|call|>".length)
    // The end of a message that announces a call, or of a thought, is not the reply's.
    if (sign.startsWith("<|end|>")) return isOpenChannel(place) ? taken("<|end|>".length) : nothing
    return waitFor(place, signs)
  }
}

const glued = ["assistantfinal", "assistantanalysis", "assistantcommentary"]
const recipients = ["", "commentary ", "analysis ", "assistant ", "assistantcommentary ", "assistantanalysis "].flatMap((word) =>
  [`${word}to=functions.`, `${word}to=function.`]
)

const addressed = /^(?:(?:commentary|analysis|assistant|assistantcommentary|assistantanalysis) )?to=functions?\.([\w.-]*)/

/** Between the name and the arguments: a channel, a type, and what is left of their signs. */
const headBehind = /^\s*(?:(?:<\|channel\|>)?(?:commentary|analysis))?\s*(?:<\|constrain\|>)?\s*(?:json|code)?\s*(?:<\|message\|>)?\s*/
/** The same, not yet whole. */
const partOfHead = /^\s*(?:<\|channel\|>)?\s*[a-z]{0,12}\s*(?:<\|constrain\|>)?\s*[a-z]{0,8}\s*(?:<[|a-z]{0,12})?$/

const addressedCall = (place: Place, length: number, name: string): Found => {
  const { isLast, rest } = place
  if (name === "") return taken(length, { pieces: [{ _tag: "Dropped", format: "harmony" }] })
  const behind = rest.slice(length)
  const otherwise = taken(length, { pieces: [{ _tag: "Dropped", format: "harmony" }], skip: { end: callEnd, longest: 12 }, channel: "call" })
  if (!isLast && partOfHead.test(behind)) return { _tag: "Wait", otherwise }
  return call(place, length + (headBehind.exec(behind)?.[0].length ?? 0), name)
}

/** `to=functions.transfer json{…}`, and the words of heads between messages, where the signs are left out. */
export const plain: OutputRule = {
  name: "harmony-plain",
  look: (place) => {
    const { before, isLast, isUnsaid, rest } = place
    const [length, name] = (([whole, name]) => [whole?.length ?? 0, name] as const)(addressed.exec(rest) ?? [])
    if (name !== undefined) return length === rest.length && !isLast ? wait : addressedCall(place, length, name)
    if (!isLast && couldBecome(rest, recipients) && rest === rest.toLowerCase()) return wait
    if (rest.startsWith("assistantfinal")) return isUnsaid ? taken("assistantfinal".length, { channel: "final" }) : taken(rest.length, { isEnd: true })
    if (rest.startsWith("assistantanalysis")) return taken("assistantanalysis".length, { skip: plainThoughtEnd, isThought: true })
    const [commentary] = /^assistantcommentary(?=[A-Z"'“(\d])/.exec(rest) ?? []
    if (commentary !== undefined) return taken(commentary.length, { channel: "commentary" })
    if (isUnsaid && before.trim() === "") {
      const [first] = /^(?:analysis|final|commentary)(?=[A-Z"'“(\d])/.exec(rest) ?? []
      if (first === "analysis") return taken(first.length, { skip: plainThoughtEnd, isThought: true })
      if (first !== undefined) return taken(first.length, { channel: first })
      if (!isLast && ["analysis", "final", "commentary"].some((word) => word.startsWith(rest))) return wait
    }
    if (isLast) return rest.includes("=") && couldBecome(rest, recipients) ? taken(rest.length) : nothing
    return couldBecome(rest, glued) && rest === rest.toLowerCase() || rest === "assistantcommentary" ? wait : nothing
  }
}
