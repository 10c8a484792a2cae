/**
 * A request of `/chat/completions`: its system text, the conversation as chat messages, and its body. Pure.
 *
 * All servers get messages in the order that the strictest template, Gemma's, accepts: first the user, then assistant and user in turn.
 *
 * A request repeats the earlier requests of its call byte for byte and adds messages at their end. A server's cache can reuse only an
 * identical beginning: vLLM and SGLang in blocks of 16 tokens, llama.cpp by slot.
 */
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import type { Message } from "../../../conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../conversation/ports/Tools.ts"
import type { Dialect, OptionalField } from "./Dialect.ts"
import type { ModelActions, ToolDefinition } from "./ModelActions.ts"
import * as Thinking from "./Thinking.ts"

export interface Sampling {
  /** Tokens of spoken text. Default 200: about a minute of speech. */
  readonly maxTokens: number
  /** Tokens of thoughts, if the model thinks. Servers count them in the same limit. Default 1000. */
  readonly thinkingTokens?: number
  /** Default 0.7. */
  readonly temperature: number
}

export const defaultSampling = { maxTokens: 200, thinkingTokens: 1000, temperature: 0.7 } satisfies Sampling

interface ToolCallMessage {
  readonly id: string
  readonly type: "function"
  readonly function: { readonly name: string; readonly arguments: string }
}

export type ChatMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string | null; readonly tool_calls?: ReadonlyArray<ToolCallMessage> }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string }

/** The user message that asks for the rest of a sentence that the token limit cut off. */
const askForRest = "(Your answer was cut off. Continue with the very next word, and end the sentence within ten words.)"

/** The messages that ask the model to finish the sentence in which `text` breaks off. */
export const messagesForRest = (messages: ReadonlyArray<ChatMessage>, text: string): ReadonlyArray<ChatMessage> => [
  ...messages,
  { role: "assistant", content: withoutTemplateTokens(text) },
  { role: "user", content: askForRest }
]

/**
 * The user message that asks for the rest of an answer, if the call's stream was lost in the middle of the answer. The caller has heard
 * the beginning of the answer, or hears it now.
 */
const askToGoOn = "(The line was lost for a moment, and is back. The caller knows that, and has heard all of your words above. Say only the rest of your answer. If your answer is complete, say nothing.)"

/** The user message before a greeting, and the user message if the caller said nothing. */
const callBegins = "(The call begins.)"
const callerIsSilent = "(Silence.)"

/** The assistant message if the caller heard nothing of the reply to a tool's answer. */
const replyUnheard = "(Interrupted.)"

/** Special tokens of chat templates. Tokenizers recognize them inside of a message, too. */
const templateTokens = /<(?:start|end)_of_turn>|<\|[^|<>\s]{1,40}\|?>|<\/?s>|<[a-z]{1,20}\|>/gi

const withoutTemplateTokens = (text: string): string => text.replace(templateTokens, " ").trim()

/** A note before the caller's words. The model did not write the greeting, so it cannot know the unheard part. */
const greetingUnheard = (unheard: string, isPartlyHeard: boolean): string =>
  `(The caller has not heard ${isPartlyHeard ? "the rest of " : ""}your greeting: "${unheard}")`

const languages = new Intl.DisplayNames("en", { type: "language" })

/** The system text of an agent: the same bytes for each of its requests. */
export const systemText = (agent: Pick<AgentDefinition, "instructions" | "language">, actions: ModelActions, dialect: Dialect): string =>
  [
    agent.instructions.trim(),
    `You are on the telephone and speak ${languages.of(agent.language) ?? agent.language}. What you write is spoken aloud: no markup, lists, links or emojis.`,
    ...dialect.tools === "text" ? [actions.manual] : []
  ].join("\n\n")

/** Writes a call as an action line. A refused action line has no name, and its text is in `arguments`. */
const actionLine = ({ arguments: json, name }: ToolExchange["calls"][number]): string => name === "" ? `<<${json}>>` : `<<call:${name} ${json}>>`

const messagesOfExchange = ({ calls, said }: ToolExchange, dialect: Dialect): ReadonlyArray<ChatMessage> => {
  // A call without a name can't be repeated as a tool call.
  if (dialect.tools === "text" || calls.some(({ name }) => name === "")) {
    return [
      { role: "assistant", content: [said.trim(), ...calls.map(actionLine)].filter((line) => line !== "").join("\n") },
      { role: "user", content: calls.map(({ answer, name }) => name === "" ? `(${answer})` : `(Answer from ${name}: ${answer})`).join("\n") }
    ]
  }
  return [
    {
      role: "assistant",
      content: said.trim() === "" ? null : said.trim(),
      tool_calls: calls.map(({ arguments: json, id, name }) => ({ id, type: "function", function: { name, arguments: json } }))
    },
    ...calls.map(({ answer, id }): ChatMessage => ({ role: "tool", tool_call_id: id, content: answer }))
  ]
}

const isToolCall = (message: ChatMessage): boolean => "tool_calls" in message

/** Collects messages so that their turns suit the strictest template. */
class Turns {
  readonly messages: Array<ChatMessage> = []

  add(message: ChatMessage): void {
    const last = this.messages.at(-1)
    if (last === undefined && message.role === "assistant") this.messages.push({ role: "user", content: callBegins })
    // Templates without a tool role render a tool's answer as the user's turn.
    if (last?.role === "tool" && message.role === "user") this.messages.push({ role: "assistant", content: replyUnheard })
    if (
      last !== undefined && last.role === message.role && (message.role === "user" || message.role === "assistant") &&
      !isToolCall(last) && !isToolCall(message)
    ) this.messages[this.messages.length - 1] = { role: message.role, content: `${last.content}\n${message.content}` }
    else this.messages.push(message)
  }

  /** Adds `userMessage` unless the messages end with a user's turn or a tool's answer. Templates need one of these at the end. */
  end(userMessage: string): void {
    const last = this.messages.at(-1)
    if (last === undefined || last.role === "assistant" && !isToolCall(last)) this.messages.push({ role: "user", content: userMessage })
  }
}

interface MessagesOptions {
  /** A note in place of the beginning of the call, if the beginning was left out. */
  readonly note?: string | undefined
  /** See `ReplyRequest`. */
  readonly isResumed?: boolean | undefined
}

/** The messages of a request, oldest first. */
export const messages = (
  system: string,
  history: ReadonlyArray<Message>,
  exchanges: ReadonlyArray<ToolExchange>,
  dialect: Dialect,
  { isResumed, note }: MessagesOptions = {}
): ReadonlyArray<ChatMessage> => {
  const turns = new Turns()
  if (note !== undefined) turns.add({ role: "user", content: withoutTemplateTokens(note) })

  let saidBeforeTools = ""
  for (let at = 0; at <= history.length; at++) {
    for (const exchange of exchanges) {
      // If the turn of an exchange was withdrawn, `at` may be past the end. The exchange then comes last.
      if (Math.min(exchange.at, history.length) !== at) continue
      for (const message of messagesOfExchange(exchange, dialect)) turns.add(message)
      saidBeforeTools = exchange.said.trim()
    }
    const message = history.at(at)
    if (at === history.length || message === undefined) break
    const text = withoutTemplateTokens(message.text)
    if (message.role === "caller") {
      saidBeforeTools = ""
      const isPartlyHeard = history.slice(0, at).some(({ role }) => role === "agent")
      if (message.unheard !== undefined) turns.add({ role: "user", content: greetingUnheard(withoutTemplateTokens(message.unheard), isPartlyHeard) })
      if (text !== "") turns.add({ role: "user", content: text })
      continue
    }
    // The exchange's own message already has the words before the tool call.
    const saidAfterTools = saidBeforeTools !== "" && text.startsWith(saidBeforeTools) ? text.slice(saidBeforeTools.length).trim() : text
    saidBeforeTools = ""
    if (saidAfterTools !== "") turns.add({ role: "assistant", content: saidAfterTools })
  }
  turns.end(isResumed === true ? askToGoOn : callerIsSilent)

  if (dialect.system === "role") return [{ role: "system", content: system }, ...turns.messages]
  const [first, ...others] = turns.messages
  return [{ role: "user", content: `${system}\n\n${first.content}` }, ...others]
}

/** The most tokens of an answer, including thoughts. */
export const answerTokensOf = (sampling: Sampling, dialect: Dialect): number =>
  sampling.maxTokens + (dialect.thinking.isExpected ? sampling.thinkingTokens ?? 0 : 0)

interface BodyOptions {
  /** Unset: the server chooses. */
  readonly model: string | undefined
  readonly messages: ReadonlyArray<ChatMessage>
  readonly tools: ReadonlyArray<ToolDefinition>
  readonly dialect: Dialect
  readonly sampling: Sampling
  /** Tokens of the answer, if the context window has less room than `sampling` asks for. */
  readonly answerTokens?: number
}

/** The body of a request, before it is written as JSON. */
export const body = ({ answerTokens, dialect, messages, model, sampling, tools }: BodyOptions): object => {
  const has = (field: OptionalField) => !dialect.omitted.includes(field)
  return {
    ...model === undefined ? {} : { model },
    messages,
    stream: true,
    ...has("stream_options") ? { stream_options: { include_usage: true } } : {},
    ...has("temperature") ? { temperature: sampling.temperature } : {},
    [dialect.limitField]: answerTokens ?? answerTokensOf(sampling, dialect),
    // Some quantised models name the wrong end token. Then Gemma would go on to write the caller's turn if the request had no `stop`.
    ...has("stop") && dialect.system === "folded" ? { stop: ["<end_of_turn>", "<start_of_turn>"] } : {},
    ...Thinking.requestFields(dialect.thinking),
    ...dialect.tools === "calls" && tools.length > 0 ? { tools } : {}
  }
}
