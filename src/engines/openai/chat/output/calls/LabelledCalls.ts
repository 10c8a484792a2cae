/**
 * Tool calls with labels, the form of early agents (ReAct, Qwen-Agent):
 *
 *     Action: transfer
 *     Action Input: {"to": "billing"}
 *
 * The labels count only at the beginning of a line, and only for known tools.
 */
import * as CallBody from "./CallBody.ts"
import { isPrefixOfAny, isLineStart, noMatch, type OutputRule, match, toPieces, needsMore } from "../OutputRule.ts"

const nameLabels = ["action:", "✿function✿:"]
/** Both labels and the name, up to the arguments. */
const callHead = /^(?:action|✿function✿):[^\S\n]*([\w.-]+)[^\S\n]*\n\s*(?:action input|✿args✿):\s*(?=\{)/i
const partOfCallHead = /^(?:action|✿function✿):[^\S\n]*(?:([\w.-]+)[^\S\n]*(?:\n\s*([a-z ✿]*):?\s*)?)?$/i

export const rule: OutputRule = (place) => {
  const { isComplete, rest, tools } = place
  if (!/^[a✿]/i.test(rest) || !isLineStart(place)) return noMatch
  if (isPrefixOfAny(rest, nameLabels)) return isComplete ? noMatch : needsMore
  const [head, name] = callHead.exec(rest) ?? []
  if (head === undefined || name === undefined) {
    const [found, called, label = ""] = partOfCallHead.exec(rest) ?? []
    if (found === undefined || !isPrefixOfAny(label, ["action input:", "✿args✿:"]) && !/^(?:action input|✿args✿)$/i.test(label)) return noMatch
    if (!isComplete) return needsMore
    return called !== undefined && tools.find(called) !== undefined ? match(rest.length, { pieces: [{ _tag: "DroppedCall", format: "labels" }] }) : noMatch
  }
  if (tools.find(name) === undefined) return noMatch
  const text = `${name} ${rest.slice(head.length)}`
  const body = isComplete ? CallBody.readLast(text, tools) : CallBody.read(text, tools, { once: true })
  if (body._tag === "Calls") return match(head.length + Math.max(0, body.end - name.length - 1), { pieces: toPieces(body.calls, tools, "labels") })
  const dropped = [{ _tag: "DroppedCall", format: "labels" }] as const
  return isComplete ? match(rest.length, { pieces: dropped }) : body._tag === "Unreadable" ? match(head.length, { pieces: dropped }) : { _tag: "NeedsMore", ifTooLong: match(head.length, { pieces: dropped }) }
}
