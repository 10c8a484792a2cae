/**
 * A fake telephone line for a conversation, on the test's clock. The caller's frames come in real time. The line plays the agent's sound
 * with a buffer like Twilio's. It returns a mark when its sound has been played or cleared, and records what was sent and when.
 */
import { type Cause, Clock, Effect, Queue, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Pcm from "../../../src/audio/Pcm.ts"
import type { RecordedCall } from "../../../src/conversation/Conversation.ts"
import { type AgentSide, type OutboundItem, Signal } from "../../../src/conversation/ports/AudioPort.ts"
import type { ConversationEvent } from "../../../src/conversation/ports/ConversationEvent.ts"
import type { TurnEvent } from "../../../src/conversation/turn/TurnEvent.ts"
import { settle } from "../service/Time.ts"

/** An item that was sent to the caller. Times are ms of the test's clock. */
export type Left =
  | { readonly _tag: "Sound"; readonly at: number; readonly pcm: Pcm.Pcm<8000> }
  | { readonly _tag: "Mark"; readonly at: number; readonly name: string }
  | { readonly _tag: "Clear"; readonly at: number }

export interface FakeLine {
  readonly end: RecordedCall
  /** Plays the conversation's sound until the scope is closed. */
  readonly play: (agent: AgentSide<unknown>) => Effect.Effect<void, never, Scope.Scope>
  /** The caller speaks, in frames of 20 ms in real time. The voice has short gaps, since a steady noise is no voice. */
  readonly voice: (millis: number) => Effect.Effect<void>
  /** The caller is silent. Frames of silence come. */
  readonly quiet: (millis: number) => Effect.Effect<void>
  /** No frame comes, and the line knows that the caller is silent. It delivers silence in pieces of 100 ms. */
  readonly gap: (millis: number) => Effect.Effect<void>
  /** The network holds up the caller's sound during this effect, and then delivers all of it at once. */
  readonly stall: <A>(meanwhile: Effect.Effect<A>) => Effect.Effect<A>
  /** The caller's sound during this effect comes in one message. */
  readonly inOneMessage: <A>(meanwhile: Effect.Effect<A>) => Effect.Effect<A>
  /** Frames of this sound come for this many ms. */
  readonly frames: (millis: number, sample: (index: number) => number) => Effect.Effect<void>
  readonly left: ReadonlyArray<Left>
  readonly published: ReadonlyArray<ConversationEvent>
  readonly events: ReadonlyArray<TurnEvent>
  /** The events of this kind that watchers got. */
  readonly tales: <Tag extends ConversationEvent["_tag"]>(tag: Tag) => ReadonlyArray<Extract<ConversationEvent, { readonly _tag: Tag }>>
  readonly now: () => number
  /** The conversation ended the call. */
  readonly isCut: () => boolean
  /** From now on no mark comes back, not even after a clear. */
  readonly loseMarks: () => void
  /** From now on the marks of played sound come back this many ms later. */
  readonly delayMarks: (millis: number) => void
}

/** Sound is sent this long (ms) before it is played. */
const leadMillis = 200

const frameMillis = 20

/** ms of silence that a line delivers at once when no frames come. */
const silenceMillis = 100

/** Samples of a syllable, 400 ms, and of the silence within the syllable, 40 ms, like a consonant's closure. */
const syllable = 3200
const stop = 320

/** Noise from a linear congruential generator: the same in each run, loud enough for a voice, and not like any played sound. */
const makeNoise = () => {
  let seed = 1
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
    return seed >> 18
  }
}

export const make: Effect.Effect<FakeLine> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const audio = yield* Queue.unbounded<Pcm.Pcm<8000>, Cause.Done>()
  const left: Array<Left> = []
  const published: Array<ConversationEvent> = []
  const events: Array<TurnEvent> = []
  const noise = makeNoise()
  let generation = 0
  let playedUntil = 0
  let isCut = false
  let losesMarks = false
  let markDelay = 0
  let pending: Array<string> = []
  let signal: AgentSide["signal"] = () => Effect.void

  const returnMark = (name: string) =>
    Effect.suspend(() => {
      if (!pending.includes(name)) return Effect.void
      pending = pending.filter((other) => other !== name)
      return losesMarks ? Effect.void : signal(Signal.MarkReturned({ name }))
    })

  const one = (item: OutboundItem, current: number): Effect.Effect<unknown, never, Scope.Scope> => {
    if (current !== generation) return Effect.void
    if (item instanceof Int16Array) {
      const length = item.length / 8
      return Effect.andThen(
        Effect.suspend(() => Effect.sleep(Math.max(0, playedUntil + length - now() - leadMillis))),
        Effect.sync(() => {
          if (current !== generation) return
          left.push({ _tag: "Sound", at: now(), pcm: Pcm.of(8000, item) })
          playedUntil = Math.max(playedUntil, now()) + length
        })
      )
    }
    if (item._tag === "Sent") return Effect.sync(item.notify)
    left.push({ _tag: "Mark", at: now(), name: item.name })
    pending.push(item.name)
    return Effect.forkScoped(Effect.andThen(Effect.sleep(Math.max(0, playedUntil - now()) + markDelay), returnMark(item.name)))
  }

  /** Sound that the network holds up. */
  let heldUp: Array<Pcm.Pcm<8000>> | undefined
  const bring = (pcm: Pcm.Pcm<8000>) => {
    if (heldUp === undefined) Queue.offerUnsafe(audio, pcm)
    else heldUp.push(pcm)
  }

  const holdingUp = (bringing: (pieces: ReadonlyArray<Pcm.Pcm<8000>>) => ReadonlyArray<Pcm.Pcm<8000>>) => <A>(meanwhile: Effect.Effect<A>) =>
    Effect.gen(function*() {
      heldUp = []
      const result = yield* meanwhile
      Queue.offerAllUnsafe(audio, bringing(heldUp))
      heldUp = undefined
      yield* settle
      return result
    })

  const frames = (millis: number, sample: (index: number) => number) =>
    Effect.forEach(Array.from({ length: Math.round(millis / frameMillis) }), (_, frame) => {
      const samples = frameMillis * 8
      bring(Int16Array.from({ length: samples }, (_, index) => sample(frame * samples + index)))
      return Effect.andThen(settle, TestClock.adjust(frameMillis))
    }, { discard: true })

  const line: FakeLine = {
    end: {
      callId: "CA1",
      isOutbound: false,
      audio: Stream.fromQueue(audio),
      borrowedAudio: Stream.fromQueue(audio),
      isWatched: () => true,
      clear: Effect.suspend(() => {
        generation++
        left.push({ _tag: "Clear", at: now() })
        playedUntil = now()
        return Effect.forEach(pending, returnMark, { discard: true })
      }),
      publish: (event) => Effect.sync(() => void published.push(event)),
      record: (event) => void events.push(event)
    },
    play: (agent) => {
      signal = agent.signal
      return Effect.asVoid(Effect.forkScoped(
        agent.outboundItems.pipe(
          Stream.runForEachArray((items) => {
            // As on the real line, a clear that comes while an array is being sent takes effect after the array.
            const current = generation
            return Effect.forEach(items, (item) => Effect.suspend(() => one(item, current)), { discard: true })
          }),
          Effect.andThen(Effect.sync(() => {
            isCut = true
          }))
        )
      ))
    },
    voice: (millis) => frames(millis, (index) => index % syllable < syllable / 2 || index % syllable >= syllable / 2 + stop ? noise() : 0),
    quiet: (millis) => frames(millis, () => 0),
    gap: (millis) =>
      Effect.gen(function*() {
        for (let left = millis; left > 0; left -= silenceMillis) {
          const length = Math.min(left, silenceMillis)
          yield* Effect.andThen(settle, TestClock.adjust(length))
          bring(new Int16Array(length * 8))
        }
      }),
    stall: holdingUp((pieces) => pieces),
    inOneMessage: holdingUp((pieces) => [Int16Array.from(pieces.flatMap((piece) => [...piece]))]),
    frames,
    left,
    published,
    events,
    tales: <Tag extends ConversationEvent["_tag"]>(tag: Tag) =>
      published.filter((event): event is Extract<ConversationEvent, { readonly _tag: Tag }> => event._tag === tag),
    now,
    isCut: () => isCut,
    delayMarks: (millis) => {
      markDelay = millis
    },
    loseMarks: () => {
      losesMarks = true
    }
  }
  return line
})

/** What was sent, as text: `["Hello. 420", "mark turn-0/seg-0", "clear"]`. Sound is shown by its text and its ms. */
export const story = (line: Pick<FakeLine, "left">, textOf: (sample: number) => string): ReadonlyArray<string> => {
  const summary: Array<string> = []
  let text: string | undefined
  let millis = 0
  const flush = () => {
    if (text !== undefined) summary.push(`${text} ${millis}`)
    text = undefined
    millis = 0
  }
  for (const item of line.left) {
    if (item._tag !== "Sound") {
      flush()
      summary.push(item._tag === "Clear" ? "clear" : `mark ${item.name}`)
      continue
    }
    const spoken = textOf(item.pcm[0])
    if (spoken !== text) flush()
    text = spoken
    millis += item.pcm.length / 8
  }
  flush()
  return summary
}
