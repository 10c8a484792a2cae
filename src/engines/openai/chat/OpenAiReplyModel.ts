/**
 * The reply of a language model at any OpenAI-compatible server: Gemma 3 27B in the first place, by
 * `POST /chat/completions` with its answer streamed.
 *
 * A stream of a reply is one request. Where the model asks tools it ends with that: the conversation asks them, and the model is
 * asked again with their answers. The server is asked in the way that its model's name suggests; where it refuses that, another way is taken, for good.
 * Stopping a reply closes its request, and with that the server stops computing.
 */
import { Array, Cause, Effect, Layer, Metric, Option, Pull, Redacted, Result, Schema, type Scope, Stream } from "effect"
import { HttpBody, HttpClient } from "effect/http"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../../definition/AgentDefinition.ts"
import { type Replier, ReplyModel, type ReplyPart, type ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import type { ToolCall } from "../../../conversation/ports/Tools.ts"
import * as UnfinishedSentence from "../../../conversation/speak/UnfinishedSentence.ts"
import * as Metrics from "../../../observability/Metrics.ts"
import * as ModelActions from "./ModelActions.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as ChatStream from "./ChatStream.ts"
import * as ContextBudget from "./context/ContextBudget.ts"
import * as Continuation from "./Continuation.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import { isSpoken, ReplyRound } from "./ReplyRound.ts"
import * as Sse from "../client/Sse.ts"
import * as KnownTools from "./output/calls/KnownTools.ts"
import * as UnopenedThought from "./output/UnopenedThought.ts"
import * as Thinking from "./Thinking.ts"

export interface Options extends Partial<ChatRequest.Sampling> {
  /** How actions are asked for. Default `auto`. */
  readonly tools?: ChatRequest.ToolsChoice
  /**
   * Asks for one token when an agent is prepared, so that the server has its model loaded and the agent's instructions
   * read, and what it refuses is known, before the first call. Default true.
   */
  readonly isPrimed?: boolean
}

/** Tools asked at once by one message; the others are refused. */
const mostCalls = 4

/** Ways of asking that a server may refuse one after the other. */
const mostAdaptations = 10

/** Times that one answer is asked for with less, because it was refused as too long. */
const mostShortenings = 3

/** What is asked otherwise than as a rule. */
interface Progress {
  /** How thinking is asked for this once; unset: in the usual way. */
  readonly thinking?: Thinking.Thinking
  /** Times that it was made shorter behind an answer that had begun. */
  readonly shortenings?: number
}

/** A request that the server has taken. */
interface Opened {
  readonly answer: OpenAiClient.Answer
  readonly sent: string
  readonly dialect: ChatRequest.Dialect
  readonly model: string | undefined
  readonly wish: ContextBudget.Wish
  readonly fitted: ContextBudget.Fitted
}

const toPart = (action: Exclude<ModelActions.Action, { readonly _tag: "Call" }>): ReplyPart => action

/** The first end of a call is the end: nothing is done behind it, and no other end. */
const addAct = (acts: ReadonlyArray<ReplyPart>, part: ReplyPart): ReadonlyArray<ReplyPart> =>
  acts.some(({ _tag }) => _tag === "HangUp" || _tag === "Transfer") ? acts : [...acts, part]

const decodeWhole = Schema.decodeUnknownOption(ChatStream.Chunk)

/** Characters of an event: no reply is as long, and several calls may be answered at once. */
const maxEventSize = 1024 * 1024

const alive: ReadonlyArray<ReplyPart> = [{ _tag: "Thinking" }]

/** Characters of a token at most, on average over an answer, in languages of long words. */
const charactersPerToken = 6

/** The same where a server's own limit should have ended the answer: it is only to end what has none. */
const mostCharactersPerToken = 8

/** Characters beside those of tokens: of signs and of calls as text. */
const slackCharacters = 400

/** ms; a server that has said why it stopped sends its figures at once, or leaves the answer open for nothing. */
const lingerMillis = 100

export const make = Effect.fnUntraced(function*(settings: EngineSettings, options: Options = {}) {
  const endpoint = yield* OpenAiClient.make("replyModel", settings)
  const events = Sse.decoder(endpoint, ChatStream.Chunk, maxEventSize)
  const document = OpenAiClient.json<unknown>(endpoint, Option.some)
  const wanted = settings.reply?.thinking ?? "off"
  const sampling: Required<ChatRequest.Sampling> = {
    maxTokens: options.maxTokens ?? settings.reply?.maxTokens ?? ChatRequest.standardSampling.maxTokens,
    thinkingTokens: options.thinkingTokens ?? settings.reply?.thinkingTokens ?? ChatRequest.standardSampling.thinkingTokens,
    temperature: options.temperature ?? ChatRequest.standardSampling.temperature
  }
  const toolsChoice = options.tools ?? "auto"
  const budget = ContextBudget.make(endpoint, settings.reply?.contextWindow, yield* Effect.scope)

  /** What the server was found to take, once it refused something; of all agents, since it is the server's way. */
  let learnt: ChatRequest.Dialect | undefined

  /** Whether the model's template opens a thought in the prompt; unset: by the model's name. */
  let opensThought: boolean | undefined

  const failed = (reason: EngineFailed["reason"], advice: string) => new EngineFailed({ stage: "replyModel", reason, advice })

  /** What was told to the operator, each once. */
  const told = new Set<string>()
  const tellOnce = (key: string, tell: Effect.Effect<void>) => Effect.suspend(() => {
    if (told.has(key)) return Effect.void
    told.add(key)
    return tell
  })

  /** An answer that came whole. */
  const whole = (answer: OpenAiClient.Answer, sent: string): Effect.Effect<ChatStream.Chunk, EngineFailed> =>
    Effect.flatMap(document(answer), (found) => {
      const error = Sse.failureIn(endpoint, found, sent)
      if (Option.isSome(error)) return Effect.fail(error.value)
      const chunk = decodeWhole(found)
      return Option.isSome(chunk) ? Effect.succeed(chunk.value) : Effect.fail(OpenAiClient.unreadable("replyModel", settings.url))
    })

  const replierOf = (persona: AgentDefinition, actions: ModelActions.ModelActions): Replier & { readonly prime: Effect.Effect<void> } => {
    const tools = KnownTools.make(actions.definitions)
    const repeatable = new Set((persona.tools ?? []).flatMap(({ name, repeatable }) => repeatable === true ? [name] : []))
    const noSuchCall = `There is no such action, or it could not be read. There is: ${tools.names.join(", ")}. Answer in words, or call one of these.`

    /** Asks in the way that is known to work, and in another where that is refused. */
    const open = Effect.fnUntraced(function*(
      request: ReplyRequest,
      how: {
        readonly sampling?: Partial<ChatRequest.Sampling>
        readonly thinking?: Thinking.Thinking | undefined
        /** What was said of a sentence that is to be finished. */
        readonly said?: string
      } = {}
    ): Effect.fn.Return<Opened, EngineFailed, Scope.Scope> {
      const model = Option.getOrUndefined(yield* endpoint.model)
      const expected = ChatRequest.dialectOf(model, toolsChoice, { url: settings.url, thinking: wanted })
      let { thinking } = how
      let shortenings = 0
      for (let tries = 0;; tries++) {
        const known = learnt ?? expected
        const dialect = thinking === undefined ? known : { ...known, thinking }
        const wish: ContextBudget.Wish = {
          system: ChatRequest.systemText(persona, actions, dialect),
          request,
          dialect,
          tools: dialect.tools === "calls" ? actions.definitions : [],
          isRepeatable: (name) => repeatable.has(name),
          answer: ChatRequest.answerTokensOf({ ...sampling, ...how.sampling }, dialect),
          usualAnswer: ChatRequest.answerTokensOf(sampling, dialect),
          said: how.said
        }
        const fitted = budget.fit(wish)
        const body = HttpBody.jsonUnsafe(ChatRequest.body({
          model,
          messages: fitted.messages,
          tools: actions.definitions,
          dialect,
          sampling: { ...sampling, ...how.sampling },
          answer: fitted.answer
        }))
        const asked = yield* Effect.result(endpoint.post("/chat/completions", body, { accept: "text/event-stream" }))
        if (Result.isSuccess(asked)) return { answer: asked.success, sent: OpenAiClient.sentOf(body), dialect, model, wish, fitted }
        const overflow = budget.overflowOf(asked.failure)
        if (overflow !== undefined) {
          if (shortenings++ >= mostShortenings) return yield* budget.givenUp(asked.failure, fitted)
          yield* budget.refused(asked.failure, overflow, fitted, wish)
          continue
        }
        // Another call was quicker to find out.
        if (learnt !== undefined && learnt !== known && tries < mostAdaptations) continue
        const { cause } = asked.failure
        const next = cause instanceof OpenAiClient.ServerError && cause.status >= 400 && cause.status !== 429 && tries < mostAdaptations
          ? ChatRequest.adapt(dialect, Redacted.value(cause.detail))
          : undefined
        if (next === undefined) return yield* asked.failure
        if (thinking === undefined) learnt = next
        else {
          thinking = next.thinking
          learnt = { ...next, thinking: known.thinking }
        }
        yield* Effect.logInfo(`${settings.url.origin} refuses ${ChatRequest.refusedPart(dialect, next)}; it is asked without from now on`)
      }
    })

    const chunksOf = (answer: OpenAiClient.Answer, sent: string, onDone: () => void): Stream.Stream<ChatStream.Chunk, EngineFailed> =>
      answer.contentType === "application/json" ? Stream.fromEffect(whole(answer, sent)) : events(answer, sent, onDone)

    const newRound = (model: string | undefined, dialect: ChatRequest.Dialect): ReplyRound =>
      new ReplyRound({
        actions,
        dialect,
        reader: { tools, holdsStart: opensThought ?? UnopenedThought.isOpenedBy(model) },
        longest: dialect.thinking.isExpected ? sampling.maxTokens * charactersPerToken : sampling.maxTokens * mostCharactersPerToken + slackCharacters,
        longestRead: (sampling.maxTokens + sampling.thinkingTokens) * mostCharactersPerToken + 10 * slackCharacters
      })

    const speak = (round: ReplyRound, chunks: Stream.Stream<ChatStream.Chunk, EngineFailed>): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.transformPull(chunks, (pull) => {
        const lingering = Effect.timeoutOrElse(pull, { duration: lingerMillis, orElse: () => Cause.done() })
        const arrived = Effect.suspend(() => round.isFinished ? lingering : pull).pipe(
          Effect.map((chunks): ReadonlyArray<ReplyPart> => {
            const parts = round.take(chunks)
            return round.isThinking ? alive : parts
          }),
          Pull.catchDone(() => Effect.sync(() => round.end()))
        )
        const unread = Effect.andThen(Effect.yieldNow, Effect.sync(() => round.read()))
        const next: Pull.Pull<Array.NonEmptyReadonlyArray<ReplyPart>, EngineFailed> = Effect.suspend(() =>
          round.isOver || round.hasEnded ? Cause.done() : Effect.flatMap(round.hasUnread ? unread : arrived, (parts) =>
            Array.isReadonlyArrayNonEmpty(parts) ? Effect.succeed(parts) : next)
        )
        return Effect.succeed(next)
      })

    /** What is to be done behind the last word, and what is to be asked of tools first. */
    const wishesOf = (round: ReplyRound, request: ReplyRequest) => {
      let acts: ReadonlyArray<ReplyPart> = []
      const calls: globalThis.Array<ToolCall> = []
      let isAsked = false
      const take = (id: string, name: string, json: string, action: Result.Result<ModelActions.Action, string>) => {
        const wish = Result.getOrUndefined(action)
        if (wish !== undefined && wish._tag !== "Call") {
          acts = addAct(acts, toPart(wish))
          // A server wants an answer to every call of its own; a line of the text needs none.
          if (name !== "") calls.push({ id, name, arguments: json, ask: Result.fail("It will be done when you have spoken.") })
          return
        }
        isAsked = true
        if (Result.isFailure(action)) return void calls.push({ id, name, arguments: json, ask: Result.fail(action.failure) })
        if (wish === undefined) return
        const { arguments: value, tool } = wish
        const ask: ToolCall["ask"] = calls.length < mostCalls ? Result.succeed({ tool, value }) : Result.fail("Too many calls at once.")
        calls.push({ id, name: tool.name, arguments: JSON.stringify(value), ask })
      }
      const before = request.exchanges?.length ?? 0
      for (const [at, { action, body }] of round.lines.entries()) take(`line_${request.history.length}_${before}_${at}`, "", body, action)
      for (const call of ChatStream.callsOf(round.answered)) take(call.id, call.name, call.arguments, actions.ofCall(call.name, call.arguments))
      return { acts, calls: isAsked && request.isLastRound !== true ? calls : [] }
    }

    const goOn = Effect.fnUntraced(function*(
      round: ReplyRound,
      opened: Opened,
      request: ReplyRequest,
      progress: Progress
    ): Effect.fn.Return<Stream.Stream<ReplyPart, EngineFailed>, EngineFailed> {
      const { acts, calls } = wishesOf(round, request)
      if (calls.length > 0) return Stream.fromIterable<ReplyPart>([...acts, { _tag: "ToolCalls", said: round.text, calls }])
      if (request.isContinued === true || isSpoken(round.text) || acts.length > 0) return Stream.fromIterable(acts)
      return yield* wordless(round, opened, request, progress)
    })

    /** An answer without a word: once more without thinking, if that is why. */
    const wordless = Effect.fnUntraced(function*(
      round: ReplyRound,
      { fitted, wish }: Opened,
      request: ReplyRequest,
      progress: Progress
    ): Effect.fn.Return<Stream.Stream<ReplyPart, EngineFailed>, EngineFailed> {
      if (round.cutBy === "filter") return yield* failed("refused", "The server's content filter withheld the answer. Look into its settings and the agent's instructions.")
      if (!round.hasThoughts) {
        const error = failed("empty", "The model answered without a word. Check the model and its chat template on the server.")
        const { shortenings = 0 } = progress
        // Its limit was reached before its first word: the prompt fills the context window.
        const isFull = round.cutBy === "limit" && Option.exists(round.answered.usage, ({ completion }) => completion <= 1)
        if (!isFull) return yield* error
        if (shortenings >= mostShortenings) return yield* budget.givenUp(error, fitted)
        yield* budget.refused(error, {}, fitted, wish)
        return speakRound(request, { ...progress, shortenings: shortenings + 1 })
      }
      const used = round.dialect.thinking
      const least = Thinking.least((learnt ?? round.dialect).thinking)
      if (progress.thinking === undefined && !Thinking.isSame(least, used)) {
        // The operator's own wish holds for the next answer all the same.
        if (wanted === "off") learnt = { ...learnt ?? round.dialect, thinking: least }
        return speakRound(request, { ...progress, thinking: least })
      }
      return yield* failed(
        "refused",
        "The model spent all of its tokens on thoughts and said nothing. Switch its thinking off on the server, or raise LLM_THINKING_TOKENS."
      )
    })

    /** What the answer tells of the model's thinking, for the next one. */
    const noteThoughts = Effect.fnUntraced(function*(round: ReplyRound) {
      opensThought = round.opensThought ?? opensThought
      if (!round.hasThoughts) return
      const dialect = learnt ?? round.dialect
      const thinking = Thinking.seen(dialect.thinking)
      if (Thinking.isSame(thinking, dialect.thinking) || !Thinking.isSame(round.dialect.thinking, dialect.thinking)) return
      learnt = { ...dialect, thinking }
      yield* Effect.logInfo(
        thinking.isExpected
          ? `The model at ${settings.url.origin} thinks before it answers; from now on it has ${sampling.thinkingTokens} tokens for it (LLM_THINKING_TOKENS). Callers wait for them: switch thinking off on the server`
          : `The model at ${settings.url.origin} thinks before it answers; it is asked not to from now on`
      )
    })

    /** Counts what was neither spoken nor done, and tells it once for each format. */
    const noteCalls = Effect.fnUntraced(function*(round: ReplyRound) {
      for (const format of round.dropped) {
        yield* Metric.update(Metrics.textCallsDropped(format), 1)
        yield* tellOnce(`dropped ${format}`, Effect.logWarning(
          `The model at ${settings.url.origin} wrote a tool call as text (${format}) that names no tool of the agent or can't be read; it was neither spoken nor done`
        ))
      }
      for (const format of round.written) {
        yield* tellOnce(`written ${format}`, Effect.logInfo(
          `The model at ${settings.url.origin} writes tool calls as text (${format}); they are done. The server's own parser for this model is surer (docs/engines.md)`
        ))
      }
    })

    /** Has the model end the sentence within which it was cut off. */
    const continued = (request: ReplyRequest, progress: Progress, said: string): Effect.Effect<string | undefined> =>
      open(request, { sampling: { maxTokens: Continuation.maxTokens }, thinking: progress.thinking, said }).pipe(
        Effect.flatMap(({ answer, dialect, model, sent }) => {
          const round = newRound(model, dialect)
          return Effect.as(Stream.runDrain(speak(round, chunksOf(answer, sent, () => undefined))), round)
        }),
        Effect.scoped,
        Effect.map(({ text }) => Continuation.restOf(said, text)),
        Effect.orElseSucceed(() => undefined)
      )

    /** What is said of a sentence that was cut off: its rest, or nothing of it. */
    const mended = Effect.fnUntraced(function*(round: ReplyRound, request: ReplyRequest, progress: Progress): Effect.fn.Return<ReadonlyArray<ReplyPart>, EngineFailed> {
      const { cutBy, text } = round
      if (cutBy === undefined || !isSpoken(text)) return []
      if (cutBy === "limit") {
        yield* tellOnce("limit", Effect.logWarning(
          `An answer was longer than ${sampling.maxTokens} tokens (LLM_MAX_TOKENS); it ends with its last whole sentence. Ask for short answers in the agent's instructions`
        ))
      }
      const ending = UnfinishedSentence.endingOf(text)
      if (ending === "whole") return []
      if (ending === "fragment") return [{ _tag: "CutShort" }]
      const rest = cutBy === "limit" ? yield* continued(request, progress, text) : undefined
      if (rest !== undefined) {
        round.text += rest
        return [{ _tag: "Text", text: rest }]
      }
      return yield* failed(
        "refused",
        cutBy === "limit"
          ? `The answer was cut off at ${sampling.maxTokens} tokens within its first sentence. Raise LLM_MAX_TOKENS, or ask for short sentences in the agent's instructions.`
          : "The server's content filter cut the answer off within its first sentence. Look into its settings and the agent's instructions."
      )
    })

    const finish = (round: ReplyRound, opened: Opened, request: ReplyRequest, progress: Progress, isDone: boolean): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.unwrap(Effect.gen(function*() {
        const { finish, usage } = round.answered
        if (Option.isSome(usage)) {
          const { cached, completion, prompt } = usage.value
          yield* Effect.logDebug(`The reply took ${prompt} tokens, ${cached} of them from the cache, and wrote ${completion}`)
        }
        if (!round.isOver && !isDone && Option.isNone(finish)) {
          return yield* failed("broken", `${settings.url.origin} ended its answer without saying so. Look into the server's log.`)
        }
        yield* budget.accepted(opened.fitted, Option.getOrUndefined(usage)?.prompt)
        round.settle()
        yield* noteThoughts(round)
        yield* noteCalls(round)
        const parts = yield* mended(round, request, progress)
        if (round.dropped.length > 0 && !isSpoken(round.text) && round.lines.length === 0 && round.answered.calls.size === 0) {
          round.lines.push({ body: "call", action: Result.fail(noSuchCall) })
        }
        const rest = Stream.concat(Stream.fromIterable(parts), Stream.unwrap(goOn(round, opened, request, progress)))
        // An end of a sentence, so that it is spoken while a tool is asked.
        const isAsking = round.lines.length > 0 || round.answered.calls.size > 0
        return isAsking && isSpoken(round.text) ? Stream.concat(Stream.succeed<ReplyPart>({ _tag: "Text", text: "\n" }), rest) : rest
      }))

    const speakRound = (request: ReplyRequest, progress: Progress): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.suspend(() => {
        let begun: { readonly round: ReplyRound; readonly opened: Opened } | undefined
        let isDone = false
        const { shortenings = 0 } = progress
        const parts = open(request, { thinking: progress.thinking }).pipe(
          Effect.map((opened) => {
            const { answer, dialect, model, sent } = opened
            const round = newRound(model, dialect)
            begun = { round, opened }
            return speak(round, chunksOf(answer, sent, () => {
              isDone = true
            }))
          }),
          Stream.unwrap,
          // Some servers say within their answer that the request was too long.
          Stream.catch((error) => {
            const overflow = begun === undefined || begun.round.hasBegun ? undefined : budget.overflowOf(error)
            if (begun === undefined || overflow === undefined) return Stream.fail(error)
            const { fitted, wish } = begun.opened
            if (shortenings >= mostShortenings) return Stream.fail(budget.givenUp(error, fitted))
            begun = undefined
            return Stream.unwrap(Effect.map(budget.refused(error, overflow, fitted, wish), () =>
              speakRound(request, { ...progress, shortenings: shortenings + 1 })))
          })
        )
        return Stream.concat(parts, Stream.suspend(() => begun === undefined ? Stream.empty : finish(begun.round, begun.opened, request, progress, isDone)))
      })

    const prime = open({ history: [{ role: "agent", text: persona.lines.greeting }], state: null }, {
      sampling: { maxTokens: 1, thinkingTokens: 0 }
    }).pipe(
      Effect.flatMap(({ answer }) => Stream.runDrain(answer.body)),
      Effect.scoped,
      // A language model may take its time to be loaded; it is told by the warming, and by the first call.
      Effect.ignore
    )

    return {
      prime,
      reply: (request) => speakRound(request, {})
    }
  }

  return ReplyModel.of({
    prepare: Effect.fnUntraced(function*(persona) {
      const actions = yield* Effect.fromResult(ModelActions.make(persona)).pipe(
        Effect.mapError((error) => failed("refused", error.message))
      )
      // Not waited for: a server that is not there yet is no reason not to start.
      const replier = replierOf(persona, actions)
      // The window is asked for last: Ollama knows it once its model is loaded.
      yield* Effect.forkScoped(options.isPrimed === false
        ? endpoint.warm()
        : Effect.andThen(Effect.andThen(endpoint.warm(), replier.prime), budget.lookUp))
      return replier
    })
  })
})

export const layer = (settings: EngineSettings, options?: Options): Layer.Layer<ReplyModel, never, HttpClient.HttpClient> =>
  Layer.effect(ReplyModel, make(settings, options))
