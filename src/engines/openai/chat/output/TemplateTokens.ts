/**
 * The special tokens by which a chat template ends a turn and begins the next:
 *
 *     We open at nine.<|im_end|>
 *     <|im_start|>user
 *     And on Sunday?
 *
 * A server with the wrong template leaves these tokens in the text, and then the model also writes the caller's next turn. So text after
 * the end of the model's turn is ignored. A token that begins the model's own turn ends the text, too, unless the reply is still empty.
 * Other special tokens (`<s>`, `<|vision_pad|>`) are left out.
 */
import { isPrefixOfAny, isLineStart, match, needsMore, noMatch, type OutputRule } from "./OutputRule.ts"

/** Names between `<|` and `|>` that end the model's turn, or begin the turn of another role. */
const turnEndNames = new RegExp(
  "^(?:im_end|eo[stm](?:_id)?|end|return|endof(?:text|turn|sentence|prompt|utterance)|"
    + "end[_▁]?of[_▁]?(?:text|turn|sentence|message|response|utterance|assistant|solution|document)(?:[_▁]token)?|"
    + "(?:end_of_turn|eos|eot)_token|end_response|user|system|observation|tool|tool_response|tool_output|environment|ipython|human)$",
  "i"
)

/** Names between `<|` and `|>` that begin the model's own turn. */
const ownTurnNames = new Set(["assistant", "bot", "model"])

const namedToken = /^<[|｜]([^|｜<>\s]{1,40})(?:[|｜]>|>)/
const partOfNamedToken = /^<[|｜][^|｜<>\s]{0,40}[|｜]?$/

/** Tokens in other forms that end the model's turn. */
const turnEnds = ["<end_of_turn>", "<eos>", "<turn|>", "<end_of_utterance>", "<|turn|>", "[eos]", "[inst]"]
/** Tokens that are left out. The text goes on after them. */
const leftOutTokens = [
  "<bos>", "<pad>", "<unk>", "<channel|>", "[/inst]", "[bos]", "[/tool_calls]", "<answer>", "</answer>", "<final_answer>", "</final_answer>", "<response>",
  "</response>", "<reply>", "</reply>"
]

/** Tokens that begin a turn. The name of the turn's role follows them. */
const turnStarts = ["<start_of_turn>", "<|im_start|>", "<|start_header_id|>", "<|turn>", "<|start_of_role|>", "<|header_start|>", "<|role_start|>"]
const turnStart = /^(?:<start_of_turn>|<\|im_start\|>|<\|start_header_id\|>|<\|turn>|<\|start_of_role\|>|<\|header_start\|>|<\|role_start\|>)/i
/** The name of the role, with the token or the line end after it. */
const roleName = /^[^\S\n]*([a-z]*)(?:[^\S\n]*(?:<\|(?:end_header_id|end_of_role|header_end|role_end|im_sep|message)\|>|\n))?/i
const partOfRoleName = /^[^\S\n]*[a-z]{0,12}[^\S\n]*(?:<[^<>]{0,20})?$/i
const ownRoles = new Set(["assistant", "model", "bot", "agent", ""])

const turnStartRule: OutputRule = ({ isComplete, isReplyEmpty, rest }) => {
  const start = turnStart.exec(rest)
  if (start === null) return noMatch
  const textAfter = rest.slice(start[0].length)
  if (!isComplete && partOfRoleName.test(textAfter)) return needsMore
  const [text, role] = roleName.exec(textAfter) ?? ["", ""]
  return isReplyEmpty && ownRoles.has(role.toLowerCase()) ? match(start[0].length + text.length) : match(rest.length, { endsTurn: true })
}

const tokenRule: OutputRule = (place) => {
  const { isComplete, isReplyEmpty, rest } = place
  const turn = turnStartRule(place)
  if (turn._tag !== "NoMatch") return turn
  const start = rest.slice(0, 24).toLowerCase()
  if (turnEnds.some((token) => start.startsWith(token))) return match(rest.length, { endsTurn: true })
  const leftOut = leftOutTokens.find((token) => start.startsWith(token))
  if (leftOut !== undefined) return match(leftOut.length)
  const named = namedToken.exec(rest)
  if (named !== null) {
    const name = named[1].toLowerCase()
    if (ownTurnNames.has(name)) return isReplyEmpty ? match(named[0].length) : match(rest.length, { endsTurn: true })
    return turnEndNames.test(name) ? match(rest.length, { endsTurn: true }) : match(named[0].length)
  }
  const isPart = isPrefixOfAny(rest, [...turnEnds, ...leftOutTokens, ...turnStarts])
  if (!isComplete) return isPart || partOfNamedToken.test(rest) ? needsMore : noMatch
  // A single character at the end of a reply may be an ordinary character.
  return rest.length > 1 && (isPart || partOfNamedToken.test(rest)) ? match(rest.length) : noMatch
}

export const rule: OutputRule = (place) => /^[<[]/.test(place.rest) ? tokenRule(place) : noMatch

/** `<s>` begins a text and `</s>` ends the text, unless both are HTML's tags for strikethrough. */
const strikethroughTags = ["<s>", "</s>"]

/** `</s>` ends the turn, unless `<s>` has begun a strikethrough. */
export const strikethrough: OutputRule = ({ isComplete, isStrikethroughOpen, rest }) => {
  const start = rest.slice(0, 4).toLowerCase()
  if (start.startsWith("<s>")) return match(3, { isStrikethroughOpen: true })
  if (start === "</s>") return isStrikethroughOpen ? match(4) : match(rest.length, { endsTurn: true })
  if (!isPrefixOfAny(start, strikethroughTags) || isComplete && rest.length < 2) return noMatch
  return isComplete ? match(rest.length) : needsMore
}

const roles = ["user", "assistant", "model", "system", "ipython"]

/**
 * The rule for the name of a role that is alone on its line, because a server has removed the tokens around it: Llama 3's
 * `…at nine.assistant\n\n`, Gemma's `\nuser\n`.
 */
export const roleLine: OutputRule = (place) => {
  const { before, isComplete, isReplyEmpty, rest } = place
  if (!isLineStart(place) && !/[.!?…。！？]["'”’)]*$/.test(before)) return noMatch
  const role = roles.find((name) => rest.startsWith(name))
  if (role === undefined) return !isComplete && roles.some((name) => name.startsWith(rest)) ? needsMore : noMatch
  const textAfter = rest.slice(role.length)
  if (/^[^\S\n]*$/.test(textAfter)) return isComplete ? (isReplyEmpty ? noMatch : match(rest.length, { endsTurn: true })) : needsMore
  const [lineEnd] = /^[^\S\n]*\n/.exec(textAfter) ?? []
  if (lineEnd === undefined) return noMatch
  return isReplyEmpty && (role === "assistant" || role === "model") ? match(role.length + lineEnd.length) : match(rest.length, { endsTurn: true })
}
