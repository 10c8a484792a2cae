/**
 * One transition in the making: the state that is written to, the orders so far, and what a rule may look at.
 */
import type { ConversationEvent } from "../ports/ConversationEvent.ts"
import type { Stage } from "../ports/Engine.ts"
import type { Command, Timer } from "./TurnEvent.ts"
import type { Reply, TurnSettings, TurnState } from "./TurnState.ts"
import * as Farewell from "./judgements/Farewell.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"

/** What short utterances mean. */
export interface KnownPhrases {
  readonly backchannels: ReadonlySet<string>
  readonly isBareGreeting: GreetingAnswer.IsBareGreeting
  readonly isClosing: Farewell.IsClosing
}

/** Made for one event, and given from rule to rule. */
export interface Draft {
  readonly state: { -readonly [Key in keyof TurnState]: TurnState[Key] }
  readonly commands: Array<Command>
  readonly settings: TurnSettings
  readonly phrases: KnownPhrases
  /** The event's time: ms since the conversation began. */
  readonly at: number
  /** A reply was heard to its end: `AfterReply`, which lies above the rules that find it out. */
  readonly afterReply: (draft: Draft, reply: Reply) => void
}

export const order = (draft: Draft, command: Command): void => {
  draft.commands.push(command)
}

export const tell = (draft: Draft, turn: number, event: DistributiveOmit<ConversationEvent, "at" | "turn">): void => {
  order(draft, { _tag: "Tell", event: { at: draft.at, turn, ...event } as ConversationEvent })
}

export const startTimer = (draft: Draft, timer: Timer, due: number): void => {
  const id = draft.state.nextTimer++
  draft.state.timers = { ...draft.state.timers, [timer]: id }
  order(draft, { _tag: "StartTimer", timer, id, due })
}

export const cancelTimer = (draft: Draft, timer: Timer): void => {
  if (draft.state.timers[timer] === undefined) return
  forgetTimer(draft, timer)
  order(draft, { _tag: "CancelTimer", timer })
}

export const forgetTimer = (draft: Draft, timer: Timer): void => {
  const { [timer]: _id, ...timers } = draft.state.timers
  draft.state.timers = timers
}

/** Keeps a reply where it belongs. */
export const keepReply = (draft: Draft, reply: Reply): Reply => {
  if (draft.state.speculation?.id === reply.id) draft.state.speculation = reply
  else draft.state.active = reply
  return reply
}

/** Only a reply that still counts is heard of. */
export const onReply = (draft: Draft, id: number, then: (reply: Reply) => void): void => {
  const reply = draft.state.active?.id === id ? draft.state.active : draft.state.speculation
  if (reply?.id === id) then(reply)
}

export const trouble = (draft: Draft, stage: Stage, reason: string): void => {
  tell(draft, draft.state.active?.id ?? draft.state.nextReply, { _tag: "EngineTrouble", stage, reason })
}

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never
