/**
 * The commands of the turn machine, as plain data. `CommandInterpreter` carries them out, in order.
 */
import type { ConversationEvent } from "../ports/ConversationEvent.ts"
import type { ReplyRequest } from "../ports/ReplyModel.ts"
import type { Timer } from "./TurnEvent.ts"

export type Command =
  /**
   * Begin a new utterance of the recognizer with the pre-speech sound, and add all sound from now on. `after`: the id of the utterance that
   * the new one continues. Then the pre-speech sound begins at `since`, or is left out if `since` is unset.
   */
  | { readonly _tag: "BeginUtterance"; readonly utterance: number; readonly after?: number; readonly since?: number }
  | { readonly _tag: "Transcribe"; readonly utterance: number; readonly attempt: number }
  | { readonly _tag: "CancelTranscription"; readonly utterance: number; readonly attempt: number }
  | { readonly _tag: "EndUtterance"; readonly utterance: number }
  /** Ask the model for a reply. */
  | { readonly _tag: "StartReply"; readonly reply: number; readonly request: ReplyRequest }
  /** Stop the reply's model and speech. Its queued sound is dropped, and its later events are ignored. */
  | { readonly _tag: "CancelReply"; readonly reply: number }
  /** Synthesize this text after the reply's earlier segments. A mark follows the speech. */
  | { readonly _tag: "Speak"; readonly reply: number; readonly segment: number; readonly text: string; readonly kind: SpeechKind }
  /** Make the tones of these keys after the reply's earlier segments. A mark follows the tones. */
  | { readonly _tag: "Press"; readonly reply: number; readonly segment: number; readonly digits: string }
  /** The reply's sound may leave. */
  | { readonly _tag: "Release"; readonly reply: number }
  /** The reply's sound must wait again. */
  | { readonly _tag: "Hold"; readonly reply: number }
  /** Drop the reply's segments from segment `from` on. The model continues to write. */
  | { readonly _tag: "StopSpeech"; readonly reply: number; readonly from: number }
  /** Discard sound that was sent and not played yet. */
  | { readonly _tag: "Clear" }
  /** Start a timer, instead of an earlier timer of the same name. `due`: ms since the conversation began. */
  | { readonly _tag: "StartTimer"; readonly timer: Timer; readonly id: number; readonly due: number }
  | { readonly _tag: "CancelTimer"; readonly timer: Timer }
  /** Request partial transcripts from now on, or stop requesting them. */
  | { readonly _tag: "WantWords"; readonly isWanted: boolean }
  /** The caller's turn is over, and this reply is the answer. So the reply may now call tools with side effects. */
  | { readonly _tag: "SettleReply"; readonly reply: number }
  /** The caller said `text`. `isRequest`: the words may ask for something. `false`: the caller only asked the agent to wait. */
  | { readonly _tag: "RememberCallerWords"; readonly text: string; readonly isRequest: boolean }
  /** The reply is over. `text`: the words of the reply that the caller heard. */
  | { readonly _tag: "RememberAgentWords"; readonly reply: number; readonly text: string }
  /** The reply is over. No later command has its id, and its unheard sound is forgotten. */
  | { readonly _tag: "ForgetReply"; readonly reply: number }
  /** Pass the event to watchers and to the history. */
  | { readonly _tag: "Publish"; readonly event: ConversationEvent }
  /** End the call. The agent says no more. */
  | { readonly _tag: "HangUp"; readonly reason: string }
  /** Transfer the call. `to`: a name in `AgentDefinition.transfers`. The caller has heard the agent's words. */
  | { readonly _tag: "Transfer"; readonly to: string }
  /** Report the result of the transfer that was requested before the stream was lost. */
  | { readonly _tag: "AwaitTransfer" }

/** `reply`: the model's words. `line`, `filler`: fixed words, whose sound was made before the call. */
export type SpeechKind = "reply" | "line" | "filler"

/** The name of the mark that follows a segment. */
export const markName = (reply: number, segment: number): string => `turn-${reply}/seg-${segment}`

/** The segment whose mark has this name. `undefined`: the mark is not ours. */
export const parseMark = (name: string): { readonly reply: number; readonly segment: number } | undefined => {
  const match = /^turn-(\d+)\/seg-(\d+)$/.exec(name)
  return match === null ? undefined : { reply: Number(match[1]), segment: Number(match[2]) }
}
