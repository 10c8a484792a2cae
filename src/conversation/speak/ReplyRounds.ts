/**
 * Runs one reply of a model that may call tools, in rounds. A round is a request to the model, and the tool calls that the model makes in its
 * answer. The request of the next round contains the answers to these calls. The reply ends after a round without tool calls.
 *
 * The timeout limits the wait for the model's next words. The time of the tools does not count. A model that writes its thoughts gets more
 * time: up to `maxThoughtTimeouts` times the timeout in one request.
 */
import { Clock, Effect, Stream } from "effect"
import type { EngineFailed } from "../ports/Engine.ts"
import type { Replier, ReplyPart, ReplyRequest } from "../ports/ReplyModel.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import type { ToolRunner } from "../tools/ToolRunner.ts"

/** A reply has at most this many rounds of tool calls. Later calls are not run. */
const maxToolRounds = 3

/** In one request, a model may write thoughts for this many times the timeout. */
const maxThoughtTimeouts = 3

/** The parts of a reply that become events of the turn. */
export type SpokenPart = Exclude<ReplyPart, { readonly _tag: "ToolCalls" | "Thinking" }>

interface RunOptions {
  readonly replier: Replier
  readonly reply: number
  readonly request: ReplyRequest
  readonly tools: ToolRunner
  /** Ends when the caller's turn is over. Tools with side effects wait for this effect. */
  readonly settled: Effect.Effect<void>
  /** The longest wait for the model's next words, ms. */
  readonly timeout: number
  readonly onTimeout: () => EngineFailed
  readonly onPart: (part: SpokenPart) => void
}

export const run = (options: RunOptions): Effect.Effect<void, EngineFailed> => {
  const { onPart, reply, replier, request, timeout, tools } = options

  /** All text of the reply so far. */
  let text = ""
  /** Whether a `HangUp` or `Transfer` part has come. `onPart` gets only the first one. */
  let hasEnded = false

  const onSpokenPart = (part: SpokenPart) => {
    const isEnd = part._tag === "HangUp" || part._tag === "Transfer"
    if (!isEnd || !hasEnded) onPart(part)
    hasEnded ||= isEnd
    if (part._tag === "Text") text += part.text
  }

  /** The parts of the answer to one request. Thoughts after `thoughtUntil` are left out, so that they no longer reset the timeout. */
  const partsOf = (round: number) =>
    Stream.unwrap(Effect.map(Clock.Clock, (clock) => {
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const thoughtUntil = now() + maxThoughtTimeouts * timeout
      const isContinued = request.isResumed === true || /[\p{L}\p{N}]/u.test(text)
      const isLastRound = round >= maxToolRounds
      return Stream.filter(
        replier.reply({ ...request, exchanges: tools.exchanges(reply, text), isContinued, isLastRound }),
        ({ _tag }) => _tag !== "Thinking" || now() < thoughtUntil
      )
    }))

  const runRound = (round: number): Effect.Effect<void, EngineFailed> =>
    Effect.suspend(() => {
      let toolCalls: Extract<ReplyPart, { readonly _tag: "ToolCalls" }> | undefined
      const onEach = (part: ReplyPart) => {
        if (part._tag === "ToolCalls") toolCalls = part
        else if (part._tag !== "Thinking") onSpokenPart(part)
      }
      const runTools = Effect.suspend(() => {
        if (toolCalls === undefined) return Effect.void
        const { calls, said } = toolCalls
        return (tools.areRepeatable(calls) ? Effect.void : options.settled).pipe(
          Effect.andThen(tools.run({ reply, at: request.history.length, said, calls })),
          Effect.andThen(runRound(round + 1))
        )
      })
      return Effect.andThen(
        StreamTimeout.runForEach(partsOf(round), {
          millis: timeout,
          onTimeout: options.onTimeout,
          each: (part) => Effect.sync(() => onEach(part))
        }),
        runTools
      )
    })

  return Effect.andThen(tools.awaitEarlierRequests, runRound(0))
}
