/**
 * The signs by which a chat template ends a turn and begins the next. A server with the wrong template lets them
 * through, and the model then plays the caller's part. Behind the end of its turn nothing it writes is the agent's.
 *
 * The sign that begins the agent's own turn is left out where nothing was said yet, and is an end elsewhere. All other
 * signs (`<s>`, `<|vision_pad|>`) are left out.
 */
import { couldBecome, type Found, isLineStart, nothing, type Place, type OutputRule, taken, wait } from "./OutputRule.ts"

/** The end of a turn, by the names between the signs `<|` and `|>`. */
const endNames = new RegExp(
  "^(?:im_end|eo[stm](?:_id)?|end|return|endof(?:text|turn|sentence|prompt|utterance)|"
    + "end[_▁]?of[_▁]?(?:text|turn|sentence|message|response|utterance|assistant|solution|document)(?:[_▁]token)?|"
    + "(?:end_of_turn|eos|eot)_token|end_response|user|system|observation|tool|tool_response|tool_output|environment|ipython|human)$",
  "i"
)

const special = /^<[|｜]([^|｜<>\s]{1,40})(?:[|｜]>|>)/
const partOfSpecial = /^<[|｜][^|｜<>\s]{0,40}[|｜]?$/

const plainEnds = ["<end_of_turn>", "<eos>", "<turn|>", "<end_of_utterance>", "<|turn|>", "[eos]"]
const plainDropped = [
  "<bos>", "<pad>", "<unk>", "<channel|>", "[/inst]", "[bos]", "[/tool_calls]", "<answer>", "</answer>", "<final_answer>", "</final_answer>", "<response>",
  "</response>", "<reply>", "</reply>"
]

/** What begins a turn, and what may close the name of its role. */
const turnBegins = ["<start_of_turn>", "<|im_start|>", "<|start_header_id|>", "<|turn>", "<|start_of_role|>", "<|header_start|>", "<|role_start|>"]
const turnBegun = /^(?:<start_of_turn>|<\|im_start\|>|<\|start_header_id\|>|<\|turn>|<\|start_of_role\|>|<\|header_start\|>|<\|role_start\|>)/i
const roleBehind = /^[^\S\n]*([a-z]*)(?:[^\S\n]*(?:<\|(?:end_header_id|end_of_role|header_end|role_end|im_sep|message)\|>|\n))?/i
const partOfRole = /^[^\S\n]*[a-z]{0,12}[^\S\n]*(?:<[^<>]{0,20})?$/i

const ownRoles = new Set(["assistant", "model", "bot", "agent", ""])
const ownSigns = new Set(["assistant", "bot", "model"])

const userSigns = ["[inst]"]

/** `<s>` is a beginning, `</s>` an end, unless both are the strikethrough of HTML. */
const strikes = ["<s>", "</s>"]

const turn = (place: Place): Found => {
  const { isLast, rest } = place
  const begun = turnBegun.exec(rest)
  if (begun === null) return nothing
  const behind = rest.slice(begun[0].length)
  if (!isLast && partOfRole.test(behind)) return wait
  const [text, role] = roleBehind.exec(behind) ?? ["", ""]
  return place.isUnsaid && ownRoles.has(role.toLowerCase()) ? taken(begun[0].length + text.length) : taken(rest.length, { isEnd: true })
}

const ending: OutputRule["look"] = (place) => {
  const { isLast, rest } = place
  const begun = turn(place)
  if (begun._tag !== "Nothing") return begun
  const start = rest.slice(0, 24).toLowerCase()
  if (plainEnds.some((sign) => start.startsWith(sign)) || userSigns.some((sign) => start.startsWith(sign))) return taken(rest.length, { isEnd: true })
  const dropped = plainDropped.find((sign) => start.startsWith(sign))
  if (dropped !== undefined) return taken(dropped.length)
  const named = special.exec(rest)
  if (named !== null) {
    const name = named[1].toLowerCase()
    if (ownSigns.has(name)) return place.isUnsaid ? taken(named[0].length) : taken(rest.length, { isEnd: true })
    return endNames.test(name) ? taken(rest.length, { isEnd: true }) : taken(named[0].length)
  }
  const signs = [...plainEnds, ...plainDropped, ...turnBegins, ...userSigns]
  const isPart = partOfSpecial.test(rest) || rest.length > 1 && couldBecome(rest, signs)
  if (isPart || !isLast && couldBecome(rest, signs)) return isLast ? rest.length > 1 ? taken(rest.length) : nothing : wait
  return nothing
}

export const rule: OutputRule = {
  name: "end",
  look: (place) => /^[<[]/.test(place.rest) ? ending(place) : nothing
}

/** `</s>` ends the reply, unless a strikethrough of HTML was begun. */
export const strikethrough: OutputRule = {
  name: "strikethrough",
  look: ({ isLast, isStruck, rest }) => {
    const start = rest.slice(0, 4).toLowerCase()
    if (start.startsWith("<s>")) return taken(3, { isStruck: true })
    if (start === "</s>") return isStruck ? taken(4) : taken(rest.length, { isEnd: true })
    if (!couldBecome(start, strikes) || isLast && rest.length < 2) return nothing
    return isLast ? taken(rest.length) : wait
  }
}

const roles = ["user", "assistant", "model", "system", "ipython"]

/**
 * A role's name alone on its line, as it stays where a server leaves out the signs around it: Llama 3's
 * `…at nine.assistant\n\n`, Gemma's `\nuser\n`.
 */
export const roleLine: OutputRule = {
  name: "role",
  look: (place) => {
    const { before, isLast, rest } = place
    if (!isLineStart(place) && !/[.!?…。！？]["'”’)]*$/.test(before)) return nothing
    const role = roles.find((name) => rest.startsWith(name))
    if (role === undefined) return !isLast && roles.some((name) => name.startsWith(rest)) ? wait : nothing
    const behind = rest.slice(role.length)
    if (/^[^\S\n]*$/.test(behind)) return isLast ? (place.isUnsaid ? nothing : taken(rest.length, { isEnd: true })) : wait
    const [blank] = /^[^\S\n]*\n/.exec(behind) ?? []
    if (blank === undefined) return nothing
    return place.isUnsaid && (role === "assistant" || role === "model") ? taken(role.length + blank.length) : taken(rest.length, { isEnd: true })
  }
}
