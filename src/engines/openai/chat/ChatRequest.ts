/**
 * What is asked of `/chat/completions`: the conversation as the messages of a chat. Pure.
 *
 * Gemma's template is the strictest, so all get what it wants: user first, then user and assistant in turns. What the
 * messages of one request say is said again, byte for byte, by the next request of the same call, with more behind it:
 * only so can a server reuse what it has computed for the beginning (vLLM and SGLang in blocks of 16 tokens, llama.cpp
 * by slot).
 */
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import type { Message } from "../../../conversation/ports/ReplyModel.ts"
import type { ToolExchange } from "../../../conversation/ports/Tools.ts"
import type { ReplySettings } from "../../../config/EngineSettings.ts"
import type { ModelActions, ToolDefinition } from "./ModelActions.ts"
import * as ContextOverflow from "./context/ContextOverflow.ts"
import * as Thinking from "./Thinking.ts"

/** What a server takes; found out by the model's name and by what it refuses. See `adapt`. */
export interface Dialect {
  /** `folded`: in front of the first user message, as Gemma's template does it with a system message. */
  readonly system: "role" | "folded"
  readonly tools: "calls" | "text"
  readonly thinking: Thinking.Thinking
  readonly limit: "max_tokens" | "max_completion_tokens"
  /** Fields that are left out, since the server refused them. */
  readonly without: ReadonlyArray<"stream_options" | "temperature" | "stop">
}

/** The size of a reply and how free it is. */
export interface Sampling {
  /** Of what is spoken. Default 200: about a minute of speech, which nobody listens to. */
  readonly maxTokens: number
  /** On top, for a model that thinks: servers count both together. Default 1000. */
  readonly thinkingTokens?: number
  /** Default 0.7. */
  readonly temperature: number
}

export const standardSampling = { maxTokens: 200, thinkingTokens: 1000, temperature: 0.7 } satisfies Sampling

interface ToolCallMessage {
  readonly id: string
  readonly type: "function"
  readonly function: { readonly name: string; readonly arguments: string }
}

export type ChatMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string | null; readonly tool_calls?: ReadonlyArray<ToolCallMessage> }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string }

/** What the user's side says when the answer was cut off at its limit within its only sentence. */
const goOn = "(You were cut off. Go on with the very next word and end your sentence within ten words.)"

/** The request that has a sentence finished. */
export const toGoOn = (messages: ReadonlyArray<ChatMessage>, said: string): ReadonlyArray<ChatMessage> => [
  ...messages,
  { role: "assistant", content: clean(said) },
  { role: "user", content: goOn }
]

/** What the user's side says when the agent speaks first, and when the caller said nothing. */
const opening = "(The call begins.)"
const silence = "(Silence.)"

/** What the assistant's side says when the caller heard nothing of the reply to a tool's answer. */
const unheard = "(Interrupted.)"

/** Signs of chat templates: tokenizers take them for what they are also inside of a message. */
const signs = /<(?:start|end)_of_turn>|<\|[^|<>\s]{1,40}\|?>|<\/?s>|<[a-z]{1,20}\|>/gi

/** Told to the model with the caller's words: a greeting is not the model's, so it can't know the rest of it. */
const unheardGreeting = (unheard: string, isBegun: boolean): string =>
  `(The caller has not heard ${isBegun ? "the rest of " : ""}your greeting: "${unheard}")`

const clean = (text: string): string => text.replace(signs, " ").trim()

const languages = new Intl.DisplayNames("en", { type: "language" })

/** The system text; the same bytes for every request of an agent. */
export const systemText = (persona: Pick<AgentDefinition, "instructions" | "language">, actions: ModelActions, dialect: Dialect): string =>
  [
    persona.instructions.trim(),
    `You are on the telephone and speak ${languages.of(persona.language) ?? persona.language}. What you write is spoken aloud: no markup, lists, links or emojis.`,
    ...dialect.tools === "text" ? [actions.manual] : []
  ].join("\n\n")

/** The line by which a tool is asked, as the model wrote it or would have. */
const asLine = ({ arguments: json, name }: ToolExchange["calls"][number]): string => name === "" ? `<<${json}>>` : `<<call:${name} ${json}>>`

const exchanged = ({ calls, said }: ToolExchange, dialect: Dialect): ReadonlyArray<ChatMessage> => {
  // What is no tool of the agent can't be said as a call of one.
  if (dialect.tools === "text" || calls.some(({ name }) => name === "")) {
    return [
      { role: "assistant", content: [said.trim(), ...calls.map(asLine)].filter((line) => line !== "").join("\n") },
      { role: "user", content: calls.map(({ answer, name }) => name === "" ? `(${answer})` : `(Answer of ${name}: ${answer})`).join("\n") }
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

/** The messages of a request, oldest first. `note`: what is said of the beginning of the call where it is left out. */
export const messages = (
  system: string,
  history: ReadonlyArray<Message>,
  exchanges: ReadonlyArray<ToolExchange>,
  dialect: Dialect,
  note?: string
): ReadonlyArray<ChatMessage> => {
  const turns: Array<ChatMessage> = note === undefined ? [] : [{ role: "user", content: clean(note) }]

  const add = (message: ChatMessage) => {
    const last = turns.at(-1)
    // A tool's answer is the user's turn to the templates that know none.
    if (last === undefined && message.role === "assistant") turns.push({ role: "user", content: opening })
    if (last?.role === "tool" && message.role === "user") turns.push({ role: "assistant", content: unheard })
    if (
      last !== undefined && last.role === message.role && (message.role === "user" || message.role === "assistant") &&
      !("tool_calls" in last) && !("tool_calls" in message)
    ) turns[turns.length - 1] = { role: message.role, content: `${last.content}\n${message.content}` }
    else turns.push(message)
  }

  let said = ""
  for (let at = 0; at <= history.length; at++) {
    for (const exchange of exchanges) {
      // Of a turn that was taken back it stands behind what is left.
      if (Math.min(exchange.at, history.length) !== at) continue
      for (const message of exchanged(exchange, dialect)) add(message)
      said = exchange.said.trim()
    }
    const message = history.at(at)
    if (at === history.length || message === undefined) break
    const text = clean(message.text)
    if (message.role === "caller") {
      said = ""
      const isBegun = history.slice(0, at).some(({ role }) => role === "agent")
      if (message.unheard !== undefined) add({ role: "user", content: unheardGreeting(clean(message.unheard), isBegun) })
      if (text !== "") add({ role: "user", content: text })
      continue
    }
    // What was said before the tool was asked stands there already.
    const rest = said !== "" && text.startsWith(said) ? text.slice(said.length).trim() : text
    said = ""
    if (rest !== "") add({ role: "assistant", content: rest })
  }
  const last = turns.at(-1)
  if (last === undefined || last.role === "assistant" && !("tool_calls" in last)) turns.push({ role: "user", content: silence })

  if (dialect.system === "role") return [{ role: "system", content: system }, ...turns]
  const [first, ...others] = turns
  return [{ role: "user", content: `${system}\n\n${first.content}` }, ...others]
}

/** Tokens of an answer, with the model's thoughts where it has any: servers count both together. */
export const answerTokensOf = (sampling: Sampling, dialect: Dialect): number =>
  sampling.maxTokens + (dialect.thinking.isExpected ? sampling.thinkingTokens ?? 0 : 0)

/** The body of a request. */
export const body = (options: {
  readonly model: string | undefined
  readonly messages: ReadonlyArray<ChatMessage>
  readonly tools: ReadonlyArray<ToolDefinition>
  readonly dialect: Dialect
  readonly sampling: Sampling
  /** Tokens of the answer, where there is room for less than usual. */
  readonly answer?: number
}): object => {
  const { dialect, model, sampling } = options
  const has = (field: Dialect["without"][number]) => !dialect.without.includes(field)
  return {
    ...model === undefined ? {} : { model },
    messages: options.messages,
    stream: true,
    ...has("stream_options") ? { stream_options: { include_usage: true } } : {},
    ...has("temperature") ? { temperature: sampling.temperature } : {},
    [dialect.limit]: options.answer ?? answerTokensOf(sampling, dialect),
    // Some quantised files name the wrong end; without it Gemma plays the caller's part as well.
    ...has("stop") && dialect.system === "folded" ? { stop: ["<end_of_turn>", "<start_of_turn>"] } : {},
    ...Thinking.fields(dialect.thinking),
    ...dialect.tools === "calls" && options.tools.length > 0 ? { tools: options.tools } : {}
  }
}

/** Whether the server's own tool calls are used: `auto` by the model's name, until the server refuses them. */
export type ToolsChoice = "auto" | "calls" | "text"

/** Gemma 1 to 3, by every name they go by: `google/gemma-3-27b-it`, `gemma3:27b`, `gemma-3n-E4B`. */
const oldGemma = /gemma[-_]?(?:[123]|2b|7b)(?![0-9])/i

/** What to expect of a model of that name at that address. Gemma 3 was not trained for tool calls. */
export const dialectOf = (
  model: string | undefined,
  tools: ToolsChoice,
  how: { readonly url?: URL; readonly thinking?: ReplySettings["thinking"] } = {}
): Dialect => {
  const isOldGemma = model !== undefined && oldGemma.test(model)
  return {
    system: isOldGemma ? "folded" : "role",
    tools: tools === "auto" ? isOldGemma ? "text" : "calls" : tools,
    thinking: Thinking.of(model, how.url, how.thinking ?? "off"),
    limit: "max_tokens",
    without: []
  }
}

/** What an adapted dialect leaves out, for the operator. */
export const refusedPart = (before: Dialect, after: Dialect): string => {
  if (before.tools !== after.tools) return "tool calls"
  if (before.system !== after.system) return "a system message"
  if (before.thinking !== after.thinking) return Thinking.refusedPart(before.thinking, after.thinking)
  return before.limit === after.limit ? after.without.at(-1) ?? "nothing" : before.limit
}

/** What to say differently to a server that refused a request in these words; nothing, if that is not the reason. */
export const adapt = (dialect: Dialect, detail: string): Dialect | undefined => {
  // Of a request that is too long nothing is to be left out but its length, though the words name fields.
  if (ContextOverflow.read(detail) !== undefined) return undefined
  const without = (field: Dialect["without"][number]) =>
    dialect.without.includes(field) ? undefined : { ...dialect, without: [...dialect.without, field] }
  if (/max_completion_tokens/.test(detail)) {
    return dialect.limit === "max_tokens" ? { ...dialect, limit: "max_completion_tokens" } : undefined
  }
  const thinking = Thinking.adapt(dialect.thinking, detail)
  if (thinking !== undefined) return { ...dialect, thinking }
  if (/\btools?\b|tool[-_ ]?(?:choice|call)|function call/i.test(detail)) {
    return dialect.tools === "calls" ? { ...dialect, tools: "text" } : undefined
  }
  if (/system (?:role|message|prompt)|role[^a-z]{0,3}system|system[^a-z]{1,3}role/i.test(detail)) {
    return dialect.system === "role" ? { ...dialect, system: "folded" } : undefined
  }
  if (/stream_options|include_usage/.test(detail)) return without("stream_options")
  if (/temperature/.test(detail)) return without("temperature")
  if (/(?:parameter|field|argument)\W{1,5}['"`]?stop\b|['"`]stop['"`]/i.test(detail)) return without("stop")
  return undefined
}
