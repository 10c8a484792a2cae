/**
 * The channels of gpt-oss ("harmony"), if the server does not parse them. Each message has a head with the channel. The head of a tool call
 * also names the recipient, which is the tool:
 *
 *     <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>We open at nine.<|return|>
 *     <|channel|>commentary to=functions.transfer <|constrain|>json<|message|>{"to":"billing"}<|call|>
 *
 * Some servers remove only the special tokens. The words of the heads remain: `analysisThe caller asks …assistantfinalWe open …`
 *
 * https://developers.openai.com/cookbook/articles/openai-harmony
 */
import * as CallBody from "./calls/CallBody.ts"
import { isPrefixOfAny, type RuleResult, noMatch, type Place, type OutputRule, type Skip, match, toPieces, needsMore, awaitAny } from "./OutputRule.ts"

/** The end of a message of thoughts: its own end token, or a token of the next message, which stays in the text. */
const thoughtEnd: Skip = { end: /<\|end\|>|(?=<\|(?:start|channel|call|return)\|>)/i, maxEndLength: 12 }

/** The end of a message of thoughts whose special tokens are removed. */
const plainThoughtEnd: Skip = { end: /(?=assistant(?:final|commentary))|<\|end\|>|(?=<\|(?:start|channel|return)\|>)/i, maxEndLength: 20 }

/** The end of a message that calls a tool. */
const callEnd = /<\|(?:call|end|return)\|>|(?=<\|(?:start|channel)\|>)/i

/** The most characters of a head. */
const maxHeadCharacters = 160

/** The token after a head. */
const headEnd = /<\|(?:message|end|start|return|call|channel)\|>/i
const recipient = /\bto=([\w.:-]+)/

const specialTokens = ["<|channel|>", "<|start|>", "<|message|>", "<|constrain|>", "<|call|>", "<|end|>"]

/** A tool call. `from`: where its arguments begin. `name`: the recipient in its head. */
const call = (place: Place, from: number, name: string): RuleResult => {
  const { isComplete, rest, tools } = place
  const dropped = { _tag: "DroppedCall", format: "harmony" } as const
  const body = rest.slice(from)
  const end = callEnd.exec(body)
  const text = `${name} ${end === null ? body : body.slice(0, end.index)}`
  const first = CallBody.read(text, tools, { once: true })
  if (first._tag === "Calls") return match(from + Math.max(0, first.end - name.length - 1), { pieces: toPieces(first.calls, tools, "harmony"), channel: "call" })
  const ifTooLong = match(from, { pieces: [dropped], skip: { end: callEnd, maxEndLength: 12 }, channel: "call" })
  if (first._tag === "Unreadable") return ifTooLong
  if (end !== null || isComplete) {
    const last = end === null ? CallBody.readLast(text, tools) : CallBody.read(text, tools, { isClosed: true })
    const pieces = toPieces(last.calls, tools, "harmony")
    const length = end === null ? rest.length : from + end.index + end[0].length
    return match(length, { pieces: last._tag === "Calls" ? pieces : [...pieces, dropped], channel: "call" })
  }
  return { _tag: "NeedsMore", ifTooLong }
}

const channel = (place: Place): RuleResult => {
  const { isComplete } = place
  const rest = place.rest.slice(0, maxHeadCharacters)
  const next = headEnd.exec(rest.slice(1))
  if (next === null && !isComplete && rest.length < maxHeadCharacters) return needsMore
  // Without `<|message|>` the head is only the name of the channel.
  const hasMessage = next?.[0].toLowerCase() === "<|message|>"
  const head = rest.slice("<|channel|>".length, next === null ? undefined : next.index + 1)
  const name = /^\s*([a-z]*)/i.exec(head)?.[0] ?? ""
  const length = "<|channel|>".length + (hasMessage ? head.length + "<|message|>".length : name.length)
  const [, to] = recipient.exec(head) ?? []
  if (to !== undefined) return call(place, hasMessage ? length : "<|channel|>".length + head.indexOf(to) + to.length, to)
  const channel = name.trim().toLowerCase()
  return channel === "analysis" ? match(length, { skip: thoughtEnd, isThought: true, channel }) : match(length, { channel })
}

const start = (place: Place): RuleResult => {
  const { isComplete, rest } = place
  const textAfter = rest.slice("<|start|>".length)
  if (!isComplete && /^\s*[a-z]{0,12}$/i.test(textAfter)) return needsMore
  const [text, role] = /^\s*([a-z]*)/i.exec(textAfter) ?? ["", ""]
  switch (role.toLowerCase()) {
    case "assistant":
      return match("<|start|>".length + text.length)
    case "user":
    case "system":
    case "developer":
    case "functions":
    case "tool":
      return match(rest.length, { endsTurn: true })
    default:
      return match("<|start|>".length)
  }
}

const isOpenChannel = ({ channel }: Place): boolean => channel === "commentary" || channel === "analysis" || channel === "call"

export const rule: OutputRule = (place) => {
  const { rest } = place
  if (!rest.startsWith("<")) return noMatch
  const sign = rest.slice(0, 14).toLowerCase()
  if (sign.startsWith("<|channel|>")) return channel(place)
  if (sign.startsWith("<|start|>")) return start(place)
  if (sign.startsWith("<|message|>")) return match("<|message|>".length)
  if (sign.startsWith("<|constrain|>")) return match("<|constrain|>".length)
  if (sign.startsWith("<|call|>")) return match("<|call|>".length)
  // The end of a thought, or of a message before a call, does not end the reply.
  if (sign.startsWith("<|end|>")) return isOpenChannel(place) ? match("<|end|>".length) : noMatch
  return awaitAny(place, specialTokens)
}

/** Words of heads that are joined because the tokens between them are removed. */
const joinedHeads = ["assistantfinal", "assistantanalysis", "assistantcommentary"]
/** Heads with a recipient, up to its name. */
const recipientHeads = ["", "commentary ", "analysis ", "assistant ", "assistantcommentary ", "assistantanalysis "].flatMap((word) =>
  [`${word}to=functions.`, `${word}to=function.`]
)

const recipientHead = /^(?:(?:commentary|analysis|assistant|assistantcommentary|assistantanalysis) )?to=functions?\.([\w.-]*)/

/** The rest of a head between the recipient and the arguments: a channel, a type, and remaining tokens. */
const restOfHead = /^\s*(?:(?:<\|channel\|>)?(?:commentary|analysis))?\s*(?:<\|constrain\|>)?\s*(?:json|code)?\s*(?:<\|message\|>)?\s*/
/** The beginning of text that `restOfHead` matches. */
const partOfRestOfHead = /^\s*(?:<\|channel\|>)?\s*[a-z]{0,12}\s*(?:<\|constrain\|>)?\s*[a-z]{0,8}\s*(?:<[|a-z]{0,12})?$/

/** A call after a head of `length` characters. */
const callAfterHead = (place: Place, length: number, name: string): RuleResult => {
  const { isComplete, rest } = place
  if (name === "") return match(length, { pieces: [{ _tag: "DroppedCall", format: "harmony" }] })
  const textAfter = rest.slice(length)
  const ifTooLong = match(length, { pieces: [{ _tag: "DroppedCall", format: "harmony" }], skip: { end: callEnd, maxEndLength: 12 }, channel: "call" })
  if (!isComplete && partOfRestOfHead.test(textAfter)) return { _tag: "NeedsMore", ifTooLong }
  return call(place, length + (restOfHead.exec(textAfter)?.[0].length ?? 0), name)
}

/** The rule for the words of heads whose special tokens are removed: `to=functions.transfer json{…}`, `assistantfinal`. */
export const plain: OutputRule = (place) => {
  const { before, isComplete, isReplyEmpty, rest } = place
  const [head, name] = recipientHead.exec(rest) ?? []
  if (head !== undefined && name !== undefined) return head.length === rest.length && !isComplete ? needsMore : callAfterHead(place, head.length, name)
  if (!isComplete && isPrefixOfAny(rest, recipientHeads) && rest === rest.toLowerCase()) return needsMore
  if (rest.startsWith("assistantfinal")) return isReplyEmpty ? match("assistantfinal".length, { channel: "final" }) : match(rest.length, { endsTurn: true })
  if (rest.startsWith("assistantanalysis")) return match("assistantanalysis".length, { skip: plainThoughtEnd, isThought: true })
  const [commentary] = /^assistantcommentary(?=[A-Z"'“(\d])/.exec(rest) ?? []
  if (commentary !== undefined) return match(commentary.length, { channel: "commentary" })
  if (isReplyEmpty && before.trim() === "") {
    const [first] = /^(?:analysis|final|commentary)(?=[A-Z"'“(\d])/.exec(rest) ?? []
    if (first === "analysis") return match(first.length, { skip: plainThoughtEnd, isThought: true })
    if (first !== undefined) return match(first.length, { channel: first })
    if (!isComplete && ["analysis", "final", "commentary"].some((word) => word.startsWith(rest))) return needsMore
  }
  if (isComplete) return rest.includes("=") && isPrefixOfAny(rest, recipientHeads) ? match(rest.length) : noMatch
  return isPrefixOfAny(rest, joinedHeads) && rest === rest.toLowerCase() || rest === "assistantcommentary" ? needsMore : noMatch
}
