/**
 * One reply of a model that may ask tools: a request to the model, what it asks for, the next request with the answers, until it
 * has spoken.
 *
 * A tool's time is not the model's: the patience with the model counts for each of its requests alone. A model that thinks aloud
 * is alive, and is waited for longer; but not for as long as it likes.
 */
import { Clock, Effect, Stream } from "effect"
import type { EngineFailed } from "../ports/Engine.ts"
import * as StreamTimeout from "../ports/StreamTimeout.ts"
import type { Replier, ReplyPart, ReplyRequest } from "../ports/ReplyModel.ts"
import type { ToolDesk } from "../tools/ToolDesk.ts"

/** Times that tools are asked within one reply; what is asked behind that is not carried out. */
export const maxRounds = 3

/** Of the patience with a model: so long may it think in one request, and still count as alive. */
export const thoughtShare = 3

/** What the conversation hears of a reply. */
export type ToldPart = Exclude<ReplyPart, { readonly _tag: "ToolCalls" | "Thinking" }>

export const run = (options: {
  readonly replier: Replier
  readonly reply: number
  readonly request: ReplyRequest
  readonly desk: ToolDesk
  /** Waits until the caller's turn is surely over: before that, nothing that changes the world is asked. */
  readonly settled: Effect.Effect<void>
  /** The longest wait for the model's next words, ms. */
  readonly patience: number
  readonly onLate: () => EngineFailed
  readonly tell: (part: ToldPart) => void
}): Effect.Effect<void, EngineFailed> => {
  const { desk, reply, request, tell } = options

  /** All that the reply has said. */
  let text = ""
  let hasEnd = false

  const round = (index: number): Effect.Effect<void, EngineFailed> =>
    Effect.suspend(() => {
      let asked: Extract<ReplyPart, { readonly _tag: "ToolCalls" }> | undefined
      const isContinued = /[\p{L}\p{N}]/u.test(text)
      const parts = Stream.unwrap(Effect.map(Clock.Clock, (clock) => {
        const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
        const thoughtUntil = now() + thoughtShare * options.patience
        // What comes behind that is not seen by the patience, which then runs out.
        return Stream.filter(
          options.replier.reply({ ...request, exchanges: desk.exchanges(reply, text), isContinued, isLastRound: index >= maxRounds }),
          ({ _tag }) => _tag !== "Thinking" || now() < thoughtUntil
        )
      }))
      return StreamTimeout.runForEach(parts, {
        millis: options.patience,
        onLate: options.onLate,
        each: (part) =>
          Effect.sync(() => {
            if (part._tag === "Thinking") return
            if (part._tag === "ToolCalls") {
              asked = part
              return
            }
            const isEnd = part._tag === "HangUp" || part._tag === "Transfer"
            // The first end of a call is the end.
            if (!isEnd || !hasEnd) tell(part)
            hasEnd ||= isEnd
            if (part._tag === "Text") text += part.text
          })
      }).pipe(
        Effect.andThen(Effect.suspend(() => {
          if (asked === undefined) return Effect.void
          const { calls, said } = asked
          return (desk.areRepeatable(calls) ? Effect.void : options.settled).pipe(
            Effect.andThen(desk.ask({ reply, at: request.history.length, said, calls })),
            Effect.andThen(round(index + 1))
          )
        }))
      )
    })

  return round(0)
}
