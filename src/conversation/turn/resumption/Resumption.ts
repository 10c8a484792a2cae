/**
 * The conversation goes on after its line was lost. The agent says that the line was lost, and goes on:
 *
 * - If the caller has heard a part of an answer, the agent says the rest, and does what was due after it (keys, transfer, goodbye). If the
 *   answer was not all written, the model is asked for what is missing.
 * - If the caller has heard nothing of an answer that was not all written, the model is asked again.
 * - If Twilio may still transfer the call, the agent only says that the line was lost.
 * - If words of the caller are not answered, the agent answers them.
 * - Otherwise, and if the caller had interrupted the agent, it is the caller's turn.
 *
 * Source: DESIGN.md, section 5.
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import * as Words from "../../../definition/languages/Words.ts"
import type { ReplyMemory, TurnMemory } from "../../ports/ConversationMemory.ts"
import type { Message } from "../../ports/ReplyModel.ts"
import { type Draft, keepReply, order, tell } from "../Draft.ts"
import { rememberAgent } from "../History.ts"
import { playing, type ReplyState } from "../ReplyState.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { sayLine } from "../rules/AgentTurn.ts"
import { awaitSilence } from "../rules/Ending.ts"
import { finishIfHeard } from "../rules/Playback.ts"
import { newReply, pressKeys, releaseSound, settleReply, speakPiece, startModel } from "../rules/Speech.ts"

/** The state of a conversation that goes on. What is due of it is decided by `reconnected`. */
const restore = (draft: Draft, memory: TurnMemory): void => {
  const { farewell: _farewell, reply: _reply, transferring: _transferring, ...kept } = memory
  Object.assign(draft.state, kept)
}

/** "Sorry, we were cut off.", if the agent has such a line. */
const sayResumed = (draft: Draft, reply: ReplyState): ReplyState => {
  const said = speakPiece(draft, reply, draft.settings.lines.resumed ?? "", "line")
  return keepReply(draft, { ...said, segments: said.segments.map((segment) => ({ ...segment, isNotice: true })) })
}

/** Takes the turn with a reply whose text is complete. */
const sayKnown = (draft: Draft, reply: ReplyState, pieces: ReadonlyArray<string>): void => {
  draft.state.active = reply
  let next = sayResumed(draft, reply)
  for (const piece of pieces) next = speakPiece(draft, next, piece, reply.line === undefined ? "reply" : "line")
  next = pressKeys(draft, next)
  releaseSound(draft, next)
  finishIfHeard(draft, next)
}

/** Says the rest of a reply, and does what was due after it. */
const sayRest = (draft: Draft, memory: ReplyMemory): void => {
  const { digits, hangUp, isFinal, line, rest, transfer } = memory
  const reply = newReply(draft, {
    phase: playing,
    isFinal,
    ...(line === undefined ? {} : { line: line as keyof Lines }),
    ...(hangUp === undefined ? {} : { hangUp })
  })
  sayKnown(draft, { ...reply, isTextDone: true, digits, ...(transfer === undefined ? {} : { transfer }) }, rest)
}

/** The model writes the answer once more: the caller has heard nothing of it. */
const answerAgain = (draft: Draft, state: TurnMemory["dialogue"]): void => {
  draft.state.dialogue = state
  const reply = newReply(draft, { phase: playing, request: { history: draft.state.history, state } })
  draft.state.active = reply
  const begun = sayResumed(draft, reply)
  startModel(draft, begun)
  settleReply(draft, begun)
  releaseSound(draft, keepReply(draft, begun))
}

/** Says the rest that the model had written, and asks the model for what is missing. */
const finishAnswer = (draft: Draft, { digits, hangUp, isFinal, rest, stateBefore = null, transfer }: ReplyMemory): void => {
  const beginning: ReadonlyArray<Message> = rest.length === 0 ? [] : [{ role: "agent", text: Words.joinAll(rest) }]
  const reply: ReplyState = {
    ...newReply(draft, {
      phase: playing,
      isFinal,
      request: { history: [...draft.state.history, ...beginning], state: stateBefore, isResumed: true },
      ...(hangUp === undefined ? {} : { hangUp })
    }),
    digits,
    ...(transfer === undefined ? {} : { transfer })
  }
  draft.state.active = reply
  let begun = sayResumed(draft, reply)
  for (const piece of rest) begun = speakPiece(draft, begun, piece)
  startModel(draft, begun)
  settleReply(draft, begun)
  releaseSound(draft, begun)
}

/** Only says that the line was lost. Whatever is due follows as after any line. */
const yieldTurn = (draft: Draft): void =>
  sayKnown(draft, { ...newReply(draft, { phase: playing, line: "resumed" }), isTextDone: true }, [])

/** The model had not written all of it. */
const isUnfinished = ({ isTextDone, stateBefore }: ReplyMemory): boolean => !isTextDone && stateBefore !== undefined

const goOnWith = (draft: Draft, reply: ReplyMemory): void => {
  if (reply.heard.length > 0) rememberAgent(draft, reply.heard)
  if (reply.isInterrupted) {
    if (reply.line === "greeting" && reply.rest.length > 0) draft.state.unheardGreeting = Words.joinAll(reply.rest)
    return yieldTurn(draft)
  }
  if (!isUnfinished(reply)) return sayRest(draft, reply)
  if (reply.heard.length === 0 && reply.isResumed !== true) answerAgain(draft, reply.stateBefore ?? null)
  else finishAnswer(draft, reply)
}

/** The agent said its last words, and the caller heard them: the call ends as it would have. */
const endAsBefore = (draft: Draft, reason: string): void => {
  const { answeredFarewells } = draft.state
  const farewell = Farewell.begin({ at: draft.at, reason, isFinal: false, answeredFarewells, maxDuration: draft.settings.maxDuration })
  draft.state.farewell = farewell
  awaitSilence(draft, farewell)
}

/** Nobody knows what was said before: the conversation begins anew, politely. */
const beginAnew = (draft: Draft): void => {
  const reply = { ...newReply(draft, { phase: playing, line: "greeting" }), isTextDone: true }
  sayKnown(draft, reply, [draft.settings.lines.greeting])
}

/** The caller is back from a telephone where nobody took the call. */
const backFromTransfer = (draft: Draft, to: string): void => {
  tell(draft, draft.state.nextReplyId, { _tag: "TransferFailed", to, reason: "noAnswer" })
  sayLine(draft, "transferFailed")
}

/** `memory`: `null` where it is lost. */
export const reconnected = (draft: Draft, memory: TurnMemory | null, isAfterTransfer: boolean): void => {
  if (memory === null) return isAfterTransfer ? sayLine(draft, "transferFailed") : beginAnew(draft)
  restore(draft, memory)
  if (isAfterTransfer) return backFromTransfer(draft, memory.transferring ?? "")
  if (memory.transferring !== undefined) {
    // Until it is known what becomes of the transfer, what the caller says is for the other telephone.
    draft.state.transferring = memory.transferring
    order(draft, { _tag: "AwaitTransfer" })
  }
  if (memory.farewell !== undefined) return endAsBefore(draft, memory.farewell)
  if (memory.reply === undefined) return yieldTurn(draft)
  goOnWith(draft, memory.reply)
}
