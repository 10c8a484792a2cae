/**
 * Handles the end of an answer, after its last chunk. The server's limits and the model's habits are noted for later requests. A sentence
 * that was cut off is finished, and the actions are collected. After an answer without words the model is asked again, or the reply fails.
 */
import { Effect, Metric, Option, Stream } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { ReplyPart, ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import * as UnfinishedSentence from "../../../conversation/speak/UnfinishedSentence.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import { type AcceptedRequest, type AgentChat, maxShortenings } from "./AgentChat.ts"
import { failed } from "./ChatServer.ts"
import * as Continuation from "./Continuation.ts"
import * as ModelActions from "./ModelActions.ts"
import { isSpoken, partsOf, type ReplyRound } from "./ReplyRound.ts"
import * as RequestedActions from "./RequestedActions.ts"
import type * as Thinking from "./Thinking.ts"

/** How a reply is asked for. Earlier answers without words change it. */
export interface Attempt {
  /** How the request asks for thinking. Unset: as the server's dialect does. */
  readonly thinking?: Thinking.Thinking
  /** How often the request was shortened after the server had begun to answer. */
  readonly shortenings: number
}

/** An answer that has ended. */
interface EndedAnswer {
  readonly round: ReplyRound
  readonly accepted: AcceptedRequest
  readonly request: ReplyRequest
  readonly attempt: Attempt
  /** The server has sent `[DONE]`. */
  readonly isDone: boolean
}

type Ending =
  | { readonly _tag: "Complete"; readonly parts: ReadonlyArray<ReplyPart> }
  /** Nothing was said. `attempt`: how the reply is asked for again. */
  | { readonly _tag: "AskAgain"; readonly attempt: Attempt }

/** Notes for later requests whether the model thinks. */
const noteThoughts = Effect.fnUntraced(function*({ server: { dialect, endpoint: { url: { origin } }, sampling } }: AgentChat, round: ReplyRound) {
  const thinking = dialect.learnFromThoughts(round)
  if (thinking === undefined) return
  yield* Effect.logInfo(
    thinking.isExpected
      ? `The model at ${origin} thinks before it answers. From now on its thoughts have ${sampling.thinkingTokens} tokens (LLM_THINKING_TOKENS). Callers wait for them: switch thinking off on the server`
      : `The model at ${origin} thinks before it answers. From now on it is asked not to`
  )
})

/** Counts tool calls in the text that were left out, and logs once for each format. */
const noteWrittenCalls = Effect.fnUntraced(function*({ server: { endpoint: { url: { origin } }, logOnce } }: AgentChat, round: ReplyRound) {
  for (const format of round.droppedFormats) {
    yield* Metric.update(Metrics.textCallsDropped(format), 1)
    yield* logOnce(`dropped ${format}`, Effect.logWarning(
      `The model at ${origin} wrote a tool call as text (${format}) that is unreadable or names no tool of the agent. It was left out`
    ))
  }
  for (const format of round.writtenFormats) {
    yield* logOnce(`written ${format}`, Effect.logInfo(
      `The model at ${origin} writes tool calls as text (${format}). They are carried out, but the server's own parser for this model is more reliable (docs/engines.md)`
    ))
  }
})

/** Asks the model for the rest of the sentence that was cut off; undefined if the model does not finish it or the request fails. */
const askForRest = (chat: AgentChat, { attempt, request }: EndedAnswer, text: string): Effect.Effect<string | undefined> =>
  chat.ask(request, { sampling: { maxTokens: Continuation.maxTokens }, thinking: attempt.thinking, unfinishedText: text }).pipe(
    Effect.flatMap((accepted) => {
      const round = chat.newRound(accepted)
      const chunks = chat.server.chunksOf(accepted.answer, accepted.sent, () => undefined)
      return Stream.runDrain(partsOf(round, chunks)).pipe(Effect.ensuring(Effect.suspend(() => chat.server.countTokens(round.answered))), Effect.as(round))
    }),
    Effect.scoped,
    Effect.map(({ spokenText }) => Continuation.restOf(text, spokenText)),
    Effect.orElseSucceed(() => undefined)
  )

/** The parts that end a sentence that was cut off: its missing words, or `CutShort` if whole sentences come before it. */
const finishSentence = Effect.fnUntraced(function*(chat: AgentChat, ended: EndedAnswer): Effect.fn.Return<ReadonlyArray<ReplyPart>, EngineFailed> {
  const { round } = ended
  const { cutBy, spokenText } = round
  const { logOnce, sampling: { maxTokens } } = chat.server
  if (cutBy === undefined || !isSpoken(spokenText)) return []
  if (cutBy === "limit") {
    yield* logOnce("limit", Effect.logWarning(
      `An answer was longer than ${maxTokens} tokens (LLM_MAX_TOKENS). It ends with its last whole sentence. Ask for short answers in the agent's instructions`
    ))
  }
  const ending = UnfinishedSentence.endingOf(spokenText)
  if (ending === "whole") return []
  if (ending === "fragment") return [{ _tag: "CutShort" }]
  const sentenceEnd = cutBy === "limit" ? yield* askForRest(chat, ended, spokenText) : undefined
  if (sentenceEnd !== undefined) {
    round.spokenText += sentenceEnd
    return [{ _tag: "Text", text: sentenceEnd }]
  }
  return yield* failed(
    "refused",
    cutBy === "limit"
      ? `The answer was cut off at ${maxTokens} tokens within its first sentence. Raise LLM_MAX_TOKENS, or ask for short sentences in the agent's instructions.`
      : "The server's content filter cut the answer off within its first sentence. Check its settings and the agent's instructions."
  )
})

/** The next attempt after an answer without a word. Fails if there is no next attempt; the failure says why. */
const afterWordlessAnswer = Effect.fnUntraced(function*({ server: { budget, dialect } }: AgentChat, { accepted, attempt, round }: EndedAnswer): Effect.fn.Return<Attempt, EngineFailed> {
  if (round.cutBy === "filter") return yield* failed("refused", "The server's content filter withheld the answer. Check its settings and the agent's instructions.")
  if (!round.hasThoughts) {
    const error = failed("empty", "The model answered without a word. Check the model and its chat template on the server.")
    // The limit was reached before the first word, so the prompt fills the context window.
    const isWindowFull = round.cutBy === "limit" && Option.exists(round.answered.usage, ({ completion }) => completion <= 1)
    if (!isWindowFull) return yield* error
    if (attempt.shortenings >= maxShortenings) return yield* budget.tooLong(error, accepted.fitted)
    yield* budget.learnFromRefusal(error, {}, accepted.fitted, accepted.full)
    return { ...attempt, shortenings: attempt.shortenings + 1 }
  }
  const thinking = attempt.thinking === undefined ? dialect.reduceThinking(round.dialect) : undefined
  if (thinking !== undefined) return { ...attempt, thinking }
  return yield* failed(
    "refused",
    "The model spent all of its tokens on thoughts and said nothing. Switch its thinking off on the server, or raise LLM_THINKING_TOKENS."
  )
})

const hasCalls = (round: ReplyRound): boolean => round.writtenActions.length > 0 || round.answered.calls.size > 0

/** Ends an answer. Fails if the answer can't be used and another request would not help. */
export const end = Effect.fnUntraced(function*(chat: AgentChat, ended: EndedAnswer): Effect.fn.Return<Ending, EngineFailed> {
  const { accepted, isDone, request, round } = ended
  const { budget, endpoint } = chat.server
  const { finishReason, usage } = round.answered
  if (Option.isSome(usage)) {
    const { cached, completion, prompt } = usage.value
    yield* Effect.logDebug(`The prompt of the reply had ${prompt} tokens, ${cached} of them from the cache; the answer had ${completion}`)
  }
  if (!round.isOver && !isDone && Option.isNone(finishReason)) {
    return yield* failed("broken", `${endpoint.url.origin} broke off in the middle of its answer. Look into the server's log.`)
  }
  yield* budget.learnFromAnswer(accepted.fitted, Option.getOrUndefined(usage)?.prompt)
  round.removeRepeatedCalls()
  yield* noteThoughts(chat, round)
  yield* noteWrittenCalls(chat, round)
  const sentenceParts = yield* finishSentence(chat, ended)
  if (round.droppedFormats.length > 0 && !isSpoken(round.spokenText) && !hasCalls(round)) {
    round.writtenActions.push({
      body: "call",
      action: ModelActions.refused(`There is no such action, or it could not be read. The actions are: ${chat.toolNames.join(", ")}. Answer in words, or call one of these.`)
    })
  }
  const actions = RequestedActions.of(round, request, chat.actions)
  if (actions.calls.length === 0 && actions.parts.length === 0 && request.isContinued !== true && !isSpoken(round.spokenText)) {
    return { _tag: "AskAgain", attempt: yield* afterWordlessAnswer(chat, ended) }
  }
  // A line end ends the sentence, so that the words are spoken while tools are called.
  const lineEnd: ReadonlyArray<ReplyPart> = hasCalls(round) && isSpoken(round.spokenText) ? [{ _tag: "Text", text: "\n" }] : []
  const toolCalls: ReadonlyArray<ReplyPart> = actions.calls.length === 0 ? [] : [{ _tag: "ToolCalls", said: round.spokenText, calls: actions.calls }]
  return { _tag: "Complete", parts: [...lineEnd, ...sentenceParts, ...actions.parts, ...toolCalls] }
})
