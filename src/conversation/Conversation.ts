/**
 * One conversation: the interpreter of the turn machine. It hears the caller, carries out what the machine
 * decides, and tells it what came of that.
 *
 * ```text
 * audio ─▶ windows ─▶ echo guard ─▶ voice activity ─▶ voice gate ─▶ events ─▶ Transition ─▶ commands
 *   └────▶ utterance (recognizer) ◀── BeginUtterance, Transcribe ◀──────────────────────────────┤
 *          reply model ◀── StartReply, CancelReply ◀────────────────────────────────────────────┤
 *          player (speech, tones) ◀── Speak, Press, Release, Hold, StopSpeech ◀─────────────────┘
 *             └─▶ out, bounded ─▶ the line; marks come back as events
 * ```
 *
 * One fiber takes the events in their order. All else that waits (engines, timers, sound) is a fiber of the
 * conversation's scope and reports by an event, so an engine that hangs keeps nobody waiting.
 */
import { Cause, Clock, Deferred, Effect, Exit, Fiber, FiberMap, Latch, Queue, Scope, Stream } from "effect"
import * as Pcm from "../audio/Pcm.ts"
import { type AgentSide, type CallSide, type OutboundItem, TransferFailed } from "./ports/AudioPort.ts"
import * as EchoCanceller from "./listen/EchoCanceller.ts"
import { EngineFailed, failureOf, reasonOf } from "./ports/Engine.ts"
import * as HeldSilence from "./listen/HeldSilence.ts"
import * as HoldRequest from "./turn/words/HoldRequest.ts"
import * as MediaClock from "./listen/MediaClock.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import * as ReplySynthesizer from "./speak/ReplySynthesizer.ts"
import * as PreSpeechBuffer from "./listen/PreSpeechBuffer.ts"
import type { Replier, ReplyRequest } from "./ports/ReplyModel.ts"
import * as ReplyRounds from "./speak/ReplyRounds.ts"
import * as SpeechContext from "./speak/SpeechContext.ts"
import { StageBudget } from "./ports/StageBudget.ts"
import type { Recognizer, Transcript, Utterance } from "./ports/SpeechToText.ts"
import type { TextToSpeech } from "./ports/TextToSpeech.ts"
import * as ToolDesk from "./tools/ToolDesk.ts"
import type { Tools } from "./ports/Tools.ts"
import { type Command, markName, parseMark, type SpeechKind, type TurnEvent } from "./turn/TurnEvent.ts"
import * as Transition from "./turn/Transition.ts"
import { initial as initialState } from "./turn/TurnState.ts"
import * as TurnTimers from "./turn/TurnTimers.ts"
import type { VoiceActivity } from "./ports/VoiceActivity.ts"
import * as VoiceListener from "./listen/VoiceListener.ts"

/** Pieces that wait for the line: the line has half a second of its own. */
const outgoingPieces = 2

export interface Engines {
  readonly voiceActivity: VoiceActivity["Service"]
  readonly recognizer: Recognizer
  readonly replier: Replier
  readonly tools: Tools["Service"]
  readonly textToSpeech: TextToSpeech["Service"]
}

/** The call, and what a recording of the conversation needs of it. */
export interface RecordedCall extends CallSide<8000> {
  /** Takes each event before the turn machine does, in order. Unset: nothing is recorded. */
  readonly record?: (event: TurnEvent) => void
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
  readonly inbox: Queue.Queue<Pcm.Pcm<8000> | Deferred.Deferred<Utterance, EngineFailed>>
  /** Sound that is not yet in the inbox. */
  readonly gathered: Int16Array<ArrayBuffer>
  gatheredLength: number
  readonly silence: HeldSilence.HeldSilence
}

/** Samples that go to a recognizer at once: 60 ms. What is asked for in between is handed on first. */
const hearingLength = 480

/** Begins the conversation: the greeting is on its way when this returns. */
export const open = Effect.fnUntraced(function*(
  persona: AgentDefinition,
  engines: Engines,
  line: RecordedCall
): Effect.fn.Return<AgentSide<never, 8000>, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const began = monotonic()
  const now = () => monotonic() - began

  const transition = Transition.make({
    ...persona,
    answersUnheard: engines.replier.answersUnheard === true,
    isOutbound: line.isOutbound
  })
  const requestOf = ReplySynthesizer.requestOf(persona)
  /** What has happened, and those who wait until all before is dealt with. */
  const events = yield* Queue.unbounded<TurnEvent | Deferred.Deferred<void>>()
  const out = yield* Queue.bounded<ReplySynthesizer.Outgoing, Cause.Done>(outgoingPieces)
  const models = yield* FiberMap.make<number>()
  const players = new Map<number, { readonly player: ReplySynthesizer.ReplySynthesizer; readonly scope: Scope.Closeable }>()
  const echo = EchoCanceller.make()
  const preRoll = PreSpeechBuffer.make(echo)
  const { contextMillis } = engines.textToSpeech
  const context = contextMillis === undefined ? undefined : SpeechContext.make(contextMillis)
  /** Open while the caller's words are of use before they have ended: each time they are asked for is a request. */
  const wordsWanted = yield* Latch.make(false)
  let state = initialState
  let hearing: Hearing | undefined
  /** Earlier parts of what is being said, whose transcripts are being made. */
  const earlier = new Map<number, Hearing>()
  const transcribing = new Map<number, Fiber.Fiber<unknown>>()

  const happened = (event: TurnEvent) => void Queue.offerUnsafe(events, event)

  /** Waits until the machine has dealt with all that has happened. */
  const dealtWith = Effect.suspend(() => {
    const barrier = Deferred.makeUnsafe<void>()
    Queue.offerUnsafe(events, barrier)
    return Deferred.await(barrier)
  })

  const desk = ToolDesk.make({
    tools: engines.tools,
    smallTalk: [...persona.interruption.backchannels, ...persona.attention ?? []]
  })

  const mediaClock = MediaClock.make(now)
  const timers = yield* TurnTimers.make({
    now,
    clock: mediaClock,
    fire: (timer, id) => happened({ _tag: "TimerFired", at: now(), timer, id })
  })

  // -- hearing ----------------------------------------------------------------------------------

  const listen = Effect.fnUntraced(function*({ id, inbox, scope }: Hearing) {
    const begun = yield* Effect.exit(Scope.provide(engines.recognizer.begin, scope))
    if (Exit.isSuccess(begun) && begun.value.partials !== undefined) {
      const next = yield* Scope.provide(Stream.toPull(begun.value.partials), scope)
      yield* wordsWanted.await.pipe(
        Effect.andThen(next),
        Effect.flatMap((texts) => Effect.sync(() => texts.forEach((text) => happened({ _tag: "Partial", at: now(), utterance: id, text })))),
        Effect.forever,
        Effect.ignore,
        Effect.forkIn(scope)
      )
    }
    let broken: Exit.Exit<never, EngineFailed> | undefined
    while (true) {
      const item = yield* Queue.take(inbox)
      if (Exit.isFailure(begun) || broken !== undefined) {
        if (!(item instanceof Int16Array)) yield* Deferred.complete(item, broken ?? (begun as Exit.Exit<never, EngineFailed>))
      } else if (item instanceof Int16Array) {
        const utterance = begun.value
        const pushed = yield* Effect.exit(Effect.suspend(() => utterance.push(item)))
        if (Exit.isFailure(pushed)) broken = Exit.failCause(pushed.cause)
      } else {
        yield* Deferred.succeed(item, begun.value)
      }
    }
  })

  const beginUtterance = Effect.fnUntraced(function*({ after, since, utterance: id }: Extract<Command, { readonly _tag: "BeginUtterance" }>) {
    const before = after === undefined ? preRoll.read() : since === undefined ? undefined : preRoll.read(since)
    if (after !== undefined && hearing?.id === after) earlier.set(after, hearing)
    else if (hearing !== undefined) yield* endUtterance(hearing.id)
    const begun: Hearing = {
      id,
      scope: yield* Scope.fork(scope),
      inbox: yield* Queue.unbounded<Pcm.Pcm<8000> | Deferred.Deferred<Utterance, EngineFailed>>(),
      gathered: new Int16Array(hearingLength),
      gatheredLength: 0,
      silence: HeldSilence.make()
    }
    if (before !== undefined) Queue.offerUnsafe(begun.inbox, before)
    hearing = begun
    if (after === undefined) context?.beginUtterance()
    if (after === undefined && before !== undefined) context?.hear(before)
    yield* Effect.forkIn(listen(begun), begun.scope)
  })

  const passOn = (to: Hearing) => {
    if (to.gatheredLength > 0) Queue.offerUnsafe(to.inbox, to.gathered.slice(0, to.gatheredLength))
    to.gatheredLength = 0
  }

  const hearMore = (to: Hearing, pcm: Pcm.Pcm<8000>) => {
    for (let at = 0; at < pcm.length;) {
      const length = Math.min(pcm.length - at, hearingLength - to.gatheredLength)
      Pcm.copy(pcm, at, length, to.gathered, to.gatheredLength)
      to.gatheredLength += length
      at += length
      if (to.gatheredLength === hearingLength) passOn(to)
    }
  }

  const endUtterance = (id: number) => Effect.suspend(() => {
    const over = hearing?.id === id ? hearing : earlier.get(id)
    transcribing.delete(id)
    earlier.delete(id)
    if (over === hearing) {
      hearing = undefined
      context?.endUtterance()
    }
    // Not waited for: a recognizer that is slow to let go must not hold up the turn.
    return over === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Scope.close(over.scope, Exit.void), scope))
  })

  const transcribe = Effect.fnUntraced(function*(id: number, attempt: number) {
    const current = hearing?.id === id ? hearing : earlier.get(id)
    if (current === undefined) return
    const drained = yield* Deferred.make<Utterance, EngineFailed>()
    passOn(current)
    Queue.offerUnsafe(current.inbox, drained)
    const made = yield* Deferred.await(drained).pipe(
      Effect.flatMap((utterance) => utterance.transcribe),
      Effect.provideService(StageBudget, persona.timeouts.transcript),
      Effect.timeoutOrElse({ duration: persona.timeouts.transcript, orElse: () => Effect.fail(transcriptLate) }),
      Effect.matchCause({
        onSuccess: (transcript: Transcript) => happened({ _tag: "Transcribed", at: now(), utterance: id, attempt, transcript }),
        onFailure: (cause) => happened({ _tag: "TranscriptionFailed", at: now(), utterance: id, attempt, ...failureOf(cause) })
      }),
      Effect.forkIn(current.scope)
    )
    transcribing.set(id, made)
  })

  // -- replying ---------------------------------------------------------------------------------

  const onPart = (reply: number) => (part: ReplyRounds.ToldPart) => {
    const at = now()
    switch (part._tag) {
      case "Text":
        return happened({ _tag: "ReplyText", at, reply, text: part.text })
      case "CutShort":
        return happened({ _tag: "ReplyCutShort", at, reply })
      case "State":
        return happened({ _tag: "ReplyState", at, reply, state: part.state })
      case "HangUp":
        return happened({ _tag: "ReplyHangUp", at, reply })
      case "Transfer":
        return happened({ _tag: "ReplyTransfer", at, reply, to: part.to })
      case "Digits":
        return happened({ _tag: "ReplyDigits", at, reply, digits: part.digits })
    }
  }

  /** Replies that may yet be thrown away, as those are that were begun in a pause. */
  const unsettled = new Map<number, Deferred.Deferred<void>>()

  const settle = () => {
    const { active } = state
    const settled = active === undefined ? undefined : unsettled.get(active.id)
    if (active === undefined || settled === undefined) return
    unsettled.delete(active.id)
    Deferred.doneUnsafe(settled, Effect.void)
  }

  const startReply = (reply: number, request: ReplyRequest) => {
    const settled = Deferred.makeUnsafe<void>()
    unsettled.set(reply, settled)
    return ReplyRounds.run({
      replier: engines.replier,
      reply,
      request,
      desk,
      settled: Deferred.await(settled),
      patience: persona.timeouts.reply,
      onLate: () => replyLate,
      tell: onPart(reply)
    }).pipe(
      Effect.matchCause({
        onSuccess: () => happened({ _tag: "ReplyDone", at: now(), reply }),
        onFailure: (cause) => happened({ _tag: "ReplyFailed", at: now(), reply, ...failureOf(cause) })
      }),
      (run) => FiberMap.run(models, reply, run, { startImmediately: true })
    )
  }

  /** Segments that are no fixed lines, by their marks: only for those an engine needs to know what was said before. */
  const free = new Set<string>()

  /** The newest reply, and the caller's words that it answers: of one that is made in a pause they are not settled. */
  let thinking: { readonly reply: number; readonly about: string } | undefined

  const speech = (reply: number, segment: number, text: string) => {
    if (context === undefined || !free.delete(markName(reply, segment))) return engines.textToSpeech.speak(requestOf(text))
    const said = context.read(thinking?.reply === reply ? thinking.about : undefined)
    return engines.textToSpeech.speak(said.length === 0 ? requestOf(text) : { ...requestOf(text), context: said }).pipe(
      Stream.map((chunk) => {
        context.made(reply, segment, text, chunk)
        return chunk
      })
    )
  }

  const speak = (reply: number, segment: number, text: string, kind: SpeechKind) => {
    if (context !== undefined && kind === "reply") free.add(markName(reply, segment))
    if (kind === "filler") fillers.add(reply)
    return Effect.map(playerOf(reply), (player) => player.speak(segment, text))
  }

  const transfer = (to: string) => {
    const number = Object.entries(persona.transfers ?? {}).find(([name]) => name === to)?.[1]
    const handOn = number === undefined || line.transfer === undefined
      ? Effect.fail(new TransferFailed({ reason: number === undefined ? "unknown" : "unsupported" }))
      : line.transfer(number)
    return handOn.pipe(
      Effect.match({
        onSuccess: () => happened({ _tag: "Transferred", at: now() }),
        onFailure: ({ reason }) => happened({ _tag: "TransferFailed", at: now(), reason })
      }),
      Effect.catchDefect(() => Effect.sync(() => happened({ _tag: "TransferFailed", at: now(), reason: "broken" }))),
      Effect.forkIn(scope)
    )
  }

  /** Replies that fill a wait. */
  const fillers = new Set<number>()

  const playerOf = Effect.fnUntraced(function*(reply: number) {
    const known = players.get(reply)
    if (known !== undefined) return known.player
    const own = yield* Scope.fork(scope)
    const player = yield* Scope.provide(
      ReplySynthesizer.make({
        speech: (text, segment) => speech(reply, segment, text),
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

  /** A reply that is over: its model, whose text nobody waits for, and its player. Waits for neither to let go. */
  const dropReply = Effect.fnUntraced(function*(reply: number) {
    unsettled.delete(reply)
    yield* Effect.forkIn(FiberMap.remove(models, reply), scope)
    const known = players.get(reply)
    if (known === undefined) return
    players.delete(reply)
    fillers.delete(reply)
    yield* known.player.stop(0)
    yield* Effect.forkIn(Scope.close(known.scope, Exit.void), scope)
  })

  // -- commands ---------------------------------------------------------------------------------

  const carryOut = (command: Command): Effect.Effect<unknown> => {
    switch (command._tag) {
      case "BeginUtterance":
        return beginUtterance(command)
      case "Transcribe":
        return transcribe(command.utterance, command.attempt)
      case "CancelTranscription": {
        const cancelled = transcribing.get(command.utterance)
        return cancelled === undefined ? Effect.void : Effect.forkIn(Fiber.interrupt(cancelled), scope)
      }
      case "EndUtterance":
        return endUtterance(command.utterance)
      case "StartReply":
        thinking = { reply: command.reply, about: command.request.history.at(-1)?.text ?? "" }
        return startReply(command.reply, command.request)
      case "CancelReply":
        return dropReply(command.reply)
      case "Speak":
        return speak(command.reply, command.segment, command.text, command.kind)
      case "Press":
        return Effect.map(playerOf(command.reply), (player) => player.press(command.segment, command.digits))
      case "Release":
        return Effect.flatMap(playerOf(command.reply), (player) => player.release)
      case "Hold":
        return Effect.flatMap(playerOf(command.reply), (player) => player.hold)
      case "StopSpeech":
        return Effect.flatMap(playerOf(command.reply), (player) => player.stop(command.from))
      case "Clear":
        return Effect.andThen(line.clear, Effect.sync(cleared))
      case "StartTimer":
        return timers.start(command.timer, command.id, command.due)
      case "CancelTimer":
        return timers.cancel(command.timer)
      case "Tell":
        if (command.event._tag === "AgentHeard") {
          finished.add(command.event.turn)
          desk.heard(command.event.turn, command.event.text)
          context?.agentHeard(command.event.turn, command.event.text)
        }
        if (command.event._tag === "CallerSaid") {
          // Who asks to wait has asked for nothing new.
          if (!HoldRequest.isOne(command.event.text, persona.language)) desk.callerSaid(command.event.text)
          context?.callerSaid(command.event.text)
        }
        return line.tell(command.event)
      case "HangUp":
        return Queue.end(out)
      case "Transfer":
        return transfer(command.to)
    }
  }

  /** Replies of which all is told that was heard. */
  const finished = new Set<number>()

  const step = Effect.fnUntraced(function*(event: TurnEvent) {
    line.record?.(event)
    const [commands, next] = transition(state, event)
    state = next
    const areWordsWanted = state.timers.bargeIn !== undefined || line.isWatched()
    if (areWordsWanted) wordsWanted.openUnsafe()
    else wordsWanted.closeUnsafe()
    for (const command of commands) yield* carryOut(command)
    settle()
    if (context !== undefined) {
      // Told of what was heard of it first, if anything was.
      for (const command of commands) if (command._tag === "CancelReply") context.drop(command.reply)
      context.settle()
    }
    for (const reply of finished) yield* dropReply(reply)
    finished.clear()
  })

  // -- the caller's sound -----------------------------------------------------------------------

  /** A timer has fired; what comes of it may start or cancel others. */
  const passFurther = (position: number): Effect.Effect<void> =>
    Effect.flatMap(dealtWith, () => timers.pass(position) ? passFurther(position) : Effect.void)

  const { hear } = yield* VoiceListener.make({
    open: engines.voiceActivity.open,
    openTimeout: persona.timeouts.speech,
    echo,
    clock: mediaClock,
    onPiece: (pcm, at) => {
      preRoll.push(pcm, at)
      if (hearing === undefined) return
      const clean = echo.clean(pcm, at)
      for (const piece of hearing.silence.pass(clean)) hearMore(hearing, piece)
      context?.hear(clean)
    },
    onEcho: preRoll.echoed,
    onPassed: (position) => timers.pass(position) ? passFurther(position) : undefined,
    onVoice: ({ _tag, at }) => {
      if (_tag === "VoiceStopped") hearing?.silence.begin(mediaClock.toReal(mediaClock.position()) - at)
      else if (hearing !== undefined) for (const piece of hearing.silence.end()) hearMore(hearing, piece)
      happened({ _tag, at: now(), since: at })
      return dealtWith
    },
    onTrouble: (cause) => happened({ _tag: "Trouble", at: now(), stage: "voiceActivity", reason: reasonOf(cause) })
  })

  // -- the agent's sound ------------------------------------------------------------------------

  /** When what was handed out is taken to be played to its end. */
  let playedUntil = 0

  const cleared = () => {
    const at = now()
    echo.cleared(at)
    playedUntil = Math.min(playedUntil, at)
  }

  const say = (item: ReplySynthesizer.Outgoing): OutboundItem<8000> => {
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
        if (fillers.delete(item.reply)) happened({ _tag: "FillerLeft", at: now(), reply: item.reply })
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

  /** A mistake of ours must not leave the caller on a dead line: the reply fails, and with it the call. */
  const orFail = <A>(run: Effect.Effect<A>) =>
    Effect.onError(run, (cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : Queue.failCause(out, cause))
  const next = Effect.flatMap(Queue.take(events), (event) => "_tag" in event ? step(event) : Deferred.succeed(event, undefined))
  yield* Effect.forkIn(orFail(Effect.forever(next)), scope)
  yield* Effect.forkIn(orFail(Stream.runForEachArray(line.audio, hear)), scope)
  happened({ _tag: "Began", at: now() })

  return {
    reply: Stream.fromQueue(out).pipe(
      Stream.filter((item) => item.isWanted()),
      Stream.map(say)
    ),
    signal: (signal) =>
      Effect.sync(() => {
        if (signal._tag === "Digit") return happened({ _tag: "Digit", at: now(), digit: signal.digit })
        const mark = parseMark(signal.name)
        if (mark !== undefined) happened({ _tag: "MarkReturned", at: now(), ...mark })
      })
  }
})
