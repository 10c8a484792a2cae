/**
 * One reply as a stream: first the parts of the answer as they arrive, then the parts of its ending. If the request was too long, or the
 * answer has no words, the model is asked again.
 */
import { Effect, Stream } from "effect"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type { ReplyPart, ReplyRequest } from "../../../conversation/ports/ReplyModel.ts"
import { type AcceptedRequest, type AgentChat, maxShortenings } from "./AgentChat.ts"
import * as ReplyEnding from "./ReplyEnding.ts"
import { partsOf, type ReplyRound } from "./ReplyRound.ts"

const attemptReply = (chat: AgentChat, request: ReplyRequest, attempt: ReplyEnding.Attempt): Stream.Stream<ReplyPart, EngineFailed> =>
  Stream.suspend(() => {
    const { budget, chunksOf, countTokens } = chat.server
    let begun: { readonly round: ReplyRound; readonly accepted: AcceptedRequest } | undefined
    let isDone = false

    const arriving = chat.ask(request, { thinking: attempt.thinking }).pipe(
      Effect.map((accepted) => {
        const round = chat.newRound(accepted)
        begun = { round, accepted }
        return partsOf(round, chunksOf(accepted.answer, accepted.sent, () => {
          isDone = true
        })).pipe(Stream.ensuring(Effect.suspend(() => countTokens(round.answered))))
      }),
      Stream.unwrap,
      // Some servers answer with status 200 and refuse a too long request in the body of the answer.
      Stream.catch((error) => {
        const overflow = begun === undefined || begun.round.hasBegun ? undefined : budget.overflowOf(error)
        if (begun === undefined || overflow === undefined) return Stream.fail(error)
        const { fitted, full } = begun.accepted
        if (attempt.shortenings >= maxShortenings) return Stream.fail(budget.tooLong(error, fitted))
        // The next attempt has an ending of its own.
        begun = undefined
        return Stream.unwrap(Effect.map(budget.learnFromRefusal(error, overflow, fitted, full), () =>
          attemptReply(chat, request, { ...attempt, shortenings: attempt.shortenings + 1 })))
      })
    )

    const ending = Stream.suspend(() =>
      begun === undefined ? Stream.empty : Stream.unwrap(Effect.map(ReplyEnding.end(chat, { ...begun, request, attempt, isDone }), (ending) =>
        ending._tag === "Complete" ? Stream.fromIterable(ending.parts) : attemptReply(chat, request, ending.attempt)))
    )

    return Stream.concat(arriving, ending)
  })

/** The reply of an agent. Each run of the stream sends a new request. An interruption closes the request. */
export const stream = (chat: AgentChat, request: ReplyRequest): Stream.Stream<ReplyPart, EngineFailed> => attemptReply(chat, request, { shortenings: 0 })
