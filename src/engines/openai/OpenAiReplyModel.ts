/**
 * The reply of a language model at any OpenAI-compatible server: Gemma 3 27B in the first place, by
 * `POST /chat/completions` with its answer streamed.
 *
 * A reply is one request, or several where the model asks tools: their answers go back to it and it speaks on. The
 * server is asked in the way that its model's name suggests; where it refuses that, another way is taken, for good.
 * Stopping a reply closes its request, and with that the server stops computing.
 */
import { Array, Cause, Effect, Layer, Option, Pull, Redacted, Result, Schema, Stream } from "effect"
import { HttpBody, HttpClient } from "effect/http"
import type { EngineSettings } from "../../config/AppConfig.ts"
import { EngineFailed } from "../../conversation/Engine.ts"
import type { Persona } from "../../conversation/Persona.ts"
import { type Replier, ReplyModel, type ReplyPart, type ReplyRequest } from "../../conversation/ReplyModel.ts"
import * as Actions from "./Actions.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as ChatStream from "./ChatStream.ts"
import * as Endpoint from "./Endpoint.ts"
import * as ReplyText from "./ReplyText.ts"
import * as Sse from "./Sse.ts"
import * as ToolRequest from "./ToolRequest.ts"

export interface Options extends Partial<ChatRequest.Sampling> {
  /** How actions are asked for. Default `auto`. */
  readonly tools?: ChatRequest.ToolsChoice
  /**
   * Asks for one token when an agent is prepared, so that the server has its model loaded and the agent's instructions
   * read, and what it refuses is known, before the first call. Default true.
   */
  readonly isPrimed?: boolean
}

/** Times that tools are asked within one reply; what is asked behind that is not carried out. */
const mostRounds = 3

/** Tools asked at once by one message; the others are refused. */
const mostCalls = 4

/** Ways of asking that a server may refuse one after the other. */
const mostAdaptations = 6

/** What one request of a reply came to. */
interface Round {
  answered: ChatStream.Answered
  reader: ReplyText.Reader
  /** Spoken by it. */
  text: string
  /** Of the text's lines: what was to be done, and what could not be read, in order. */
  readonly lines: globalThis.Array<{ readonly body: string; readonly action: Result.Result<Actions.Action, string> }>
  /** Nothing that comes is listened to any more. */
  isOver: boolean
  hasEnded: boolean
}

/** What a reply has come to so far. */
interface Progress {
  readonly exchanges: ReadonlyArray<ChatRequest.Exchange>
  readonly round: number
  readonly hasSpoken: boolean
  /** To be done behind the last word. */
  readonly acts: ReadonlyArray<ReplyPart>
}

const toPart = (action: Exclude<Actions.Action, { readonly _tag: "Call" }>): ReplyPart => action

/** The first end of a call is the end: nothing is done behind it, and no other end. */
const addAct = (acts: ReadonlyArray<ReplyPart>, part: ReplyPart): ReadonlyArray<ReplyPart> =>
  acts.some(({ _tag }) => _tag === "HangUp" || _tag === "Transfer") ? acts : [...acts, part]

const isSpoken = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

const decodeWhole = Schema.decodeUnknownOption(ChatStream.Chunk)

/** What is unreadable in a line, for the model. */
const unreadable = Result.fail("The line could not be read. Write it again, in its exact form.")

export const make = Effect.fnUntraced(function*(settings: EngineSettings, options: Options = {}) {
  const client = yield* HttpClient.HttpClient
  const endpoint = yield* Endpoint.make("replyModel", settings)
  const events = Sse.decoder(endpoint, ChatStream.Chunk)
  const whole = Endpoint.json(endpoint, decodeWhole)
  const sampling: ChatRequest.Sampling = {
    maxTokens: options.maxTokens ?? ChatRequest.standardSampling.maxTokens,
    temperature: options.temperature ?? ChatRequest.standardSampling.temperature
  }
  const toolsChoice = options.tools ?? "auto"

  /** What the server was found to take, once it refused something; of all agents, since it is the server's way. */
  let learnt: ChatRequest.Dialect | undefined

  const failed = (reason: EngineFailed["reason"], advice: string) => new EngineFailed({ stage: "replyModel", reason, advice })

  const replierOf = (persona: Persona, actions: Actions.Actions): Replier & { readonly prime: Effect.Effect<void> } => {
    /** Asks in the way that is known to work, and in another where that is refused. */
    const open = Effect.fnUntraced(function*(
      request: ReplyRequest,
      exchanges: ReadonlyArray<ChatRequest.Exchange>,
      maxTokens = sampling.maxTokens
    ) {
      const model = Option.getOrUndefined(yield* endpoint.model)
      for (let tries = 0;; tries++) {
        const dialect = learnt ?? ChatRequest.dialectOf(model, toolsChoice)
        const body = HttpBody.jsonUnsafe(ChatRequest.body({
          model,
          messages: ChatRequest.messages(ChatRequest.systemText(persona, actions, dialect), request.history, exchanges, dialect),
          tools: actions.definitions,
          dialect,
          sampling: { ...sampling, maxTokens }
        }))
        const asked = yield* Effect.result(endpoint.post("/chat/completions", body, { accept: "text/event-stream" }))
        if (Result.isSuccess(asked)) return { answer: asked.success, sent: Endpoint.sentOf(body) }
        // Another call was quicker to find out.
        if (learnt !== undefined && learnt !== dialect && tries < mostAdaptations) continue
        const { cause } = asked.failure
        const next = cause instanceof Endpoint.ServerError && cause.status >= 400 && cause.status !== 429 && tries < mostAdaptations
          ? ChatRequest.adapt(dialect, Redacted.value(cause.detail))
          : undefined
        if (next === undefined) return yield* asked.failure
        learnt = next
        yield* Effect.logInfo(`${settings.url.origin} refuses ${ChatRequest.refusedPart(dialect, next)}; it is asked without from now on`)
      }
    })

    /** What a piece of the answer has to say. */
    const listen = (round: Round, pieces: ReadonlyArray<ReplyText.Piece>): ReadonlyArray<ReplyPart> => {
      const parts: globalThis.Array<ReplyPart> = []
      for (const piece of pieces) {
        if (round.isOver) break
        if (piece._tag === "Text") {
          round.text += piece.text
          parts.push(piece)
          continue
        }
        const body = piece._tag === "Marker" ? piece.body.trim() : ""
        const action = piece._tag === "Marker" ? actions.ofMarker(body) : unreadable
        round.lines.push({ body, action })
        // The model would go on with an answer of its own invention.
        if (Result.isFailure(action) || action.success._tag === "Call") round.isOver = true
      }
      return parts
    }

    const speak = (round: Round, chunks: Stream.Stream<ChatStream.Chunk, EngineFailed>): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.transformPull(chunks, (pull) => {
        const arrived = pull.pipe(
          Effect.map((chunks) => {
            let text = ""
            for (const chunk of chunks) {
              const [answered, more] = ChatStream.add(round.answered, chunk)
              round.answered = answered
              text += more
            }
            const [reader, pieces] = ReplyText.read(round.reader, text)
            round.reader = reader
            return pieces
          }),
          Pull.catchDone(() =>
            Effect.sync(() => {
              round.hasEnded = true
              return ReplyText.end(round.reader)
            })
          )
        )
        const next: Pull.Pull<Array.NonEmptyReadonlyArray<ReplyPart>, EngineFailed> = Effect.suspend(() =>
          round.isOver || round.hasEnded ? Cause.done() : Effect.flatMap(arrived, (pieces) => {
            const parts = listen(round, pieces)
            return Array.isReadonlyArrayNonEmpty(parts) ? Effect.succeed(parts) : next
          })
        )
        return Effect.succeed(next)
      })

    /** Answers what was asked; the model reads the answers in its next request. */
    const answer = Effect.fnUntraced(function*(round: Round, request: ReplyRequest, progress: Progress) {
      let { acts } = progress
      const asked: globalThis.Array<Effect.Effect<ChatRequest.Exchange["calls"][number]>> = []
      let isAsked = false
      const take = (
        id: string,
        name: string,
        json: string,
        action: Result.Result<Actions.Action, string>
      ) => {
        if (Result.isFailure(action)) {
          isAsked = true
          asked.push(Effect.succeed({ id, name, arguments: json, answer: action.failure }))
          return
        }
        if (action.success._tag !== "Call") {
          acts = addAct(acts, toPart(action.success))
          // A server wants an answer to every call of its own; a line of the text needs none.
          if (name !== "") asked.push(Effect.succeed({ id, name, arguments: json, answer: "It will be done when you have spoken." }))
          return
        }
        isAsked = true
        const { arguments: value, tool } = action.success
        asked.push(
          (asked.length < mostCalls ? ToolRequest.ask(client, tool, value) : Effect.succeed("Too many calls at once.")).pipe(
            Effect.map((answer) => ({ id, name: tool.name, arguments: JSON.stringify(value), answer }))
          )
        )
      }
      for (const [at, { action, body }] of round.lines.entries()) take(`line_${request.history.length}_${progress.round}_${at}`, "", body, action)
      for (const call of ChatStream.callsOf(round.answered)) take(call.id, call.name, call.arguments, actions.ofCall(call.name, call.arguments))
      if (!isAsked || progress.round >= mostRounds) return { acts, exchange: undefined }
      // What a reply does in the world is not undone when the caller goes on speaking.
      if (request.settled !== undefined) yield* request.settled
      const [first, ...others] = yield* Effect.all(asked, { concurrency: "unbounded" })
      const exchange: ChatRequest.Exchange = { at: request.history.length, said: round.text, calls: [first, ...others] }
      return { acts, exchange }
    })

    const goOn = Effect.fnUntraced(function*(
      round: Round,
      request: ReplyRequest,
      progress: Progress
    ): Effect.fn.Return<Stream.Stream<ReplyPart, EngineFailed>, EngineFailed> {
      const { acts, exchange } = yield* answer(round, request, progress)
      const hasSpoken = progress.hasSpoken || isSpoken(round.text)
      if (exchange !== undefined) {
        const exchanges = [...progress.exchanges, exchange]
        return Stream.concat(
          Stream.succeed<ReplyPart>({ _tag: "State", state: ChatRequest.remember(exchanges) }),
          speakRound(request, { exchanges, round: progress.round + 1, hasSpoken, acts })
        )
      }
      if (hasSpoken || acts.length > 0) return Stream.fromIterable(acts)
      return yield* failed("broken", "The model answered without a word. Check the model and its chat template on the server.")
    })

    const finish = (round: Round, request: ReplyRequest, progress: Progress, isDone: boolean): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.unwrap(Effect.gen(function*() {
        const { finish, usage } = round.answered
        if (Option.isSome(usage)) {
          const { cached, completion, prompt } = usage.value
          yield* Effect.logDebug(`The reply took ${prompt} tokens, ${cached} of them from the cache, and wrote ${completion}`)
        }
        if (!round.isOver && !isDone && Option.isNone(finish)) {
          return yield* failed("broken", `${settings.url.origin} ended its answer without saying so. Look into the server's log.`)
        }
        const rest = Stream.unwrap(goOn(round, request, progress))
        // An end of a sentence, so that it is spoken while a tool is asked.
        const isAsking = round.lines.length > 0 || round.answered.calls.size > 0
        return isAsking && isSpoken(round.text) ? Stream.concat(Stream.succeed<ReplyPart>({ _tag: "Text", text: "\n" }), rest) : rest
      }))

    const speakRound = (request: ReplyRequest, progress: Progress): Stream.Stream<ReplyPart, EngineFailed> =>
      Stream.suspend(() => {
        const round: Round = { answered: ChatStream.empty, reader: ReplyText.empty, text: "", lines: [], isOver: false, hasEnded: false }
        let isDone = false
        const chunks = open(request, progress.exchanges).pipe(
          Effect.map(({ answer, sent }) => {
            if (answer.contentType === "application/json") return Stream.fromEffect(whole(answer))
            return events(answer, sent, () => {
              isDone = true
            })
          }),
          Stream.unwrap
        )
        return Stream.concat(speak(round, chunks), Stream.suspend(() => finish(round, request, progress, isDone)))
      })

    const prime = open({ history: [{ role: "agent", text: persona.lines.greeting }], state: null }, [], 1).pipe(
      Effect.flatMap(({ answer }) => Stream.runDrain(answer.body)),
      Effect.scoped,
      // A language model may take its time to be loaded; it is told by the warming, and by the first call.
      Effect.ignore
    )

    return {
      prime,
      reply: (request) =>
        speakRound(request, { exchanges: ChatRequest.recall(request.state), round: 0, hasSpoken: false, acts: [] })
    }
  }

  return ReplyModel.of({
    prepare: Effect.fnUntraced(function*(persona) {
      const actions = yield* Effect.fromResult(Actions.make(persona)).pipe(
        Effect.mapError((error) => failed("refused", error.message))
      )
      // Not waited for: a server that is not there yet is no reason not to start.
      const replier = replierOf(persona, actions)
      yield* Effect.forkScoped(options.isPrimed === false ? endpoint.warm() : Effect.andThen(endpoint.warm(), replier.prime))
      return replier
    })
  })
})

export const layer = (settings: EngineSettings, options?: Options): Layer.Layer<ReplyModel, never, HttpClient.HttpClient> =>
  Layer.effect(ReplyModel, make(settings, options))
