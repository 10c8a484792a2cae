/**
 * A transition in progress: a copy of the state, which the rules change, and the commands so far.
 */
import type { ConversationEvent } from "../ports/ConversationEvent.ts"
import type { Stage } from "../ports/Engine.ts"
import type { ReplyState } from "./ReplyState.ts"
import type { Command } from "./TurnCommand.ts"
import type { Timer } from "./TurnEvent.ts"
import type { TurnSettings, TurnState } from "./TurnState.ts"
import type * as Farewell from "./judgements/Farewell.ts"
import type * as GreetingAnswer from "./words/GreetingAnswer.ts"

/** Phrases of the call's language, prepared once for each call. */
interface KnownPhrases {
  /** In the form of `Words.plain`. */
  readonly backchannels: ReadonlySet<string>
  readonly isBareGreeting: GreetingAnswer.IsBareGreeting
  readonly isClosing: Farewell.IsClosing
}

/** Each event has its own draft, which is passed from rule to rule. */
export interface Draft {
  readonly state: { -readonly [Key in keyof TurnState]: TurnState[Key] }
  readonly commands: Array<Command>
  readonly settings: TurnSettings
  readonly phrases: KnownPhrases
  /** The event's time: ms since the conversation began. */
  readonly at: number
}

export const addCommand = (draft: Draft, command: Command): void => {
  draft.commands.push(command)
}

/** Publishes an event to watchers and history. `turn`: the id of the reply to which the event belongs. */
export const publish = (draft: Draft, turn: number, event: DistributiveOmit<ConversationEvent, "at" | "turn">): void => {
  addCommand(draft, { _tag: "Publish", event: { at: draft.at, turn, ...event } as ConversationEvent })
}

/** Publishes that an engine failed. */
export const publishTrouble = (draft: Draft, stage: Stage, reason: string): void => {
  publish(draft, draft.state.active?.id ?? draft.state.nextReplyId, { _tag: "EngineTrouble", stage, reason })
}

/** `due`: ms since the conversation began. Replaces a timer of the same name. */
export const startTimer = (draft: Draft, timer: Timer, due: number): void => {
  const id = draft.state.nextTimerId++
  draft.state.timers = { ...draft.state.timers, [timer]: id }
  addCommand(draft, { _tag: "StartTimer", timer, id, due })
}

export const cancelTimer = (draft: Draft, timer: Timer): void => {
  if (draft.state.timers[timer] === undefined) return
  forgetTimer(draft, timer)
  addCommand(draft, { _tag: "CancelTimer", timer })
}

/** Removes a timer from the state, because it has fired or is cancelled. */
export const forgetTimer = (draft: Draft, timer: Timer): void => {
  const { [timer]: _id, ...timers } = draft.state.timers
  draft.state.timers = timers
}

/** Writes a changed reply back to the state, as the active or the preemptive one. */
export const updateReply = (draft: Draft, reply: ReplyState): ReplyState => {
  if (draft.state.preemptive?.id === reply.id) draft.state.preemptive = reply
  else draft.state.active = reply
  return reply
}

/** Runs a rule on the reply with this id. Does nothing if the reply is neither the active nor the preemptive one. */
export const withReply = (draft: Draft, id: number, rule: (reply: ReplyState) => void): void => {
  const reply = draft.state.active?.id === id ? draft.state.active : draft.state.preemptive
  if (reply?.id === id) rule(reply)
}

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never
