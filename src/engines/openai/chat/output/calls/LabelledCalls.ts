/**
 * Calls whose parts stand behind labels, as agents of the first days were taught (ReAct, Qwen-Agent):
 *
 *     Action: transfer
 *     Action Input: {"to": "billing"}
 *
 * Only at the beginning of a line, and only of known tools.
 */
import * as CallBody from "./CallBody.ts"
import { couldBecome, isLineStart, nothing, type OutputRule, taken, toPieces, wait } from "../OutputRule.ts"

const labels = ["action:", "✿function✿:"]
const whole = /^(?:action|✿function✿):[^\S\n]*([\w.-]+)[^\S\n]*\n\s*(?:action input|✿args✿):\s*(?=\{)/i
const part = /^(?:action|✿function✿):[^\S\n]*(?:([\w.-]+)[^\S\n]*(?:\n\s*([a-z ✿]*):?\s*)?)?$/i

export const rule: OutputRule = {
  name: "labels",
  look: (place) => {
    const { isLast, rest, tools } = place
    if (!/^[a✿]/i.test(rest) || !isLineStart(place)) return nothing
    if (couldBecome(rest, labels)) return isLast ? nothing : wait
    const [head, name] = whole.exec(rest) ?? []
    if (head === undefined || name === undefined) {
      const [found, called, label = ""] = part.exec(rest) ?? []
      if (found === undefined || !couldBecome(label, ["action input:", "✿args✿:"]) && !/^(?:action input|✿args✿)$/i.test(label)) return nothing
      if (!isLast) return wait
      return called !== undefined && tools.find(called) !== undefined ? taken(rest.length, { pieces: [{ _tag: "Dropped", format: "labels" }] }) : nothing
    }
    if (tools.find(name) === undefined) return nothing
    const text = `${name} ${rest.slice(head.length)}`
    const body = isLast ? CallBody.readLast(text, tools) : CallBody.read(text, tools, { once: true })
    if (body._tag === "Calls") return taken(head.length + Math.max(0, body.end - name.length - 1), { pieces: toPieces(body.calls, tools, "labels") })
    const dropped = [{ _tag: "Dropped", format: "labels" }] as const
    return isLast ? taken(rest.length, { pieces: dropped }) : body._tag === "Unreadable" ? taken(head.length, { pieces: dropped }) : { _tag: "Wait", otherwise: taken(head.length, { pieces: dropped }) }
  }
}
