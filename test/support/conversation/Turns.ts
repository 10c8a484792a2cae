/** Runs the turn machine as a conversation does, with a clock of its own. */
import { Schema } from "effect"
import type { ConversationEvent } from "../../../src/conversation/ports/ConversationEvent.ts"
import { TurnMemory as MemorySchema } from "../../../src/conversation/ports/ConversationMemory.ts"
import type { DialogueState } from "../../../src/conversation/ports/ReplyModel.ts"
import type { Transcript } from "../../../src/conversation/ports/SpeechToText.ts"
import type { Command } from "../../../src/conversation/turn/TurnCommand.ts"
import type { Timer, TurnEvent } from "../../../src/conversation/turn/TurnEvent.ts"
import * as Transition from "../../../src/conversation/turn/Transition.ts"
import * as TurnMemory from "../../../src/conversation/turn/resumption/TurnMemory.ts"
import { initial as initialState } from "../../../src/conversation/turn/TurnState.ts"
import type { TurnSettings, TurnState } from "../../../src/conversation/turn/TurnState.ts"

export const settings: TurnSettings = {
  lines: {
    greeting: "Hello, how can I help you?",
    idle: "Are you still there?",
    idleGoodbye: "I will hang up now. Goodbye.",
    apology: "Sorry, something went wrong. Please say that again.",
    failure: "I am sorry, I can not help you now. Goodbye.",
    timeIsUp: "Our time is up. Goodbye.",
    transferFailed: "I could not put you through.",
    resumed: "Sorry, we were cut off."
  },
  endpointing: { silence: 300, complete: 250, trailing: 800, speculate: 120 },
  interruption: { minSpeech: 200, backchannels: ["uh-huh", "okay", "yes"] },
  idle: { after: 8000, hangUpAfter: 20_000 },
  maxDuration: 600_000
}

const decodeMemory = Schema.decodeUnknownSync(MemorySchema)

type Body<A> = A extends unknown ? Omit<A, "at"> : never

export const complete = (text: string): Transcript => ({ text, ending: "complete" })

export const make = (overrides: Partial<TurnSettings> = {}, from = 0) => {
  const own: TurnSettings = { ...settings, ...overrides }
  const transition = Transition.make(own)
  let state = initialState
  let now = from
  const timers = new Map<Timer, { readonly id: number; readonly due: number }>()
  const all: Array<Command> = []
  const events: Array<TurnEvent> = []
  const steps: Array<{ readonly event: TurnEvent; readonly commands: ReadonlyArray<Command>; readonly state: TurnState }> = []

  const send = (body: Body<TurnEvent>): ReadonlyArray<Command> => {
    const event = { ...body, at: now } as TurnEvent
    events.push(event)
    const [commands, next] = transition(state, event)
    state = next
    steps.push({ event, commands, state })
    for (const command of commands) {
      all.push(command)
      if (command._tag === "StartTimer") timers.set(command.timer, command)
      if (command._tag === "CancelTimer") timers.delete(command.timer)
    }
    return commands
  }

  /** Lets time pass. Timers that are due fire in order. Gives all commands of that time. */
  const pass = (millis: number): ReadonlyArray<Command> => {
    const until = now + millis
    const commands: Array<Command> = []
    while (true) {
      const [next] = [...timers].filter(([, { due }]) => due <= until).sort(([, a], [, b]) => a.due - b.due)
      if (next === undefined) break
      const [timer, { due, id }] = next
      timers.delete(timer)
      now = Math.max(now, due)
      commands.push(...send({ _tag: "TimerFired", timer, id }))
    }
    now = until
    return commands
  }

  const tag = <Tag extends Command["_tag"]>(name: Tag) => (command: Command): command is Extract<Command, { readonly _tag: Tag }> =>
    command._tag === name

  /** The newest sound that was ordered: a segment of speech, or keys. */
  const lastSound = () =>
    all.findLast((command): command is Extract<Command, { readonly _tag: "Speak" | "Press" }> =>
      command._tag === "Speak" || command._tag === "Press")

  const last = <Tag extends Command["_tag"]>(name: Tag) => all.findLast(tag(name))

  /** The newest segment is made, and begins to play. */
  const play = (duration = 1000): number => {
    const spoken = lastSound()
    if (spoken === undefined) throw new Error("Nothing is to be spoken")
    const { reply, segment } = spoken
    send({ _tag: "SpeechBegan", reply, segment })
    send({ _tag: "MediaSent", reply, segment })
    send({ _tag: "SpeechEnded", reply, segment, duration })
    return reply
  }

  const heard = () => {
    const spoken = lastSound()
    if (spoken === undefined) throw new Error("Nothing is to be spoken")
    return send({ _tag: "MarkReturned", reply: spoken.reply, segment: spoken.segment })
  }

  return {
    settings: own,
    send,
    pass,
    play,
    heard,
    last,
    all,
    events,
    /** Each event with its commands and the state after it. */
    steps,
    tag,
    get now() {
      return now
    },
    /** When the next timer is due. */
    get nextDue() {
      return Math.min(...Array.from(timers.values(), ({ due }) => due))
    },
    get state() {
      return state
    },
    count: (name: Command["_tag"]) => all.filter(tag(name)).length,
    published: <Tag extends ConversationEvent["_tag"]>(name: Tag) =>
      all.flatMap((command) =>
        command._tag === "Publish" && command.event._tag === name
          ? [command.event as Extract<ConversationEvent, { readonly _tag: Tag }>]
          : []
      ),
    /** The greeting has been heard. */
    greeted: () => {
      send({ _tag: "Began" })
      play()
      pass(1000)
      heard()
    },
    /** The caller speaks for this long (ms), then the voice stops. */
    voice: (millis: number) => {
      send({ _tag: "VoiceStarted", since: now })
      pass(millis)
      const since = now
      pass(64)
      send({ _tag: "VoiceStopped", since })
    },
    transcribed: (transcript: Transcript | string) => {
      const asked = all.findLast(tag("Transcribe"))
      if (asked === undefined) throw new Error("No transcript was asked for")
      const { attempt, utterance } = asked
      return send({
        _tag: "Transcribed",
        utterance,
        attempt,
        transcript: typeof transcript === "string" ? complete(transcript) : transcript
      })
    },
    /** The newest reply's model writes its whole answer. */
    answers: (
      text: string,
      more: { readonly hangUp?: boolean; readonly state?: DialogueState; readonly transfer?: string; readonly digits?: string } = {}
    ) => {
      const reply = all.findLast(tag("StartReply"))?.reply
      if (reply === undefined) throw new Error("No reply was asked for")
      send({ _tag: "ReplyText", reply, text })
      if (more.state !== undefined) send({ _tag: "ReplyState", reply, state: more.state })
      if (more.hangUp === true) send({ _tag: "ReplyHangUp", reply })
      if (more.transfer !== undefined) send({ _tag: "ReplyTransfer", reply, to: more.transfer })
      if (more.digits !== undefined) send({ _tag: "ReplyDigits", reply, digits: more.digits })
      send({ _tag: "ReplyDone", reply })
      return reply
    }
  }
}

export type Turns = ReturnType<typeof make>

/** Cuts the line now. The conversation goes on after `gap` ms in another media stream. */
export const reconnect = (
  before: Turns,
  { gap = 1000, isAfterTransfer = false }: { readonly gap?: number; readonly isAfterTransfer?: boolean } = {}
): Turns => {
  // The memory is written and read as JSON, as in a store.
  const memory = decodeMemory(JSON.parse(JSON.stringify(TurnMemory.of(before.state))))
  const turns = make(before.settings, before.now + gap)
  turns.send({ _tag: "Reconnected", memory, isAfterTransfer })
  return turns
}
