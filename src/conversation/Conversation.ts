/**
 * One conversation: the parts that listen, speak and act, around the turn machine that decides.
 *
 * ```text
 * line ─▶ CallerSound ─▶ voice ──────────┐
 *             └─▶ UtteranceRecognition ──┤
 *         TurnTimers ────────────────────┼─ events ─▶ TurnLoop (Transition) ─ commands ─▶ CommandInterpreter ─▶ the parts
 *         ReplyGeneration ───────────────┤
 *         ReplySpeech ───────────────────┘
 *             └─▶ out, bounded ─▶ PlaybackReporter ─▶ line; its marks come back as events
 * ```
 *
 * One fiber processes the events in order. Engines, timers and sound run in other fibers of the conversation's scope, and report events.
 * So an engine that hangs delays no other part.
 */
import { Cause, Clock, Effect, Queue, type Scope, Stream } from "effect"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import * as CallTransfer from "./CallTransfer.ts"
import * as CommandInterpreter from "./CommandInterpreter.ts"
import * as MemoryWriter from "./MemoryWriter.ts"
import * as CallerSound from "./listen/CallerSound.ts"
import * as MediaClock from "./listen/MediaClock.ts"
import * as UtteranceRecognition from "./listen/UtteranceRecognition.ts"
import type { ConversationMemory } from "./ports/ConversationMemory.ts"
import type { AgentSide, CallSide } from "./ports/AudioPort.ts"
import { reasonOf } from "./ports/Engine.ts"
import type { Replier } from "./ports/ReplyModel.ts"
import type { Recognizer } from "./ports/SpeechToText.ts"
import type { TextToSpeech } from "./ports/TextToSpeech.ts"
import type { Tools } from "./ports/Tools.ts"
import type { VoiceActivity } from "./ports/VoiceActivity.ts"
import * as SpeechContext from "./speak/context/SpeechContext.ts"
import * as KeyPresses from "./speak/KeyPresses.ts"
import type { Outgoing } from "./speak/Outgoing.ts"
import * as PlaybackReporter from "./speak/PlaybackReporter.ts"
import * as ReplyGeneration from "./speak/ReplyGeneration.ts"
import * as ReplySpeech from "./speak/ReplySpeech.ts"
import * as ToolRunner from "./tools/ToolRunner.ts"
import * as Transition from "./turn/Transition.ts"
import { parseMark } from "./turn/TurnCommand.ts"
import type { TurnEvent } from "./turn/TurnEvent.ts"
import * as TurnLoop from "./turn/TurnLoop.ts"
import * as TurnTimers from "./turn/TurnTimers.ts"

/** How many items may wait between the conversation and the line. The line has its own queue for sound. */
const maxOutgoingItems = 2

/** The engines that were prepared for one agent. */
export interface Engines {
  readonly voiceActivity: VoiceActivity["Service"]
  readonly recognizer: Recognizer
  readonly replier: Replier
  readonly tools: Tools["Service"]
  readonly textToSpeech: TextToSpeech["Service"]
}

/** The call, and the function that writes the event log. */
export interface RecordedCall extends CallSide<8000> {
  /** Called with each event in order, before the turn machine processes the event. Unset: no event log is written. */
  readonly record?: (event: TurnEvent) => void
}

/**
 * The conversation's clock. It continues where the memory ends, so that all media streams of the call have one time axis. `resumedAt`:
 * see `Resumption`.
 */
const makeClock = (memory: ConversationMemory | undefined, resumedAt: number | undefined) =>
  Effect.map(Clock.Clock, (clock) => {
    const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const wall = clock.currentTimeMillisUnsafe()
    const beganAt = memory?.beganAt ?? wall
    // The wall clock of this machine may be behind the clock of the machine that wrote the memory.
    const startsAt = memory === undefined ? 0 : Math.max(memory.at, resumedAt ?? wall - beganAt)
    const started = monotonic()
    return { beganAt, now: () => startsAt + monotonic() - started }
  })

/** Makes the parts that process the caller's sound, and the timers, since most of them run on media time. */
const listen = Effect.fnUntraced(function*(
  { timeouts }: AgentDefinition,
  { recognizer, voiceActivity }: Engines,
  { context, loop, now }: { readonly now: () => number; readonly loop: TurnLoop.TurnLoop; readonly context: SpeechContext.SpeechContext | undefined }
) {
  const { processed, report } = loop
  const clock = MediaClock.make(now)
  const timers = yield* TurnTimers.make({ now, clock, fire: (timer, id) => report({ _tag: "TimerFired", timer, id }) })
  /** A timer's commands may start or cancel other timers. So the next timer fires only after these commands were carried out. */
  const fireTimers = (position: number): Effect.Effect<void> =>
    Effect.flatMap(processed, () => timers.fireDue(position) ? fireTimers(position) : Effect.void)

  const recognition = yield* UtteranceRecognition.make({
    recognizer,
    timeout: timeouts.transcript,
    report,
    ...(context === undefined ? {} : { copy: context })
  })
  const callerSound = yield* CallerSound.make({
    openDetector: voiceActivity.open,
    // The agent's file has no timeout for the voice detector, so the timeout for speech applies.
    openTimeout: timeouts.speech,
    clock,
    listener: {
      wantsSound: recognition.isHearing,
      onSound: recognition.hear,
      onPosition: (position) => timers.fireDue(position) ? fireTimers(position) : undefined,
      onVoice: ({ _tag, ago, at }) => {
        if (_tag === "VoiceStopped") recognition.voiceStopped(ago)
        else recognition.voiceStarted()
        report({ _tag, since: at })
        return processed
      },
      onTrouble: (cause) => report({ _tag: "Trouble", stage: "voiceActivity", reason: reasonOf(cause) })
    }
  })
  return { callerSound, recognition, timers }
})

/** Makes the tools, and the writer of the conversation's memory. */
const makeTools = (
  { interruption, smallTalk = [] }: AgentDefinition,
  engines: Engines,
  { actions, remember }: RecordedCall,
  memory: ConversationMemory | undefined,
  clock: { readonly beganAt: number; readonly now: () => number }
) => {
  const tools = ToolRunner.make({
    tools: engines.tools,
    smallTalk: [interruption.backchannels, smallTalk],
    onChange: () => memoryWriter?.onTools(),
    ...(actions === undefined ? {} : { actions }),
    ...(memory === undefined ? {} : { memory: memory.tools })
  })
  const memoryWriter = remember === undefined ? undefined : MemoryWriter.make({ ...clock, remember, tools: tools.memory })
  return { tools, memoryWriter }
}

/** Ends the turn machine, and publishes its last events. */
const publishEnd = (loop: TurnLoop.TurnLoop, { publish, whyEnded }: Pick<CallSide, "publish" | "whyEnded">) =>
  Effect.forEach(
    loop.hangUp(whyEnded === undefined ? "callerHungUp" : whyEnded() ?? null),
    (command) => command._tag === "Publish" ? publish(command.event) : Effect.void,
    { discard: true }
  )

/** The conversation's side of the port to the call: the items that it sends, and the function that takes the call's signals. */
const agentSide = (
  out: Queue.Dequeue<Outgoing, Cause.Done>,
  { keys, playback, report }: { readonly playback: PlaybackReporter.PlaybackReporter; readonly keys: KeyPresses.KeyPresses; readonly report: TurnLoop.TurnLoop["report"] }
): AgentSide<never, 8000> => ({
  outboundItems: Stream.fromQueue(out).pipe(
    Stream.filter((item) => item.isWanted()),
    Stream.map((item) => {
      keys.onItemLeft(item)
      return playback.toOutboundItem(item)
    })
  ),
  signal: (signal) =>
    Effect.sync(() => {
      if (signal._tag === "Digit") return report({ _tag: "Digit", digit: signal.digit })
      const mark = parseMark(signal.name)
      if (mark === undefined) return
      keys.onMarkReturned(mark)
      report({ _tag: "MarkReturned", ...mark })
    })
})

/** Begins the conversation. When the effect ends, the turn machine is running. Its first event is `Began` or `Reconnected`. */
export const open = Effect.fnUntraced(function*(
  definition: AgentDefinition,
  engines: Engines,
  line: RecordedCall
): Effect.fn.Return<AgentSide<never, 8000>, never, Scope.Scope> {
  const { replier, textToSpeech } = engines
  const scope = yield* Effect.scope
  const { actions, resumption } = line
  const memory = resumption === undefined || resumption.memory === "lost" ? undefined : resumption.memory
  const clock = yield* makeClock(memory, resumption?.resumedAt)
  const { now } = clock
  const { memoryWriter, tools } = makeTools(definition, engines, line, memory, clock)
  const loop = yield* TurnLoop.make({
    transition: Transition.make({
      ...definition,
      answersUnintelligible: replier.answersUnintelligible === true,
      isOutbound: line.isOutbound === true
    }),
    now,
    record: line.record,
    ...(memoryWriter === undefined ? {} : { remember: memoryWriter.onTurn })
  })
  const { report } = loop

  const context = textToSpeech.contextMillis === undefined ? undefined : SpeechContext.make(textToSpeech.contextMillis)
  const { callerSound, recognition, timers } = yield* listen(definition, engines, { now, loop, context })

  const generation = yield* ReplyGeneration.make({ replier, tools, timeout: definition.timeouts.reply, report })
  const out = yield* Queue.bounded<Outgoing, Cause.Done>(maxOutgoingItems)
  const speech = yield* ReplySpeech.make({
    textToSpeech,
    voice: definition,
    timeout: definition.timeouts.speech,
    out,
    report,
    ...(context === undefined ? {} : { context })
  })
  const playback = PlaybackReporter.make({ now, callerSound, report })
  const keys = KeyPresses.make(actions)
  yield* Effect.addFinalizer(() => Effect.sync(keys.end))

  const interpreter = CommandInterpreter.make({
    callerSound,
    recognition,
    generation,
    speech,
    playback,
    keys,
    timers,
    tools,
    context,
    line: {
      clear: line.clear,
      publish: line.publish,
      isWatched: line.isWatched ?? (() => true),
      hangUp: Queue.end(out),
      transfer: (to) => Effect.forkIn(CallTransfer.run(to, `transfer-${Math.round(now())}`, definition, line, report), scope),
      awaitTransfer: Effect.sync(() => CallTransfer.reportResult(line, report))
    }
  })

  // Watchers get the last events, with the words that the caller heard, even if the media stream is gone.
  yield* Effect.addFinalizer(() => publishEnd(loop, line))

  /** A defect fails the stream of outbound items, which ends the call. Otherwise the caller would wait on a silent line. */
  const orFail = <A>(run: Effect.Effect<A>) =>
    Effect.onError(run, (cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : Queue.failCause(out, cause))
  yield* Effect.forkIn(orFail(loop.run(interpreter)), scope)
  yield* Effect.forkIn(orFail(Stream.runForEachArray(line.audio, callerSound.hear)), scope)
  report(
    resumption === undefined
      ? { _tag: "Began" }
      : { _tag: "Reconnected", memory: memory?.turn ?? null, isAfterTransfer: resumption.isAfterTransfer }
  )

  return agentSide(out, { playback, keys, report })
})
