/**
 * Runs the reply model and its tools for each reply (`ReplyRounds`), and reports the parts of the reply as events.
 *
 * A preemptive reply may be dropped. So its tools wait until the caller's turn is over, unless they have no side effects.
 */
import { Deferred, Effect, FiberMap, type Scope } from "effect"
import { EngineFailed, failureOf } from "../ports/Engine.ts"
import type { Replier, ReplyRequest } from "../ports/ReplyModel.ts"
import type { ToolRunner } from "../tools/ToolRunner.ts"
import type { ReportTurnEvent, UntimedTurnEvent } from "../turn/TurnEvent.ts"
import * as ReplyRounds from "./ReplyRounds.ts"

const replyTimeout = new EngineFailed({
  stage: "replyModel",
  reason: "timeout",
  advice: "No text came in time. Look at the load of the language model, or raise timeouts.reply in the agent's file."
})

interface MakeOptions {
  readonly replier: Replier
  readonly tools: ToolRunner
  /** The longest wait for the model's next words, ms. */
  readonly timeout: number
  readonly report: ReportTurnEvent
}

export interface ReplyGeneration {
  /** Starts the model. The reply's parts are reported, and then `ReplyDone` or `ReplyFailed`. */
  readonly start: (reply: number, request: ReplyRequest) => Effect.Effect<void>
  /** The caller's turn is over. From now on the reply may call tools with side effects. */
  readonly settle: (reply: number) => void
  /** Stops the model, but not the tools. Does not wait until the connection to the model has closed. */
  readonly drop: (reply: number) => Effect.Effect<void>
}

const reportOf = (reply: number, part: ReplyRounds.SpokenPart): UntimedTurnEvent => {
  switch (part._tag) {
    case "Text":
      return { _tag: "ReplyText", reply, text: part.text }
    case "CutShort":
      return { _tag: "ReplyCutShort", reply }
    case "State":
      return { _tag: "ReplyState", reply, state: part.state }
    case "HangUp":
      return { _tag: "ReplyHangUp", reply }
    case "Transfer":
      return { _tag: "ReplyTransfer", reply, to: part.to }
    case "Digits":
      return { _tag: "ReplyDigits", reply, digits: part.digits }
  }
}

/** All models stop with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<ReplyGeneration, never, Scope.Scope> {
  const { replier, report, timeout, tools } = options
  const scope = yield* Effect.scope
  const running = yield* FiberMap.make<number>()
  const unsettled = new Map<number, Deferred.Deferred<void>>()

  return {
    start: (reply, request) =>
      Effect.suspend(() => {
        const settled = Deferred.makeUnsafe<void>()
        unsettled.set(reply, settled)
        const rounds = ReplyRounds.run({
          replier,
          reply,
          request,
          tools,
          settled: Deferred.await(settled),
          timeout,
          onTimeout: () => replyTimeout,
          onPart: (part) => report(reportOf(reply, part))
        }).pipe(
          Effect.matchCause({
            onSuccess: () => report({ _tag: "ReplyDone", reply }),
            onFailure: (cause) => report({ _tag: "ReplyFailed", reply, ...failureOf(cause) })
          })
        )
        return Effect.asVoid(FiberMap.run(running, reply, rounds, { startImmediately: true }))
      }),
    settle: (reply) => {
      const settled = unsettled.get(reply)
      if (settled === undefined) return
      unsettled.delete(reply)
      Deferred.doneUnsafe(settled, Effect.void)
    },
    drop: (reply) =>
      Effect.suspend(() => {
        unsettled.delete(reply)
        return Effect.asVoid(Effect.forkIn(FiberMap.remove(running, reply), scope))
      })
  }
})
