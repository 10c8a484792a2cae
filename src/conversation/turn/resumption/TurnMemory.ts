/**
 * The memory of the turn machine, so that the conversation can continue after its media stream, its process or its machine was lost.
 *
 * Only segments whose marks came back count as heard. The segment that was playing is said again, so that no unheard words are lost.
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { ReplyMemory, TurnMemory } from "../../ports/ConversationMemory.ts"
import type { Segment } from "../PlaybackLedger.ts"
import { type ReplyState, unheardOf } from "../ReplyState.ts"
import type { TurnState } from "../TurnState.ts"

/** The keys that the agent must still press. If all of the reply's words were heard, the keys may have been pressed. Then no key is pressed again. */
const keysDue = (segments: ReadonlyArray<Segment>): string => {
  const areWordsHeard = segments.every(({ digits, isHeard }) => digits !== undefined || isHeard)
  return areWordsHeard ? "" : segments.map(({ digits = "", isHeard }) => isHeard ? "" : digits).join("")
}

/** The text of the segments that were heard (`isHeard`) or were not heard. Text that is not a whole clause yet is in no segment. */
const wordsOf = (segments: ReadonlyArray<Segment>, isHeard: boolean): ReadonlyArray<string> =>
  segments.flatMap((segment) => segment.isHeard !== isHeard || segment.digits !== undefined || segment.isNotice === true ? [] : [segment.text])

const replyMemory = (reply: ReplyState): ReplyMemory => {
  const { hangUp, line, request, segments, transfer } = reply
  return {
    heard: Words.join(reply.heard, ...wordsOf(segments, true)),
    rest: unheardOf(reply) ?? wordsOf(segments, false),
    isTextDone: reply.isTextDone,
    isInterrupted: reply.phase._tag === "Interrupted",
    isFinal: reply.isFinal,
    digits: keysDue(segments) + reply.digits,
    ...(line === undefined ? {} : { line }),
    ...(request === undefined ? {} : { stateBefore: request.state }),
    ...(request?.isResumed === true ? { isResumed: true } : {}),
    ...(hangUp === undefined ? {} : { hangUp }),
    ...(transfer === undefined ? {} : { transfer })
  }
}

/** The caller's unanswered words. During a pause of the caller, the words before the pause are included. */
const unansweredOf = ({ unanswered, utterance }: TurnState): string => Words.join(unanswered, utterance?.transcript?.text ?? "")

export const of = (state: TurnState): TurnMemory => {
  const { active, farewell, onHoldUntil, transferring, unheardGreeting } = state
  return {
    history: state.history,
    dialogue: state.dialogue,
    unanswered: unansweredOf(state),
    digits: state.digits,
    areDigitsDue: state.areDigitsDue,
    answeredFarewells: state.answeredFarewells,
    nextReplyId: state.nextReplyId,
    nextUtteranceId: state.nextUtteranceId,
    isIdlePrompted: state.isIdlePrompted,
    wasAskedAgain: state.wasAskedAgain,
    failuresInRow: state.failuresInRow,
    ...(active === undefined ? {} : { reply: replyMemory(active) }),
    ...(unheardGreeting === undefined ? {} : { unheardGreeting }),
    ...(transferring === undefined ? {} : { transferring }),
    ...(farewell === undefined ? {} : { farewell: farewell.reason }),
    ...(onHoldUntil === undefined ? {} : { onHoldUntil })
  }
}

const isSameReply = (before: ReplyState | undefined, after: ReplyState | undefined): boolean =>
  before === after || (before !== undefined && after !== undefined &&
    before.id === after.id && before.segments === after.segments && before.heard === after.heard && before.phase._tag === after.phase._tag &&
    before.isTextDone === after.isTextDone && before.hangUp === after.hangUp && before.transfer === after.transfer && before.digits === after.digits)

/**
 * Whether two states count as the same memory, so that the memory is not written again. Text of the model counts only when it goes to speech
 * synthesis. Fields that are not compared here, such as counters, are written with the next change.
 */
export const isSame = (before: TurnState, after: TurnState): boolean =>
  isSameReply(before.active, after.active) && before.history === after.history && before.dialogue === after.dialogue &&
  before.unanswered === after.unanswered && before.digits === after.digits && before.areDigitsDue === after.areDigitsDue &&
  before.farewell === after.farewell && before.transferring === after.transferring && before.onHoldUntil === after.onHoldUntil &&
  before.isIdlePrompted === after.isIdlePrompted && before.utterance?.transcript === after.utterance?.transcript
