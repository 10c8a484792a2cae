/**
 * Decides how the conversation continues after its media stream was lost. If the caller had heard the agent's last words, the call ends.
 * Otherwise the agent says that the call was cut off. Then:
 *
 * - If the model had written the whole reply, the agent says the rest of it. Keys, a transfer or the end of the call follow as planned.
 * - If the model had written a part, and the caller heard some of it, the agent says the rest of that part. The model writes the end.
 * - If the model had written a part, and the caller heard nothing of it, the model writes a new reply.
 * - If Twilio may still transfer the call, the agent only says that the call was cut off.
 * - If the caller had interrupted the agent, or no reply was due, unanswered words of the caller are answered. If there are none, it is
 *   the caller's turn.
 *
 * Source: DESIGN.md, section 5.
 */
import type { Lines } from "../../../definition/AgentDefinition.ts"
import * as Words from "../../../definition/languages/Words.ts"
import type { ReplyMemory, TurnMemory } from "../../ports/ConversationMemory.ts"
import type { Message } from "../../ports/ReplyModel.ts"
import { type Draft, updateReply, addCommand, publish } from "../Draft.ts"
import { rememberAgent } from "../History.ts"
import { playing, type ReplyState } from "../ReplyState.ts"
import * as Farewell from "../judgements/Farewell.ts"
import { sayLine } from "../rules/AgentTurn.ts"
import { awaitSilence } from "../rules/Ending.ts"
import { finishIfHeard } from "../rules/Playback.ts"
import { newReply, pressKeys, releaseSound, settleReply, speakPiece, startModel } from "../rules/Speech.ts"

/** Copies the memory to the state. `reconnected` decides about the reply, the transfer and the goodbye, so they are not copied. */
const restore = (draft: Draft, memory: TurnMemory): void => {
  const { farewell: _farewell, reply: _reply, transferring: _transferring, ...copied } = memory
  Object.assign(draft.state, copied)
}

/** Says that the call was cut off ("Sorry, we were cut off."), if the agent has such a line. */
const sayResumed = (draft: Draft, reply: ReplyState): ReplyState => {
  const said = speakPiece(draft, reply, draft.settings.lines.resumed ?? "", "line")
  return updateReply(draft, { ...said, segments: said.segments.map((segment) => ({ ...segment, isNotice: true })) })
}

/** Makes a reply with complete text the active reply, and says its pieces. */
const sayPieces = (draft: Draft, reply: ReplyState, pieces: ReadonlyArray<string>): void => {
  draft.state.active = reply
  let next = reply
  for (const piece of pieces) next = speakPiece(draft, next, piece, reply.line === undefined ? "reply" : "line")
  next = pressKeys(draft, next)
  releaseSound(draft, next)
  finishIfHeard(draft, next)
}

/** Makes a reply with complete text the active reply, and says its pieces after the notice that the call was cut off. */
const sayAfterNotice = (draft: Draft, reply: ReplyState, pieces: ReadonlyArray<string>): void => {
  draft.state.active = reply
  sayPieces(draft, sayResumed(draft, reply), pieces)
}

/** Says the rest of a reply that the model had finished, or of a fixed line. The reply's keys, transfer or hang-up follow. */
const sayRest = (draft: Draft, memory: ReplyMemory): void => {
  const { digits, hangUp, isFinal, line, rest, transfer } = memory
  const reply = newReply(draft, {
    phase: playing,
    isFinal,
    ...(line === undefined ? {} : { line: line as keyof Lines }),
    ...(hangUp === undefined ? {} : { hangUp })
  })
  sayAfterNotice(draft, { ...reply, isTextDone: true, digits, ...(transfer === undefined ? {} : { transfer }) }, rest)
}

/** The caller has heard nothing of the answer, so the model writes a new answer. */
const answerAgain = (draft: Draft, state: TurnMemory["dialogue"]): void => {
  draft.state.dialogue = state
  const reply = newReply(draft, { phase: playing, request: { history: draft.state.history, state } })
  draft.state.active = reply
  const begun = sayResumed(draft, reply)
  startModel(draft, begun)
  settleReply(draft, begun)
  releaseSound(draft, updateReply(draft, begun))
}

/** Says the unheard text that the model had written, and asks the model for the end of the answer. */
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

/**
 * Only says that the call was cut off. After that `rules/AfterReply` answers the caller's unanswered words, or waits for the caller. Here the
 * notice is the reply itself. So after a false interruption the agent says the rest of it, and the caller is not left in silence.
 */
const yieldTurn = (draft: Draft): void =>
  sayPieces(draft, { ...newReply(draft, { phase: playing, line: "resumed" }), isTextDone: true }, [draft.settings.lines.resumed ?? ""])

/** Whether the model had not written the whole reply. */
const isUnfinished = ({ isTextDone, stateBefore }: ReplyMemory): boolean => !isTextDone && stateBefore !== undefined

const resumeFrom = (draft: Draft, reply: ReplyMemory): void => {
  if (reply.heard.length > 0) rememberAgent(draft, reply.heard)
  if (reply.isInterrupted || reply.line === "resumed") {
    if (reply.line === "greeting" && reply.rest.length > 0) draft.state.unheardGreeting = Words.joinAll(reply.rest)
    return yieldTurn(draft)
  }
  if (!isUnfinished(reply)) return sayRest(draft, reply)
  if (reply.heard.length === 0 && reply.isResumed !== true) answerAgain(draft, reply.stateBefore ?? null)
  else finishAnswer(draft, reply)
}

/** The caller had heard the agent's last words, so the agent waits for silence and hangs up. */
const endAfterFarewell = (draft: Draft, reason: string): void => {
  const { answeredFarewells } = draft.state
  const farewell = Farewell.begin({ at: draft.at, reason, isFinal: false, answeredFarewells, maxDuration: draft.settings.maxDuration })
  draft.state.farewell = farewell
  awaitSilence(draft, farewell)
}

/** What was said before is unknown, so the agent begins with its greeting, after the notice that the call was cut off. */
const beginAnew = (draft: Draft): void => {
  const reply = { ...newReply(draft, { phase: playing, line: "greeting" }), isTextDone: true }
  sayAfterNotice(draft, reply, [draft.settings.lines.greeting])
}

/** Nobody answered at the telephone to which the call was transferred. */
const backFromTransfer = (draft: Draft, to: string): void => {
  publish(draft, draft.state.nextReplyId, { _tag: "TransferFailed", to, reason: "noAnswer" })
  sayLine(draft, "transferFailed")
}

/** `memory`: `null` if the memory is lost. */
export const reconnected = (draft: Draft, memory: TurnMemory | null, isAfterTransfer: boolean): void => {
  if (memory === null) return isAfterTransfer ? sayLine(draft, "transferFailed") : beginAnew(draft)
  restore(draft, memory)
  if (isAfterTransfer) return backFromTransfer(draft, memory.transferring ?? "")
  if (memory.transferring !== undefined) {
    // Until the transfer's result is known, the caller's words are for the person at the other telephone.
    draft.state.transferring = memory.transferring
    addCommand(draft, { _tag: "AwaitTransfer" })
  }
  if (memory.farewell !== undefined) return endAfterFarewell(draft, memory.farewell)
  if (memory.reply === undefined) return yieldTurn(draft)
  resumeFrom(draft, memory.reply)
}
