/**
 * One conversation: the interpreter of the turn machine. It hears the caller, carries out what the machine
 * decides, and tells it what came of that.
 *
 * ```text
 * audio ─▶ windows ─▶ echo guard ─▶ voice activity ─▶ voice gate ─▶ events ─▶ TurnMachine ─▶ commands
 *   └────▶ utterance (recognizer) ◀── BeginUtterance, Transcribe ◀──────────────────────────────┤
 *          reply model ◀── StartReply, CancelReply ◀────────────────────────────────────────────┤
 *          player (speech) ◀── Speak, Release, Hold, StopSpeech ◀───────────────────────────────┘
 *             └─▶ out, bounded ─▶ the line; marks come back as events
 * ```
 *
 * One fiber takes the events in their order. All else that waits (engines, timers, sound) is a fiber of the
 * conversation's scope and reports by an event, so an engine that hangs keeps nobody waiting.
 */
import { Clock, Deferred, Effect, Exit, Fiber, FiberMap, Queue, Scope, Stream } from "effect"
import type { Cause } from "effect"
import type { Pcm } from "../audio/Pcm.ts"
import type { ConversationEvent } from "./ConversationEvent.ts"
import * as EchoGuard from "./EchoGuard.ts"
import { EngineFailed } from "./Engine.ts"
import type { Persona } from "./Persona.ts"
import * as Player from "./Player.ts"
import * as PreRoll from "./PreRoll.ts"
import type { Replier, ReplyPart, ReplyRequest } from "./ReplyModel.ts"
import type { Recognizer, Transcript, Utterance } from "./SpeechToText.ts"
import type { TextToSpeech } from "./TextToSpeech.ts"
import { type Command, markName, parseMark, type Timer, type TurnEvent } from "./TurnEvent.ts"
import * as TurnMachine from "./TurnMachine.ts"
import { type Detector, type VoiceActivity, windowLength, windowMillis } from "./VoiceActivity.ts"
import * as VoiceGate from "./VoiceGate.ts"

/** A detector that takes longer than this (ms) has failed; until it answers again, the energy decides. */
const detectorTimeout = 500

/** Without sound for this long (ms), a voice that was on has stopped. */
const stalledAfter = 240

/** How far (ms) frames may arrive beside the caller's own time before that is set anew. */
const clockSlack = 100

/** Pieces that wait for the line: the line has half a second of its own. */
const outgoingPieces = 2

export interface Engines {
  readonly voiceActivity: VoiceActivity["Service"]
  readonly recognizer: Recognizer
  readonly replier: Replier
  readonly textToSpeech: TextToSpeech["Service"]
}

/** The caller's end of the line, as the conversation has it. */
export interface CallersEnd {
  readonly audio: Stream.Stream<Pcm<8000>>
  /** Throws away what was sent and not played. */
  readonly clear: Effect.Effect<void>
  readonly tell: (event: ConversationEvent) => Effect.Effect<void>
  /** Takes each event before the machine does, in order: for a recording. */
  readonly record?: (event: TurnEvent) => void
}

/** What goes to the caller: sound, marks, and a call-back for when all before it has left. */
export type Said =
  | Pcm<8000>
  | { readonly _tag: "Mark"; readonly name: string }
  | { readonly _tag: "Sent"; readonly notify: () => void }

export interface Conversation {
  /** Ends when the conversation is over and its last words were heard. */
  readonly reply: Stream.Stream<Said>
  readonly digit: (digit: string) => Effect.Effect<void>
  readonly markReturned: (name: string) => Effect.Effect<void>
}

const failed = (stage: EngineFailed["stage"], advice: string) => new EngineFailed({ stage, reason: "timeout", advice })

const transcriptLate = failed(
  "speechToText",
  "No transcript came in time. Look at the load of the speech recognition, or raise timeouts.transcript in the agent's file."
)
const replyLate = failed(
  "replyModel",
  "No text came in time. Look at the load of the language model, or raise timeouts.reply in the agent's file."
)

/** An utterance that is being heard: its sound goes to the recognizer in order, by a fiber of its own. */
interface Hearing {
  readonly id: number
  readonly scope: Scope.Closeable
  readonly inbox: Queue.Queue<Pcm<8000> | Deferred.Deferred<Utterance, EngineFailed>>
}

/** Begins the conversation: the greeting is on its way when this returns. */
export const open = Effect.fnUntraced(function*(
  persona: Persona,
  engines: Engines,
  line: CallersEnd
): Effect.fn.Return<Conversation, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const began = monotonic()
  const now = () => monotonic() - began

  const transition = TurnMachine.make(persona)
  const requestOf = Player.requestOf(persona)
  const events = yield* Queue.unbounded<TurnEvent>()
  const out = yield* Queue.bounded<Player.Outgoing, Cause.Done>(outgoingPieces)
  const timers = yield* FiberMap.make<Timer>()
  const models = yield* FiberMap.make<number>()
  const players = new Map<number, { readonly player: Player.Player; readonly scope: Scope.Closeable }>()
  const echo = EchoGuard.make()
  const preRoll = PreRoll.make(echo)
  let state = TurnMachine.initial
  let hearing: Hearing | undefined
  let transcribing: Fiber.Fiber<unknown> | undefined

  const happened = (event: TurnEvent) => void Queue.offerUnsafe(events, event)

  // -- hearing ----------------------------------------------------------------------------------

  const listen = Effect.fnUntraced(function*({ inbox, scope }: Hearing) {
    const begun = yield* Effect.exit(Scope.provide(engines.recognizer.begin, scope))
    let broken: Effect.Effect<never, EngineFailed> | undefined
    while (true) {
      const item = yield* Queue.take(inbox)
      if (Exit.isFailure(begun) || broken !== undefined) {
        if (!(item instanceof Int16Array)) yield* Deferred.complete(item, broken ?? (begun as Exit.Exit<never, EngineFailed>))
      } else if (item instanceof Int16Array) {
        yield* Effect.catch(begun.value.push(item), (error) => Effect.sync(() => (broken = Effect.fail(error))))
      } else {
        yield* Deferred.succeed(item, begun.value)
      }
    }
  })

  const beginUtterance = Effect.fnUntraced(function*(id: number) {
    yield* endUtterance
    const begun: Hearing = { id, scope: yield* Scope.fork(scope), inbox: yield* Queue.unbounded<Pcm<8000> | Deferred.Deferred<Utterance, EngineFailed>>() }
    Queue.offerUnsafe(begun.inbox, preRoll.read())
    hearing = begun
    yield* Effect.forkIn(listen(begun), begun.scope)
  })

  const endUtterance = Effect.suspend(() => {
    const over = hearing
    hearing = undefined
    // Not waited for: a recognizer that is slow to let go must not hold up the turn.
    return over === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Scope.close(over.scope, Exit.void), scope))
  })

  const transcribe = Effect.fnUntraced(function*(id: number, attempt: number) {
    const current = hearing
    if (current === undefined || current.id !== id) return
    const drained = yield* Deferred.make<Utterance, EngineFailed>()
    Queue.offerUnsafe(current.inbox, drained)
    transcribing = yield* Deferred.await(drained).pipe(
      Effect.flatMap((utterance) => utterance.transcribe),
      Effect.timeoutOrElse({ duration: persona.timeouts.transcript, orElse: () => Effect.fail(transcriptLate) }),
      Effect.match({
        onSuccess: (transcript: Transcript) => happened({ _tag: "Transcribed", at: now(), utterance: id, attempt, transcript }),
        onFailure: ({ reason }) => happened({ _tag: "TranscriptionFailed", at: now(), utterance: id, attempt, reason })
      }),
      Effect.catchDefect(() =>
        Effect.sync(() => happened({ _tag: "TranscriptionFailed", at: now(), utterance: id, attempt, reason: "broken" }))
      ),
      Effect.forkIn(current.scope)
    )
  })

  // -- replying ---------------------------------------------------------------------------------

  const onPart = (reply: number) => (part: ReplyPart) => {
    const at = now()
    switch (part._tag) {
      case "Text":
        return happened({ _tag: "ReplyText", at, reply, text: part.text })
      case "State":
        return happened({ _tag: "ReplyState", at, reply, state: part.state })
      case "HangUp":
        return happened({ _tag: "ReplyHangUp", at, reply })
      case "Transfer":
      case "Digits":
        return
    }
  }

  const startReply = (reply: number, request: ReplyRequest) =>
    engines.replier.reply(request).pipe(
      Stream.timeoutOrElse({ duration: persona.timeouts.reply, orElse: () => Stream.fail(replyLate) }),
      Stream.runForEach((part) => Effect.sync(() => onPart(reply)(part))),
      Effect.match({
        onSuccess: () => happened({ _tag: "ReplyDone", at: now(), reply }),
        onFailure: ({ reason }) => happened({ _tag: "ReplyFailed", at: now(), reply, reason })
      }),
      Effect.catchDefect(() => Effect.sync(() => happened({ _tag: "ReplyFailed", at: now(), reply, reason: "broken" }))),
      (run) => FiberMap.run(models, reply, run, { startImmediately: true })
    )

  const playerOf = Effect.fnUntraced(function*(reply: number) {
    const known = players.get(reply)
    if (known !== undefined) return known.player
    const own = yield* Scope.fork(scope)
    const player = yield* Scope.provide(
      Player.make({
        speech: (text) => engines.textToSpeech.speak(requestOf(text)),
        out,
        reply,
        report: (report) => happened({ ...report, at: now(), reply }),
        timeout: persona.timeouts.speech
      }),
      own
    )
    players.set(reply, { player, scope: own })
    return player
  })

  /** A reply's player goes with it; a new reply's beginning ends those that are over. */
  const dropPlayer = Effect.fnUntraced(function*(reply: number) {
    const known = players.get(reply)
    if (known === undefined) return
    players.delete(reply)
    yield* known.player.stop(0)
    yield* Effect.forkIn(Scope.close(known.scope, Exit.void), scope)
  })

  // -- commands ---------------------------------------------------------------------------------

  const carryOut = (command: Command): Effect.Effect<unknown> => {
    switch (command._tag) {
      case "BeginUtterance":
        return beginUtterance(command.utterance)
      case "Transcribe":
        return transcribe(command.utterance, command.attempt)
      case "CancelTranscription":
        return transcribing === undefined ? Effect.void : Effect.forkIn(Fiber.interrupt(transcribing), scope)
      case "EndUtterance":
        return endUtterance
      case "StartReply":
        return startReply(command.reply, command.request)
      case "CancelReply":
        return Effect.andThen(Effect.forkIn(FiberMap.remove(models, command.reply), scope), dropPlayer(command.reply))
      case "Speak":
        return Effect.map(playerOf(command.reply), (player) => player.speak(command.segment, command.text))
      case "Release":
        return Effect.flatMap(playerOf(command.reply), (player) => player.release)
      case "Hold":
        return Effect.flatMap(playerOf(command.reply), (player) => player.hold)
      case "StopSpeech":
        return Effect.flatMap(playerOf(command.reply), (player) => player.stop(command.from))
      case "Clear":
        return Effect.andThen(line.clear, Effect.sync(cleared))
      case "StartTimer": {
        const { due, id, timer } = command
        return FiberMap.run(
          timers,
          timer,
          Effect.suspend(() => Effect.sleep(Math.max(0, due - now()))).pipe(
            Effect.andThen(Effect.sync(() => happened({ _tag: "TimerFired", at: now(), timer, id })))
          )
        )
      }
      case "CancelTimer":
        return FiberMap.remove(timers, command.timer)
      case "Tell":
        if (command.event._tag === "AgentHeard") finished.add(command.event.turn)
        return line.tell(command.event)
      case "HangUp":
        return Queue.end(out)
    }
  }

  /** Replies that were heard to their end: their players are done. */
  const finished = new Set<number>()

  const step = Effect.fnUntraced(function*(event: TurnEvent) {
    line.record?.(event)
    const [commands, next] = transition(state, event)
    state = next
    for (const command of commands) yield* carryOut(command)
    for (const reply of finished) yield* dropPlayer(reply)
    finished.clear()
  })

  // -- the caller's sound -----------------------------------------------------------------------

  const detector = yield* Effect.option(Effect.timeout(engines.voiceActivity.open, persona.timeouts.speech))
  if (detector._tag === "None") {
    happened({ _tag: "Trouble", at: now(), stage: "voiceActivity", reason: "unavailable" })
  }
  let isDetectorWell = detector._tag === "Some"

  const gate = VoiceGate.make()
  let lastSoundAt = 0

  const heardVoice = (event: VoiceGate.VoiceEvent | undefined) => {
    if (event !== undefined) happened({ _tag: event._tag, at: now(), since: event.at })
  }

  /** It is not asked again while it is in the middle of a window: only when that is done. */
  const ask = Effect.fnUntraced(function*(detector: Detector, asked: Pcm<8000>) {
    const fiber = yield* Effect.forkIn(detector.probability(asked), scope, { startImmediately: true })
    const exit = yield* Effect.timeoutOption(Fiber.await(fiber), detectorTimeout)
    if (exit._tag === "Some" && Exit.isSuccess(exit.value)) return exit.value.value
    isDetectorWell = false
    happened({ _tag: "Trouble", at: now(), stage: "voiceActivity", reason: "broken" })
    if (exit._tag === "None") {
      window = new Int16Array(windowLength)
      const recover = Effect.map(Fiber.await(fiber), (late) => {
        isDetectorWell = Exit.isSuccess(late)
      })
      yield* Effect.forkIn(recover, scope)
    }
    return undefined
  })

  const onWindow = (window: Pcm<8000>): Effect.Effect<void> => {
    const arrivedAt = now()
    const at = soundClock - windowMillis
    if (echo.judge(window, at)) {
      if (echo.isAlike()) preRoll.echoed(at)
      return Effect.sync(() => heardVoice(gate.push(window, 0, arrivedAt)))
    }
    if (!isDetectorWell || detector._tag === "None") {
      return Effect.sync(() => heardVoice(gate.push(window, undefined, arrivedAt)))
    }
    if (!gate.needsProbability(window)) return Effect.sync(() => heardVoice(gate.push(window, 0, arrivedAt)))
    return Effect.map(ask(detector.value, window), (probability) => heardVoice(gate.push(window, probability, arrivedAt)))
  }

  /** Another one when the detector is late: this one is its. */
  let window: Pcm<8000> = new Int16Array(windowLength)
  let filled = 0
  /** The caller's time, by their samples: frames arrive unevenly, sound does not. */
  let soundClock = 0

  const onSound = Effect.fnUntraced(function*(pcm: Pcm<8000>) {
    lastSoundAt = now()
    const length = pcm.length / 8
    if (Math.abs(lastSoundAt - length - soundClock) > clockSlack) soundClock = lastSoundAt - length
    preRoll.push(pcm, soundClock)
    if (hearing !== undefined) Queue.offerUnsafe(hearing.inbox, echo.clean(pcm, soundClock))
    let at = 0
    while (at < pcm.length) {
      const piece = pcm.subarray(at, at + windowLength - filled)
      window.set(piece, filled)
      filled += piece.length
      at += piece.length
      soundClock += piece.length / 8
      if (filled < windowLength) return
      filled = 0
      yield* onWindow(window)
    }
  })

  /** A voice does not go on while no sound comes. */
  const watchStalls = Effect.forever(
    Effect.andThen(
      Effect.sleep(stalledAfter),
      Effect.sync(() => {
        if (now() - lastSoundAt > stalledAfter) heardVoice(gate.stalled(now()))
      })
    )
  )

  // -- the agent's sound ------------------------------------------------------------------------

  /** When what was handed out is taken to be played to its end. */
  let playedUntil = 0

  const cleared = () => {
    const at = now()
    echo.cleared(at)
    playedUntil = Math.min(playedUntil, at)
  }

  const say = (item: Player.Outgoing): Said => {
    switch (item._tag) {
      case "Sound":
        playedUntil = Math.max(playedUntil, now())
        echo.played(item.pcm, playedUntil)
        playedUntil += item.pcm.length / 8
        return item.pcm
      case "Sent":
        return {
          _tag: "Sent",
          notify: () => {
            if (item.isWanted()) happened({ _tag: "MediaSent", at: now(), reply: item.reply, segment: item.segment })
          }
        }
      case "Mark":
        return { _tag: "Mark", name: markName(item.reply, item.segment) }
    }
  }

  // -- all together -----------------------------------------------------------------------------

  // The last thing of the scope: what was heard is told also when the line is cut.
  yield* Effect.addFinalizer(() => {
    const event: TurnEvent = { _tag: "HungUp", at: now() }
    line.record?.(event)
    const [commands, next] = transition(state, event)
    state = next
    return Effect.forEach(commands, (command) => command._tag === "Tell" ? line.tell(command.event) : Effect.void, {
      discard: true
    })
  })

  yield* Effect.forkIn(Effect.forever(Effect.flatMap(Queue.take(events), step)), scope)
  yield* Effect.forkIn(Stream.runForEach(line.audio, onSound), scope)
  yield* Effect.forkIn(watchStalls, scope)
  happened({ _tag: "Began", at: now() })

  return {
    reply: Stream.fromQueue(out).pipe(
      Stream.filter((item) => item.isWanted()),
      Stream.map(say)
    ),
    digit: (digit) => Effect.sync(() => happened({ _tag: "Digit", at: now(), digit })),
    markReturned: (name) =>
      Effect.sync(() => {
        const mark = parseMark(name)
        if (mark !== undefined) happened({ _tag: "MarkReturned", at: now(), ...mark })
      })
  }
})
