/**
 * The turn machine: who has the turn, what is said next, what was heard. Pure: an event and a state give
 * commands and a state; `Conversation` carries them out. Feed it a recorded call's events, and the same
 * commands come out.
 *
 * Its rules, each with a test of its name (docs/adr/0005, 0007):
 *
 * - A turn ends after a pause; transcription and reply are started in the pause already, and held.
 * - The agent can be interrupted exactly while it is heard: from the first media to the last mark.
 * - Voice stops the agent; what was said decides later whether it goes on from where it was.
 * - The history holds what was heard, and nothing else.
 * - Somebody who speaks for long is not talked into; what they say is understood in parts.
 * - A caller who goes on before the answer is heard goes on with the same turn.
 * - What was not understood is asked for again, never twice running (`AskAgain`).
 * - An engine's failure is spoken of, not suffered in silence; the third one in a row ends the call.
 * - A reply or a transcript that is late has a filler before it: one a turn, never the same twice in a row, and none
 *   of it is remembered (`FillerRule`).
 * - Who dictates a number is waited for longer (`Dictation`); who asks the agent to wait is waited for (`HoldRequest`).
 * - Keys are pressed behind the reply's words; the call is handed on or ended behind both.
 * - A greeting in return to the agent's greeting does not end it; a request does, and the model knows what was not heard.
 * - Who speaks at the end of the agent's goodbye is heard out before the line is cut, and answered where there are words.
 */
import * as Dtmf from "../../audio/Dtmf.ts"
import * as AskAgain from "./rules/AskAgain.ts"
import * as ClauseChunker from "../speak/ClauseChunker.ts"
import type { ConversationEvent, TurnTimes } from "../ConversationEvent.ts"
import * as Dictation from "./words/Dictation.ts"
import type { Stage } from "../ports/Engine.ts"
import * as Farewell from "./rules/Farewell.ts"
import * as FillerRule from "./rules/FillerRule.ts"
import * as GreetingAnswer from "./words/GreetingAnswer.ts"
import * as PlaybackLedger from "./PlaybackLedger.ts"
import * as HoldRequest from "./words/HoldRequest.ts"
import * as Monologue from "./rules/Monologue.ts"
import type { Lines, AgentDefinition } from "../../definition/AgentDefinition.ts"
import * as Repetition from "./rules/Repetition.ts"
import type { DialogueState, Message, ReplyRequest } from "../ports/ReplyModel.ts"
import type { Need } from "../../definition/DialogScript.ts"
import * as SpeechTextFilter from "../speak/SpeechTextFilter.ts"
import type { Transcript } from "../ports/SpeechToText.ts"
import type { Command, SpeechKind, Timer, TurnEvent } from "./TurnEvent.ts"
import * as UnfinishedSentence from "../speak/UnfinishedSentence.ts"
import * as Words from "../../definition/languages/Words.ts"

/** What of the persona the machine goes by. */
export type TurnSettings =
  & Pick<AgentDefinition, "lines" | "endpointing" | "interruption" | "idle" | "maxDuration" | "fillers">
  /** By name; the numbers are the interpreter's. */
  & {
    readonly transfers?: Readonly<Record<string, unknown>>
    readonly language?: string
    readonly region?: string
    readonly attention?: ReadonlyArray<string>
  }
  /** Of the script no more than what it asks for. */
  & { readonly script?: { readonly intents: ReadonlyArray<{ readonly needs: ReadonlyArray<Need> }> } }
  /** Whether the reply model has answers of its own for speech without words; see `Replier`. */
  & { readonly answersUnheard?: boolean }
  /** We placed the call. */
  & { readonly isOutbound?: boolean }

/** A further key is waited for this long (ms); `#` ends the waiting. */
export const digitPause = 1500

/** The last line begins this long (ms) before the longest duration of the call. */
export const timeIsUpBefore = 10_000

/** A mark that is later than this (ms) is taken to have come back. */
export const markGrace = 5000

/** Failures in a row after which the call is ended. */
export const maxFailures = 3

/** Speech that nobody understands and that is no longer than this (ms) is taken for an "uh-huh" while the agent speaks. */
const longestMumble = 700

/** So few words left of a finished reply do not matter: what is said into them is an answer. */
const lastWords = 2

/** One reply, of the model or a fixed line: being made, held, said or interrupted. */
interface Reply {
  readonly id: number
  /** The fixed line that it is; unset: it is the model's. */
  readonly line?: keyof Lines
  /** Unset for a fixed line. */
  readonly request?: ReplyRequest | undefined
  /** It may not be interrupted: a call that is over whatever the caller says. */
  readonly isFinal: boolean
  /** Held back because the caller is speaking. */
  readonly isHeld: boolean
  readonly isMediaSent: boolean
  /** No more text comes, or none is wanted. */
  readonly isTextDone: boolean
  readonly text: ClauseChunker.ClauseChunker
  readonly segments: ReadonlyArray<PlaybackLedger.Segment>
  readonly nextSegment: number
  /** What was heard before the last interruption. */
  readonly heard: string
  /** What was heard before that, and is in the history already: the caller said something in between. */
  readonly remembered?: string
  /** Set: interrupted for the moment; this is still to be said. */
  readonly rest?: ReadonlyArray<string>
  readonly hangUp?: string
  /** To whom the call goes on behind it. */
  readonly transfer?: string
  /** Keys that are still to be pressed behind it. */
  readonly digits: string
  /** What the model wants to keep, once the reply counts. */
  readonly dialogue?: { readonly state: DialogueState }
  readonly isRetried: boolean
  readonly isSpeechRetried: boolean
  /** Made in a pause, and not to be had: if that was the end of the turn, it is not asked for again. */
  readonly isRefused?: boolean
  /** Its rest was lost, and it ended with saying so. */
  readonly isBroken?: boolean
  /** The caller's last voiced sample, and the moments since; unset for a fixed line. */
  readonly since?: number | undefined
  readonly moments: { readonly [Moment in keyof TurnTimes]?: number }
  readonly isMeasured: boolean
}

/** A line in the wait for a reply; it is no reply, and nothing of it is remembered. */
interface Filler {
  readonly id: number
  readonly hasSound: boolean
  /** All of its sound has been handed to the line: what follows can't overtake it. */
  readonly isLeft: boolean
  /** When it began to be played, and how long that takes; ms. */
  readonly playedFrom?: number
  readonly duration?: number
}

/** What the caller is saying, or has just said. */
interface Utterance {
  readonly id: number
  /** What was understood so far. */
  readonly partial?: string
  readonly attempt: number
  readonly isTranscribing: boolean
  readonly transcript?: Transcript
  readonly transcribedAt?: number
  readonly startedAt: number
  readonly stoppedAt: number
  /** How long the voice was heard, without the pauses; ms. */
  readonly voicedMillis: number
  /** When the turn began that this is a part of. */
  readonly turnSince: number
  /** The pause was long enough; only the transcript is waited for. */
  readonly isOver: boolean
  readonly isRetried: boolean
  /** How long endpointing waits, ms. */
  readonly due: number
  /** A filler was said while its transcript was awaited. */
  readonly isFilled?: boolean
}

export interface TurnState {
  readonly isEnded: boolean
  readonly history: ReadonlyArray<Message>
  readonly dialogue: DialogueState
  readonly nextReply: number
  readonly nextUtterance: number
  readonly nextTimer: number
  readonly timers: { readonly [Name in Timer]?: number }
  readonly voice: { readonly isOn: boolean; readonly since: number }
  readonly utterance?: Utterance
  /** Earlier parts of what the caller is saying, whose words are not known yet. */
  readonly parts: ReadonlyArray<Monologue.Part>
  /** What the caller said before; the answer to it was not heard. */
  readonly carry: string
  /** What of the greeting the caller has not heard; told to the model with their next words. */
  readonly unheard?: string | undefined
  /** The reply that has the turn. */
  readonly active?: Reply
  /** The reply whose sound may leave. */
  readonly released?: number
  /** A reply that is made in a pause, and counts only if that was the end. */
  readonly speculation?: Reply
  /** Until its mark has come back. */
  readonly filler?: Filler
  /** The next line that fills a wait, and the one that was said last. */
  readonly nextFiller: number
  readonly lastFiller?: string
  /** The caller's turn has had its filler. */
  readonly isFilled: boolean
  /** The call is being handed on, to this name: whatever the caller says now is for somebody else. */
  readonly transferring?: string
  /** The agent's last words were heard: the call ends, unless the caller says something. */
  readonly farewell?: Farewell.Farewell
  readonly answeredFarewells: number
  readonly digits: string
  readonly areDigitsDue: boolean
  readonly idleSince?: number
  readonly isIdlePrompted: boolean
  /** The caller has asked to wait until then: neither prompt nor goodbye comes sooner. */
  readonly heldUntil?: number
  /** The agent's last words asked the caller to say it again. */
  readonly isAskedAgain: boolean
  readonly failures: number
}

export const initial: TurnState = {
  isEnded: false,
  history: [],
  dialogue: null,
  nextReply: 0,
  nextUtterance: 0,
  nextTimer: 0,
  timers: {},
  voice: { isOn: false, since: 0 },
  parts: [],
  carry: "",
  nextFiller: 0,
  isFilled: false,
  answeredFarewells: 0,
  digits: "",
  areDigitsDue: false,
  isIdlePrompted: false,
  isAskedAgain: false,
  failures: 0
}

export type Transition = (state: TurnState, event: TurnEvent) => readonly [ReadonlyArray<Command>, TurnState]

export const make = (settings: TurnSettings): Transition => {
  const backchannels = new Set(settings.interruption.backchannels.map(Words.plain))
  const isClosing = Farewell.closingOf(settings.language)
  const isBareGreeting = GreetingAnswer.make({ ...settings, backchannels: settings.interruption.backchannels })
  return (state, event) => {
    if (state.isEnded) return [[], state]
    const step = new Step(settings, { backchannels, isBareGreeting, isClosing }, state, event.at)
    step.on(event)
    return [step.commands, step.state]
  }
}

/** What short utterances mean. */
interface KnownPhrases {
  readonly backchannels: ReadonlySet<string>
  readonly isBareGreeting: GreetingAnswer.IsBareGreeting
  readonly isClosing: Farewell.IsClosing
}

type Draft = { -readonly [Key in keyof TurnState]: TurnState[Key] }

/** One transition: a copy of the state that is written to, and the commands so far. */
class Step {
  readonly commands: Array<Command> = []
  readonly state: Draft
  readonly #settings: TurnSettings
  readonly #phrases: KnownPhrases
  readonly #at: number

  constructor(settings: TurnSettings, phrases: KnownPhrases, state: TurnState, at: number) {
    this.#settings = settings
    this.#phrases = phrases
    this.state = { ...state }
    this.#at = at
  }

  on(event: TurnEvent): void {
    if ("reply" in event && event.reply === this.state.filler?.id) return this.#onFiller(this.state.filler, event)
    switch (event._tag) {
      case "Began":
        return this.#began()
      case "VoiceStarted":
        return this.#voiceStarted(event.since)
      case "VoiceStopped":
        return this.#voiceStopped(event.since)
      case "Partial":
        return this.#partial(event.utterance, event.text)
      case "Transcribed":
        return this.#transcribed(event.utterance, event.attempt, event.transcript)
      case "TranscriptionFailed":
        return this.#transcriptionFailed(event.utterance, event.attempt, event)
      case "ReplyText":
        return this.#onReply(event.reply, (reply) => this.#replyText(reply, event.text))
      case "ReplyCutShort":
        return this.#onReply(event.reply, (reply) => this.#put({ ...reply, text: UnfinishedSentence.leaveOut(reply.text) }))
      case "ReplyState":
        return this.#onReply(event.reply, (reply) => {
          if (reply.id === this.state.active?.id) this.state.dialogue = event.state
          this.#put({ ...reply, dialogue: { state: event.state } })
        })
      case "ReplyHangUp":
        return this.#onReply(event.reply, (reply) => void this.#put({ ...reply, hangUp: "goodbye" }))
      case "ReplyTransfer":
        return this.#onReply(event.reply, (reply) => void this.#put({ ...reply, transfer: event.to }))
      case "ReplyDigits":
        return this.#onReply(event.reply, (reply) =>
          void this.#put({ ...reply, digits: reply.digits + Dtmf.keysIn(event.digits) }))
      case "ReplyDone":
        return this.#onReply(event.reply, (reply) => this.#replyDone(reply))
      case "ReplyFailed":
        return this.#onReply(event.reply, (reply) => this.#replyFailed(reply, event))
      case "SpeechBegan":
        return this.#onReply(event.reply, (reply) => this.#speechBegan(reply, event.segment))
      case "MediaSent":
        return this.#onReply(event.reply, (reply) => this.#mediaSent(reply, event.segment))
      case "SpeechEnded":
        return this.#onReply(event.reply, (reply) => this.#speechEnded(reply, event.segment, event.duration))
      case "SpeechFailed":
        return this.#onReply(event.reply, (reply) => this.#speechFailed(reply, event))
      case "MarkReturned":
        return this.#onReply(event.reply, (reply) => this.#markReturned(reply, event.segment))
      case "FillerLeft":
        // Of one that was cut off.
        return
      case "Transferred":
        return this.#end("transferred")
      case "TransferFailed":
        return this.#transferFailed(event.reason)
      case "TimerFired":
        return this.#timerFired(event.timer, event.id)
      case "Digit":
        return this.#digit(event.digit)
      case "Trouble":
        return this.#trouble(event.stage, event.reason)
      case "HungUp":
        return this.#hungUp()
    }
  }

  // -- the caller's voice -----------------------------------------------------------------------

  #began(): void {
    this.#startTimer("limit", Math.max(0, this.#settings.maxDuration - timeIsUpBefore))
    if (this.#settings.lines.greeting.trim().length > 0) this.#say("greeting")
    else this.#startIdle()
  }

  #voiceStarted(since: number): void {
    const { active, utterance } = this.state
    this.state.voice = { isOn: true, since }
    if (this.state.farewell !== undefined) this.#awaitSilence(this.state.farewell)
    if (active?.isFinal === true || this.state.transferring !== undefined || this.state.farewell?.mayBeAnswered === false) return
    this.#cancelTimer("idle")
    this.#cancelTimer("idleHangUp")
    if (utterance === undefined) {
      this.#do({ _tag: "BeginUtterance", utterance: this.#newUtterance(since, since) })
    } else if (since - utterance.startedAt >= Monologue.partAtGap) {
      this.#endPart(utterance, since, utterance.stoppedAt)
    } else {
      this.#cancelTimer("speculate")
      this.#cancelTimer("endpoint")
      if (active === undefined) this.#cancelTimer("filler")
      this.#cancelTranscription(utterance)
      const { transcript: _transcript, ...rest } = utterance
      this.state.utterance = { ...rest, isTranscribing: false, isOver: false }
      this.#dropSpeculation()
    }
    const isSpoken = active !== undefined && active.rest === undefined && !active.isHeld && !this.#mustBeHeard(active)
    if (isSpoken && !active.isMediaSent) {
      this.#put({ ...active, isHeld: true })
      delete this.state.released
      this.#do({ _tag: "Hold", reply: active.id })
    }
    if (isSpoken || this.state.filler !== undefined) {
      this.#startTimer("bargeIn", since + this.#settings.interruption.minSpeech)
    }
  }

  #newUtterance(startedAt: number, turnSince: number): number {
    const id = this.state.nextUtterance++
    const begun = { id, attempt: 0, isTranscribing: false, isOver: false, isRetried: false, due: 0 }
    this.state.utterance = { ...begun, startedAt, stoppedAt: startedAt, turnSince, voicedMillis: 0 }
    this.#startTimer("utterance", startedAt + Monologue.maxPart)
    return id
  }

  /** Words while the agent speaks tell sooner than the voice alone whether they are meant to stop it. */
  #partial(id: number, text: string): void {
    const { active, timers, utterance, voice } = this.state
    if (utterance === undefined || utterance.id !== id || utterance.partial === text) return
    this.state.utterance = { ...utterance, partial: text }
    const words = Words.plain(text)
    if (words.length === 0) return
    this.#tell(this.state.nextReply, { _tag: "CallerSays", text })
    if (!voice.isOn || timers.bargeIn === undefined) return
    if (this.#phrases.backchannels.has(words) || (active?.line === "greeting" && this.#phrases.isBareGreeting(text, false))) {
      // It may be all. What follows it, or a voice that goes on without, stops the agent as ever.
      this.#startTimer("bargeIn", this.#at + this.#settings.interruption.minSpeech)
    } else {
      this.#cancelTimer("bargeIn")
      this.#bargeIn()
    }
  }

  #voiceStopped(since: number): void {
    const { active, utterance, voice } = this.state
    if (!voice.isOn) return
    this.state.voice = { isOn: false, since: voice.since }
    const wasShort = this.state.timers.bargeIn !== undefined
    this.#cancelTimer("bargeIn")
    if (wasShort && active?.isHeld === true) this.#letGo(active)
    if (utterance === undefined) {
      if (active === undefined) this.#startIdle()
      return
    }
    if (utterance.isOver) return
    const due = this.#settings.endpointing.silence
    this.state.utterance = { ...utterance, stoppedAt: since, voicedMillis: utterance.voicedMillis + since - Math.max(voice.since, utterance.startedAt), due }
    this.#startTimer("speculate", since + this.#settings.endpointing.speculate)
    this.#startTimer("endpoint", since + due)
  }

  /** Voice has lasted long enough to be meant for the agent. */
  #bargeIn(): void {
    const { active, filler, voice } = this.state
    if (!voice.isOn || active?.isFinal === true || (active !== undefined && this.#mustBeHeard(active))) return
    if (filler !== undefined && active?.isMediaSent !== true) {
      this.#cutFiller()
      this.#tell(active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: this.#at - voice.since })
    }
    if (active === undefined || active.rest !== undefined) return
    if (active.isMediaSent) {
      this.#pause(active)
      this.#tell(active.id, { _tag: "BargeIn", clearAfter: this.#at - voice.since })
    } else if (active.request !== undefined) {
      this.#reopen(active, active.request)
    } else if (active.line !== "greeting") {
      this.#do({ _tag: "CancelReply", reply: active.id })
      this.#finish(active, "")
      this.state.isAskedAgain = false
    }
    // A greeting that was not heard yet stays held: it will be the answer to what is being said.
  }

  /** Nothing of the answer was heard: the caller goes on with the same turn. */
  #reopen(active: Reply, request: ReplyRequest): void {
    this.#do({ _tag: "CancelReply", reply: active.id })
    this.#cancelTimer("filler")
    this.#measure(active)
    delete this.state.active
    this.state.dialogue = request.state
    const last = this.state.history.at(-1)
    if (last?.role !== "caller") return
    this.state.history = this.state.history.slice(0, -1)
    this.state.unheard = last.unheard
    this.state.carry = Words.join(last.text, this.state.carry)
  }

  // -- the end of a turn ------------------------------------------------------------------------

  #transcribe(): void {
    const { utterance } = this.state
    if (utterance === undefined) return
    const attempt = utterance.attempt + 1
    this.state.utterance = { ...utterance, attempt, isTranscribing: true }
    this.#do({ _tag: "Transcribe", utterance: utterance.id, attempt })
  }

  #transcribed(id: number, attempt: number, transcript: Transcript): void {
    const { parts, utterance } = this.state
    const part = Monologue.find(parts, id, attempt)
    if (part !== undefined) return this.#partsHeard(Monologue.heard(parts, part, transcript.text))
    if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
    const { complete, silence, trailing } = this.#settings.endpointing
    const usual = transcript.ending === "complete" ? complete : transcript.ending === "trailing" ? trailing : silence
    const dictation = this.#dictationDue(transcript)
    const due = Math.max(usual, dictation)
    // A transcript that comes late tells that the pause was none.
    const isOver = utterance.isOver && (this.state.voice.isOn || dictation === 0 || this.#at >= utterance.stoppedAt + due)
    const heard = { ...utterance, transcript, transcribedAt: this.#at, isTranscribing: false, isOver, due }
    this.state.utterance = heard
    if (heard.isOver) return this.#decide(heard, transcript)
    if (this.state.active === undefined) this.#cancelTimer("filler")
    this.#startTimer("endpoint", Math.max(this.#at, heard.stoppedAt + due))
    this.#speculate(heard, transcript)
  }

  #transcriptionFailed(id: number, attempt: number, failure: Repetition.Failure): void {
    const { active, parts, utterance } = this.state
    const part = Monologue.find(parts, id, attempt)
    if (part !== undefined) return this.#partFailed(part, failure.reason)
    if (utterance === undefined || utterance.id !== id || utterance.attempt !== attempt || !utterance.isTranscribing) return
    this.#trouble("speechToText", failure.reason)
    if (!utterance.isRetried && Repetition.isOfUse(failure)) {
      this.state.utterance = { ...utterance, isRetried: true, isTranscribing: false }
      return this.#transcribe()
    }
    if (parts.length > 0) {
      // The words of the parts before are on their way, and are answered.
      this.state.utterance = { ...utterance, transcript: { text: "", ending: "unknown" }, isTranscribing: false, isOver: true }
      return
    }
    this.#endUtterance(utterance)
    // What was said before is answered behind the greeting.
    if (active !== undefined && this.#mustBeHeard(active)) return
    if (this.state.carry.length > 0) this.#interruptWith(this.state.carry)
    else if (active !== undefined) return this.#goOn(active)
    this.#apologise()
  }

  /** How long the silence is after which somebody who dictates has ended, ms; 0 for others. */
  #dictationDue({ text }: Transcript): number {
    const { endpointing: { dictation = 0 }, language = "en", region, script } = this.#settings
    if (dictation === 0) return 0
    const { active, carry, history } = this.state
    const question = active?.heard || (history.findLast(({ role }) => role === "agent")?.text ?? "")
    const asked = { question, needs: script?.intents.flatMap(({ needs }) => needs) ?? [] }
    return Dictation.of(language, region).isInProgress(Words.join(carry, text), asked) ? dictation : 0
  }

  #isHoldRequest(words: string): boolean {
    const { idle: { hold }, language = "en" } = this.#settings
    return hold !== undefined && HoldRequest.isOne(words, language)
  }

  /** Starts the reply in the pause, where it is likely to count. */
  #speculate(utterance: Utterance, transcript: Transcript): void {
    const { active, digits, parts } = this.state
    const words = Words.join(this.state.carry, transcript.text)
    if (this.#isFarewellReturned(words)) return
    if (digits.length > 0 || parts.length > 0) return
    if (this.#isNoise(transcript) || this.#understood(utterance, transcript) !== "answer") return
    if (this.#isHoldRequest(words) && this.#hasLine("hold")) return
    if (this.#isWaiting() && this.#isIdleTalk(transcript)) return
    if (active !== undefined && (active.rest === undefined || this.#isForAgent(active, utterance, transcript))) return
    if (active !== undefined && this.#isGreetedBack(active, words)) return
    const reply = this.#newReply({
      request: this.#request([Words.join(this.state.carry, transcript.text)]),
      since: utterance.stoppedAt,
      moments: { transcript: this.#at }
    })
    this.state.speculation = reply
    this.#startModel(reply)
  }

  #endpoint(): void {
    const { utterance } = this.state
    if (utterance === undefined) return
    if (utterance.transcript !== undefined) return this.#decide(utterance, utterance.transcript)
    // A key, or a short pause, may end the turn before the words were asked for.
    this.#cancelTimer("speculate")
    this.state.utterance = { ...utterance, isOver: true }
    if (!utterance.isTranscribing) this.#transcribe()
    const { active, carry, digits, isFilled } = this.state
    const hadFiller = utterance.isFilled === true || (carry.length > 0 && isFilled)
    if (active === undefined && digits.length === 0 && !hadFiller && !this.#isOnHold() && FillerRule.isSpeech(utterance)) {
      this.#startFiller(utterance.stoppedAt)
    }
  }

  // -- somebody who speaks for long -------------------------------------------------------------

  /** Without a gap: a part ends here, and in the end the turn does. In a pause `#endpoint` decides. */
  #tooLong(): void {
    const { utterance, voice } = this.state
    if (utterance === undefined || !voice.isOn) return
    this.#endPart(utterance, this.#at)
  }

  /** The voice goes on at `at`. `since`: the end of the part's last word, where it is known. */
  #endPart(utterance: Utterance, at: number, since?: number): void {
    for (const timer of ["speculate", "endpoint", "utterance"] as const) this.#cancelTimer(timer)
    this.#dropSpeculation()
    if (at - utterance.turnSince < Monologue.maxTurn) return this.#takePart(utterance, at, since)
    this.#cancelTranscription(utterance)
    const { transcript: _transcript, ...rest } = utterance
    const voicedMillis = utterance.voicedMillis + at - Math.max(this.state.voice.since, utterance.startedAt)
    this.state.utterance = { ...rest, stoppedAt: at, voicedMillis, isOver: true, isTranscribing: false }
    this.#transcribe()
  }

  /** What was said so far is a part of the turn, which goes on. */
  #takePart(utterance: Utterance, at: number, since?: number): void {
    const { id, isRetried, isTranscribing, transcript, turnSince } = utterance
    const isAsked = isTranscribing || transcript !== undefined
    const attempt = utterance.attempt + (isAsked ? 0 : 1)
    if (!isAsked) this.#do({ _tag: "Transcribe", utterance: id, attempt })
    const next = this.#newUtterance(at, turnSince)
    this.#do({ _tag: "BeginUtterance", utterance: next, after: id, ...(since === undefined ? {} : { since }) })
    const part = { utterance: id, attempt, isRetried }
    const parts = [...this.state.parts, part]
    this.state.parts = parts
    if (transcript !== undefined) this.#partsHeard(Monologue.heard(parts, part, transcript.text))
  }

  #partFailed(part: Monologue.Part, reason: string): void {
    this.#trouble("speechToText", reason)
    const { again, parts } = Monologue.failed(this.state.parts, part)
    if (again === undefined) return this.#partsHeard(parts)
    this.state.parts = parts
    this.#do({ _tag: "Transcribe", utterance: again.utterance, attempt: again.attempt })
  }

  #partsHeard(heard: ReadonlyArray<Monologue.Part>): void {
    const { parts, text } = Monologue.settle(heard)
    for (const { utterance } of heard.slice(0, heard.length - parts.length)) this.#do({ _tag: "EndUtterance", utterance })
    this.state.parts = parts
    this.state.carry = Words.join(this.state.carry, text)
    if (parts.length > 0) return
    const { active, utterance } = this.state
    if (this.state.farewell !== undefined && utterance?.isOver !== true) {
      // It is asked for behind a goodbye, to learn whether somebody speaks to us.
      if (this.state.carry.length === 0 || this.#isFarewellReturned(this.state.carry)) return this.#hangUp(this.state.farewell.reason)
      this.#takeBackFarewell()
    }
    // A long noise: what it has stopped goes on.
    if (this.state.carry.length === 0 && active !== undefined && (active.isHeld || active.rest !== undefined)) this.#goOn(active)
    if (utterance?.transcript === undefined) return
    if (utterance.isOver) this.#decide(utterance, utterance.transcript)
    else this.#speculate(utterance, utterance.transcript)
  }

  #isNoise(transcript: Transcript): boolean {
    return transcript.text.trim().length === 0 && transcript.isUnintelligible !== true
  }

  /** Said while the agent speaks, and not to take the turn: unless the reply was all but heard. */
  #isBackchannel(active: Reply, utterance: Utterance, transcript: Transcript): boolean {
    const isMumble = transcript.isUnintelligible === true && utterance.stoppedAt - utterance.startedAt <= longestMumble
    if (!isMumble && !this.#phrases.backchannels.has(Words.plain(transcript.text))) return false
    const rest = active.rest ?? PlaybackLedger.divide(active.segments, this.#at).rest
    return !active.isTextDone || Words.count(rest.join(" ")) > lastWords
  }

  #isOnHold(): boolean {
    return (this.state.heldUntil ?? 0) > this.#at
  }

  /** The agent was asked to wait, and says at most that it does. */
  #isWaiting(): boolean {
    const { active } = this.state
    return this.#isOnHold() && (active === undefined || active.line === "hold")
  }

  /** What is said beside the telephone while the agent was asked to wait: a backchannel, thanks, a mumble. */
  #isIdleTalk(transcript: Transcript): boolean {
    if (this.state.carry.length > 0) return false
    return transcript.isUnintelligible === true || this.#phrases.backchannels.has(Words.plain(transcript.text)) ||
      HoldRequest.isThanks(transcript.text, this.#settings.language ?? "en")
  }

  #goOnWaiting(): void {
    if (this.state.active === undefined) this.#startIdle()
    else this.#goOn(this.state.active)
  }

  #hasLine(line: keyof Lines): boolean {
    return (this.#settings.lines[line] ?? "").trim().length > 0
  }

  /** Nothing was said that wants the turn. */
  #isForAgent(active: Reply, utterance: Utterance, transcript: Transcript): boolean {
    return this.state.carry.length === 0 && (this.#isNoise(transcript) || this.#isBackchannel(active, utterance, transcript))
  }

  /** The turn is over: whose is the next? */
  #decide(utterance: Utterance, transcript: Transcript): void {
    const { active, carry, digits } = this.state
    if (this.state.parts.length > 0) {
      this.state.utterance = { ...utterance, transcript, isOver: true, isTranscribing: false }
      return
    }
    if (active === undefined) this.#cancelTimer("filler")
    this.#endUtterance(utterance)
    const understood = this.#understood(utterance, transcript)
    const isNoise = this.#isNoise(transcript) || understood === "ignore"
    const isForAgent = active !== undefined && ((isNoise && carry.length === 0) || this.#isForAgent(active, utterance, transcript))
    if (active !== undefined && this.#mustBeHeard(active)) {
      return this.#answerLater(active, isForAgent || isNoise || understood === "ask" ? "" : transcript.text)
    }
    if (digits.length > 0 && (this.state.areDigitsDue || (!isNoise && !isForAgent))) {
      const words = Words.join(carry, isForAgent ? "" : transcript.text)
      return this.#commit(words.length > 0 || transcript.isUnintelligible === true ? [words, digits] : [digits], utterance)
    }
    // Who is pressing keys is waited for.
    if (isForAgent) return digits.length > 0 ? undefined : this.#goOn(active)
    const words = Words.join(carry, transcript.text)
    if (this.#isHoldRequest(words)) return this.#wait(words, utterance)
    const greeted = understood === "ask" ? carry : words
    if (active !== undefined && this.#isGreetedBack(active, greeted)) return this.#goOnBehind(active, greeted)
    if (this.#isFarewellReturned(words)) {
      if (active !== undefined) return this.#goOnBehind(active, words)
      this.#callerSaid(this.state.nextReply, words)
      this.state.carry = ""
      return this.#startIdle()
    }
    if (understood === "ask" && carry.length === 0 && digits.length === 0) {
      return this.#isWaiting() ? this.#goOnWaiting() : this.#askAgain(isNoise)
    }
    if (isNoise && carry.length === 0) return digits.length > 0 ? undefined : this.#startIdle()
    if (this.#isWaiting() && this.#isIdleTalk(transcript)) return this.#goOnWaiting()
    this.#commit([words], utterance)
  }

  /** The caller asks to wait: the agent says that it does. Without a line for it the reply model answers, and the wait is the same. */
  #wait(words: string, utterance: Utterance | undefined): void {
    if (this.#hasLine("hold")) {
      this.#interruptWith(words)
      delete this.state.idleSince
      this.state.isIdlePrompted = false
      this.#say("hold")
    } else this.#commit([words], utterance)
    this.state.heldUntil = this.#at + (this.#settings.idle.hold ?? 0)
  }

  /** What is done about what the caller said, as far as it was understood. */
  #understood(utterance: Utterance, transcript: Transcript): AskAgain.Decision {
    const { answersUnheard = false, language = "", lines } = this.#settings
    if (lines.notUnderstood === undefined) return this.#isNoise(transcript) ? "ignore" : "answer"
    const { active, history } = this.state
    const agentSaid = history.findLast(({ role }) => role === "agent")?.text ?? ""
    return AskAgain.decide({
      transcript,
      voicedMillis: utterance.voicedMillis,
      wasAskedAgain: this.state.isAskedAgain,
      isInterruption: active !== undefined,
      agentSaid: Words.join(agentSaid, active?.heard ?? ""),
      language,
      backchannels: this.#phrases.backchannels,
      answersUnheard
    })
  }

  /** Of what was not understood nothing is remembered. */
  #askAgain(isWordless: boolean): void {
    // Once the agent has asked whether anybody is there, a noise does not put off the end of the call.
    if (!isWordless || !this.state.isIdlePrompted) {
      delete this.state.idleSince
      this.state.isIdlePrompted = false
    }
    this.#say("notUnderstood")
  }

  // -- the greeting -----------------------------------------------------------------------------

  /** Neither voice nor keys stop it. */
  #mustBeHeard({ line }: Reply): boolean {
    return line === "greeting" && this.#settings.interruption.greeting === false
  }

  /** Said into the greeting, and asks for nothing; at the very end of it, it is an answer. */
  #isGreetedBack(active: Reply, text: string): boolean {
    if (active.line !== "greeting") return false
    const { heard, rest } = PlaybackLedger.divide(active.segments, this.#at)
    const isBegun = Words.join(active.remembered ?? "", active.heard, heard).length > 0
    if (isBegun && Words.count((active.rest ?? rest).join(" ")) <= GreetingAnswer.lastWords) return false
    // Speech that nobody understood, before anything was heard of us.
    if (text.length === 0) return active.isHeld
    return this.#phrases.isBareGreeting(text, this.state.history.every(({ role }) => role !== "caller"))
  }

  /** The rest of what the agent is saying is the answer: of a greeting, or of a goodbye. */
  #goOnBehind(active: Reply, text: string): void {
    const { heard } = active
    // In their order: what was heard before the caller spoke, the caller, the rest.
    if (heard.length > 0) this.#remember("agent", heard)
    if (text.length > 0) this.#callerSaid(active.id, text)
    this.state.carry = ""
    this.#goOn(this.#put({ ...active, heard: "", remembered: Words.join(active.remembered ?? "", heard) }))
  }

  /** Said into a greeting that goes on whatever is said: kept until it was heard. */
  #answerLater(active: Reply, text: string): void {
    const { carry } = this.state
    if (carry.length === 0 && this.#phrases.isBareGreeting(text, true)) return this.#callerSaid(active.id, text)
    this.state.carry = Words.join(carry, text)
  }

  /** What was said into the greeting is answered now, unless the caller is saying more. */
  #answerOrWait(): void {
    const { areDigitsDue, carry, digits, utterance } = this.state
    if (utterance !== undefined) return
    if (digits.length > 0) return areDigitsDue ? this.#digitsDue() : undefined
    if (carry.length === 0) this.#startIdle()
    else if (this.#isHoldRequest(carry)) this.#wait(carry, undefined)
    else this.#commit([carry], undefined)
  }

  /** What the caller has not heard of the greeting; nothing, if that is no matter. */
  #unheardOf(reply: Reply): string | undefined {
    if (reply.line !== "greeting") return undefined
    const rest = (reply.rest ?? reply.segments.map(({ text }) => text)).join(" ")
    const isBegun = Words.join(reply.remembered ?? "", reply.heard).length > 0
    return Words.count(rest) > (isBegun ? GreetingAnswer.lastWords : 0) ? rest : undefined
  }

  /** The agent's turn begins; what was said is settled. */
  #commit(texts: ReadonlyArray<string>, utterance: Utterance | undefined): void {
    const { active } = this.state
    if (active !== undefined) this.#interrupt(active)
    const wasFilled = utterance?.isFilled === true
    this.#takeBackFarewell()
    if (!wasFilled) this.#cutFiller()
    this.#cancelTimer("filler")
    // What was reopened is the same turn still.
    if (this.state.carry.length === 0) this.state.isFilled = wasFilled
    delete this.state.heldUntil
    const since = utterance?.stoppedAt ?? this.#at
    const id = this.state.speculation?.id ?? this.state.nextReply
    // Asked for before the words are in the history: the request adds them itself.
    const request = this.#request(texts)
    for (const text of texts) this.#callerSaid(id, text)
    this.state.carry = ""
    this.state.digits = ""
    this.state.areDigitsDue = false
    this.#cancelTimer("digits")
    delete this.state.idleSince
    this.state.isIdlePrompted = false
    this.state.isAskedAgain = false

    const moments = {
      due: since + (utterance?.due ?? 0),
      endpoint: this.#at,
      ...(utterance?.transcribedAt === undefined ? {} : { transcript: utterance.transcribedAt })
    }
    // Keys alone are no question, and what nobody understood needs no thought.
    const isFillable = utterance !== undefined && texts.some((text) => /\p{L}/u.test(text))
    const { speculation } = this.state
    delete this.state.speculation
    if (speculation?.isRefused === true) return this.#apologise()
    if (speculation === undefined) {
      const reply = this.#newReply({ request, since, moments })
      this.state.active = reply
      this.#startModel(reply)
      if (isFillable) this.#awaitSound(reply)
      this.#release(reply)
      return
    }
    const reply = { ...speculation, moments: { ...speculation.moments, ...moments } }
    this.state.active = reply
    if (reply.dialogue !== undefined) this.state.dialogue = reply.dialogue.state
    for (const { digits, text } of reply.segments) {
      this.#tell(reply.id, digits === undefined ? { _tag: "AgentSays", text } : { _tag: "AgentPresses", digits })
    }
    if (isFillable) this.#awaitSound(reply)
    this.#release(reply)
    this.#finishIfHeard(reply)
  }

  #callerSaid(turn: number, text: string): void {
    const { unheard } = this.state
    this.state.history = [...this.state.history, { role: "caller", text, ...(unheard === undefined ? {} : { unheard }) }]
    delete this.state.unheard
    this.#tell(turn, { _tag: "CallerSaid", text })
  }

  /** What is asked of the model, as if these had been said now. */
  #request(texts: ReadonlyArray<string>): ReplyRequest {
    const { active, dialogue, history } = this.state
    const heard: ReadonlyArray<Message> = active !== undefined && active.heard.length > 0
      ? [{ role: "agent", text: active.heard }]
      : []
    const unheard = this.state.unheard ?? (active === undefined ? undefined : this.#unheardOf(active))
    const said = texts.map((text, index): Message => ({ role: "caller", text, ...(index > 0 || unheard === undefined ? {} : { unheard }) }))
    return { history: [...history, ...heard, ...said], state: dialogue }
  }

  // -- the agent's reply ------------------------------------------------------------------------

  #newReply(reply: Pick<Reply, "line" | "request" | "since" | "hangUp"> & Partial<Pick<Reply, "isFinal" | "moments" | "isRetried">>): Reply {
    return {
      isFinal: false,
      isHeld: false,
      isMediaSent: false,
      isTextDone: false,
      text: ClauseChunker.begin(this.#settings.language),
      segments: [],
      nextSegment: 0,
      heard: "",
      digits: "",
      isRetried: false,
      isSpeechRetried: false,
      isMeasured: false,
      moments: {},
      ...reply,
      id: this.state.nextReply++
    }
  }

  #startModel(reply: Reply): void {
    if (reply.request !== undefined) this.#do({ _tag: "StartReply", reply: reply.id, request: reply.request })
  }

  #dropSpeculation(): void {
    const { speculation } = this.state
    if (speculation === undefined) return
    if (speculation.isRefused !== true) this.#do({ _tag: "CancelReply", reply: speculation.id })
    delete this.state.speculation
  }

  /** A fixed line has the turn. */
  #say(line: keyof Lines, end?: { readonly hangUp: string; readonly isFinal: boolean }): void {
    const { active } = this.state
    if (active !== undefined) this.#interrupt(active)
    this.#takeBackFarewell()
    this.#dropSpeculation()
    this.#cancelTimer("idle")
    this.#cancelTimer("idleHangUp")
    this.#cancelTimer("filler")
    this.state.isAskedAgain = line === "notUnderstood"
    const reply = this.#newReply({ line, ...end })
    this.state.active = { ...reply, isTextDone: true }
    this.#speak(this.state.active, this.#settings.lines[line] ?? this.#settings.lines.apology, "line")
    this.#release(this.state.active)
    if (this.state.active !== undefined) this.#finishIfHeard(this.state.active)
  }

  #replyText(reply: Reply, text: string): void {
    if (reply.isTextDone) return
    const begun = this.#moment(reply, "firstText")
    const [pieces, chunker] = ClauseChunker.push(begun.text, text)
    let next = this.#put({ ...begun, text: chunker })
    for (const piece of pieces) next = this.#speak(next, piece)
  }

  #replyDone(reply: Reply): void {
    if (reply.isTextDone) return
    let next = this.#put({ ...reply, isTextDone: true, text: ClauseChunker.empty })
    for (const piece of ClauseChunker.flush(reply.text)) next = this.#speak(next, piece)
    next = this.#press(next)
    if (next.segments.length === 0 && next.id === this.state.active?.id) this.#finishIfHeard(next)
  }

  #replyFailed(reply: Reply, failure: Repetition.Failure): void {
    if (reply.isTextDone) return
    this.#trouble("replyModel", failure.reason)
    if (reply.id === this.state.speculation?.id) return this.#speculationFailed(reply, failure)
    if (reply.segments.length > 0 || reply.heard.length > 0 || reply.rest !== undefined) {
      return this.#breakOff({ ...reply, text: ClauseChunker.empty })
    }
    this.#do({ _tag: "CancelReply", reply: reply.id })
    delete this.state.active
    if (reply.isRetried || !Repetition.isOfUse(failure)) return this.#apologise()
    const again = this.#newReply({ request: reply.request, since: reply.since, moments: reply.moments, isRetried: true })
    this.state.active = { ...again, isHeld: reply.isHeld }
    this.#startModel(again)
    this.#release(this.state.active)
  }

  /** It is asked for again when the turn is over, unless that would be the same in vain. */
  #speculationFailed(reply: Reply, failure: Repetition.Failure): void {
    if (Repetition.isOfUse(failure)) return this.#dropSpeculation()
    this.#do({ _tag: "CancelReply", reply: reply.id })
    this.#put({ ...reply, isTextDone: true, isRefused: true })
  }

  /** The rest of a reply is lost: it says so behind what it has said. */
  #breakOff({ hangUp: _hangUp, transfer: _transfer, ...reply }: Reply): void {
    this.state.failures++
    const isLast = this.state.failures >= maxFailures
    const next = this.#put({ ...reply, digits: "", isTextDone: true, isBroken: true, ...(isLast ? { hangUp: "engineFailed", isFinal: true } : {}) })
    this.#speak(next, this.#settings.lines[isLast ? "failure" : "apology"], "line")
  }

  #apologise(): void {
    this.state.failures++
    if (this.state.failures >= maxFailures) this.#say("failure", { hangUp: "engineFailed", isFinal: true })
    else this.#say("apology")
  }

  /** Says a piece behind what is said already; one that is interrupted keeps it for later. */
  #speak(reply: Reply, piece: string, kind: SpeechKind = "reply"): Reply {
    const text = SpeechTextFilter.toSpeech(piece)
    if (!/[\p{L}\p{N}]/u.test(text)) return reply
    if (reply.rest !== undefined) return this.#put({ ...reply, rest: [...reply.rest, text] })
    const begun = this.#moment(reply, "firstClause")
    const segment = PlaybackLedger.segment(begun.nextSegment, text)
    this.#do({ _tag: "Speak", reply: reply.id, segment: segment.id, text, kind })
    if (reply.id === this.state.active?.id) this.#tell(reply.id, { _tag: "AgentSays", text })
    return this.#put({ ...begun, segments: [...begun.segments, segment], nextSegment: segment.id + 1 })
  }

  /** Presses the keys behind what is said; a reply that is interrupted keeps them for later. */
  #press(reply: Reply): Reply {
    const { digits } = reply
    if (digits.length === 0 || reply.rest !== undefined) return reply
    const segment = PlaybackLedger.keys(reply.nextSegment, digits)
    this.#do({ _tag: "Press", reply: reply.id, segment: segment.id, digits })
    if (reply.id === this.state.active?.id) this.#tell(reply.id, { _tag: "AgentPresses", digits })
    return this.#put({ ...reply, digits: "", segments: [...reply.segments, segment], nextSegment: segment.id + 1 })
  }

  #speechBegan(reply: Reply, id: number): void {
    const isNext = reply.segments.find((piece) => !piece.isHeard)?.id === id
    const marked = this.#moment(reply, "firstSound")
    // All before it was heard: nothing keeps it from being played at once.
    const begun = isNext && marked.isMediaSent
      ? this.#put({ ...marked, segments: marked.segments.map((piece) => piece.id === id ? { ...piece, playedFrom: this.#at } : piece) })
      : marked
    if (begun.id !== this.state.active?.id) return
    this.#cancelTimer("filler")
    const { filler } = this.state
    // Slower than what it was to wait for.
    if (filler !== undefined && !filler.hasSound) this.#cutFiller()
    this.#release(begun)
  }

  /** Lets a reply's sound leave, unless it has to wait for the caller or for a filler. */
  #release(reply: Reply): void {
    const { filler, timers } = this.state
    if (reply.isHeld || timers.filler !== undefined || (filler !== undefined && !filler.isLeft)) return
    if (this.state.released === reply.id) return
    this.state.released = reply.id
    this.#do({ _tag: "Release", reply: reply.id })
  }

  // -- while a reply is late --------------------------------------------------------------------

  /** Until its first sound the reply is kept back, so that none of it can be before the filler. */
  #awaitSound(reply: Reply): void {
    if (reply.moments.firstSound === undefined && reply.since !== undefined && !this.state.isFilled) this.#startFiller(reply.since)
  }

  /** `since`: the caller's last voiced sample. */
  #startFiller(since: number): void {
    const { fillers } = this.#settings
    if (fillers === undefined || fillers.lines.length === 0) return
    this.#startTimer("filler", FillerRule.dueAt(fillers, since, this.#at))
  }

  #fill(): void {
    const { active, filler, nextFiller, utterance, voice } = this.state
    const { fillers } = this.#settings
    if (filler !== undefined) return filler.hasSound ? undefined : this.#dropFiller(filler)
    if (fillers === undefined) return
    // Either a reply is late, or the words that it is to answer.
    const isQuiet = !voice.isOn && (active === undefined ? utterance?.isOver === true : utterance === undefined && !active.isHeld)
    const place = isQuiet ? FillerRule.next(fillers, nextFiller, this.state.lastFiller) : undefined
    if (place === undefined) {
      // Of a single line every other one is left out.
      if (isQuiet) delete this.state.lastFiller
      return active === undefined ? undefined : this.#release(active)
    }
    const text = fillers.lines[place]
    const id = this.state.nextReply++
    this.state.nextFiller = (place + 1) % fillers.lines.length
    this.state.lastFiller = text
    this.state.isFilled = true
    if (utterance !== undefined) this.state.utterance = { ...utterance, isFilled: true }
    this.state.filler = { id, hasSound: false, isLeft: false }
    this.#do({ _tag: "Speak", reply: id, segment: 0, text, kind: "filler" })
    this.#do({ _tag: "Release", reply: id })
    this.#tell(active?.id ?? this.state.nextReply, { _tag: "AgentFills", text })
    this.#startTimer("filler", this.#at + FillerRule.longestMaking)
  }

  #onFiller(filler: Filler, event: TurnEvent): void {
    switch (event._tag) {
      case "SpeechBegan":
        this.#cancelTimer("filler")
        this.state.filler = { ...filler, hasSound: true }
        return
      case "MediaSent":
        this.state.filler = { ...filler, playedFrom: this.#at }
        return
      case "SpeechEnded":
        this.state.filler = { ...filler, duration: event.duration }
        return
      case "FillerLeft":
        this.state.filler = { ...filler, isLeft: true }
        if (this.state.active !== undefined) this.#release(this.state.active)
        return
      case "SpeechFailed":
        this.#trouble("textToSpeech", event.reason)
        return this.#dropFiller(filler)
      case "MarkReturned":
        return this.#dropFiller(filler)
    }
  }

  /** It was heard, or never will be. */
  #dropFiller(filler: Filler): void {
    this.#cancelTimer("filler")
    this.#do({ _tag: "CancelReply", reply: filler.id })
    delete this.state.filler
    if (!filler.isLeft && this.state.active !== undefined) this.#release(this.state.active)
  }

  #cutFiller(): void {
    const { filler } = this.state
    if (filler === undefined) return
    this.#cancelTimer("filler")
    this.#do({ _tag: "CancelReply", reply: filler.id })
    delete this.state.filler
    this.#do({ _tag: "Clear" })
  }

  #mediaSent(reply: Reply, id: number): void {
    if (!reply.segments.some((piece) => piece.id === id)) return
    // What has left behind a filler is played behind it.
    const { duration = 0, playedFrom = this.#at } = this.state.filler ?? {}
    const from = Math.max(this.#at, playedFrom + duration)
    const segments = reply.segments.map((piece) => piece.id === id ? { ...piece, playedFrom: from } : piece)
    this.#expectMarks(this.#put({ ...this.#moment(reply, "firstMedia"), isMediaSent: true, segments }))
  }

  #speechEnded(reply: Reply, id: number, duration: number): void {
    const next = this.#put({
      ...reply,
      segments: reply.segments.map((piece) => piece.id === id ? { ...piece, duration } : piece)
    })
    if (next.id === this.state.active?.id) this.#expectMarks(next)
  }

  #speechFailed(reply: Reply, event: Extract<TurnEvent, { readonly _tag: "SpeechFailed" }>): void {
    const index = reply.segments.findIndex((piece) => piece.id === event.segment)
    if (index < 0) return
    this.#trouble("textToSpeech", event.reason)
    if (reply.id === this.state.speculation?.id) return this.#speculationFailed(reply, event)
    const lost = reply.segments.slice(index)
    this.#do({ _tag: "StopSpeech", reply: reply.id, from: event.segment })
    const kept = { ...reply, segments: reply.segments.slice(0, index) }
    if (!event.hadSound && !reply.isSpeechRetried && Repetition.isOfUse(event)) {
      const digits = PlaybackLedger.unpressed(lost, this.#at)
      let next = this.#put({ ...kept, digits, isSpeechRetried: true })
      for (const { text } of lost) next = this.#speakAgain(next, text)
      this.#press(next)
      return
    }
    if (reply.line === undefined && !reply.isFinal) {
      return this.#breakOff({ ...kept, isSpeechRetried: false, text: ClauseChunker.empty })
    }
    // Not even a fixed line can be said.
    this.#do({ _tag: "CancelReply", reply: reply.id })
    this.#finish(kept, Words.join(kept.heard, PlaybackLedger.divide(kept.segments, this.#at).heard))
    if (reply.isFinal || reply.hangUp !== undefined) this.#hangUp("engineFailed")
    else this.#apologise()
  }

  #speakAgain(reply: Reply, text: string): Reply {
    if (text.length === 0) return reply
    const segment = PlaybackLedger.segment(reply.nextSegment, text)
    this.#do({ _tag: "Speak", reply: reply.id, segment: segment.id, text, kind: reply.line === undefined ? "reply" : "line" })
    return this.#put({ ...reply, segments: [...reply.segments, segment], nextSegment: segment.id + 1 })
  }

  // -- what was heard ---------------------------------------------------------------------------

  #markReturned(reply: Reply, id: number): void {
    if (!reply.segments.some((piece) => piece.id === id)) return
    // Marks come back in order: what was before the reply is over.
    if (this.state.filler !== undefined) this.#dropFiller(this.state.filler)
    const upTo = reply.segments.slice(0, reply.segments.findIndex((piece) => piece.id === id) + 1)
    const length = upTo.reduce((sum, piece) => sum + PlaybackLedger.durationOf(piece), 0)
    const marked = this.#moment(this.#moment(reply, "firstMark"), "heard", this.#at - length)
    const next = this.#measure(this.#put({ ...marked, segments: PlaybackLedger.confirm(marked.segments, id, this.#at) }))
    this.#finishIfHeard(next)
    if (this.state.active?.id === next.id) this.#expectMarks(next)
  }

  /** A mark that does not come back must not hold up the call. */
  #expectMarks(reply: Reply): void {
    const waiting = reply.segments.filter((piece) => !piece.isHeard && piece.duration !== undefined)
    if (waiting.length === 0) return this.#cancelTimer("playback")
    const length = waiting.reduce((sum, piece) => sum + PlaybackLedger.durationOf(piece), 0)
    this.#startTimer("playback", this.#at + length + markGrace)
  }

  #marksAreLate(): void {
    const { active } = this.state
    const last = active?.segments.findLast((piece) => piece.duration !== undefined)
    if (active === undefined || last === undefined || active.isHeld || active.rest !== undefined) return
    this.#markReturned(active, last.id)
  }

  #finishIfHeard(reply: Reply): void {
    const isHeard = reply.isTextDone && reply.rest === undefined && reply.segments.every((piece) => piece.isHeard)
    if (!isHeard || reply.id !== this.state.active?.id) return
    this.#cancelTimer("bargeIn")
    this.#finish(reply, Words.join(reply.heard, ...reply.segments.map((piece) => piece.text)), true)
    if (reply.line === undefined && reply.isBroken !== true) this.state.failures = 0
    if (reply.hangUp !== undefined) this.#bidFarewell(reply, reply.hangUp)
    else if (reply.transfer !== undefined) this.#transfer(reply.transfer)
    else this.#answerOrWait()
  }

  // -- the end of the call ----------------------------------------------------------------------

  #bidFarewell({ isFinal }: Reply, reason: string): void {
    const { answeredFarewells: answered, utterance } = this.state
    const farewell = Farewell.begin({ at: this.#at, reason, isFinal, answered, maxDuration: this.#settings.maxDuration })
    this.state.farewell = farewell
    if (!farewell.mayBeAnswered && utterance !== undefined) this.#endUtterance(utterance)
    this.#awaitSilence(farewell)
  }

  #awaitSilence(farewell: Farewell.Farewell): void {
    const { utterance, voice } = this.state
    this.#startTimer("hangUp", Farewell.due(farewell, this.#at, voice.isOn || utterance !== undefined))
  }

  #hangUpDue(): void {
    const { farewell, parts, utterance, voice } = this.state
    if (farewell === undefined) return
    if (utterance === undefined) return this.#hangUp(farewell.reason)
    // A voice that does not stop: its words tell whether it is for us. In a pause the endpoint is near.
    if (voice.isOn && parts.length === 0) this.#endPart(utterance, this.#at)
  }

  /** "Goodbye" to the agent's own goodbye, or into it. Who answers a line for the silent has words to say. */
  #isFarewellReturned(text: string): boolean {
    const { active, farewell } = this.state
    return (active?.hangUp ?? farewell?.reason) === "goodbye" && this.#phrases.isClosing(text)
  }

  /** The caller is answered instead. */
  #takeBackFarewell(): void {
    if (this.state.farewell === undefined) return
    delete this.state.farewell
    this.state.answeredFarewells++
    this.#cancelTimer("hangUp")
  }

  /** Only to whom the agent's file names: a model may have made the name up. */
  #transfer(to: string): void {
    const { transfers = {} } = this.#settings
    this.state.transferring = to
    this.#tell(this.state.nextReply, { _tag: "Transferring", to })
    if (!Object.hasOwn(transfers, to)) return this.#transferFailed("unknown")
    if (this.state.utterance !== undefined) this.#endUtterance(this.state.utterance)
    this.#dropSpeculation()
    this.#do({ _tag: "Transfer", to })
  }

  #transferFailed(reason: string): void {
    const { transferring } = this.state
    if (transferring === undefined) return
    this.#tell(this.state.nextReply, { _tag: "TransferFailed", to: transferring, reason })
    delete this.state.transferring
    this.#say("transferFailed")
  }

  /** The reply is over, and this is what the caller heard of it. */
  #finish(reply: Reply, heard: string, isWhole = false): void {
    this.#cancelTimer("playback")
    this.#cancelTimer("filler")
    this.#measure(reply)
    if (heard.length > 0) this.#remember("agent", heard)
    this.#tell(reply.id, { _tag: "AgentHeard", text: Words.join(reply.remembered ?? "", heard), isWhole })
    if (this.state.active?.id === reply.id) delete this.state.active
  }

  /** Stops what is being said, for now: the reply keeps what was not heard. */
  #pause(active: Reply): Reply {
    const { heard, rest } = PlaybackLedger.divide(active.segments, this.#at)
    const { filler } = this.state
    this.#cancelTimer("playback")
    this.#do({ _tag: "StopSpeech", reply: active.id, from: 0 })
    if (filler === undefined) this.#do({ _tag: "Clear" })
    else this.#cutFiller()
    return this.#put({
      ...active,
      digits: PlaybackLedger.unpressed(active.segments, this.#at) + active.digits,
      heard: Words.join(active.heard, heard),
      rest,
      segments: [],
      isMediaSent: false
    })
  }

  /** Stops what is being said, for good. */
  #interrupt(active: Reply): void {
    const stopped = active.rest === undefined && active.isMediaSent ? this.#pause(active) : active
    if (stopped !== active && this.state.voice.since > 0) {
      this.#tell(active.id, { _tag: "BargeIn", clearAfter: this.#at - this.state.voice.since })
    }
    this.#do({ _tag: "CancelReply", reply: active.id })
    this.#finish(stopped, stopped.heard)
    this.state.unheard = this.#unheardOf(stopped) ?? this.state.unheard
  }

  /** Stops what is being said, for good; behind what was heard of it stand the caller's words. */
  #interruptWith(words: string): void {
    const { active } = this.state
    if (active !== undefined) this.#interrupt(active)
    this.#callerSaid(this.state.nextReply, words)
    this.state.carry = ""
  }

  /** It was no interruption: the agent says the rest. */
  #goOn(active: Reply): void {
    this.#dropSpeculation()
    if (active.isHeld) this.#letGo(active)
    if (active.rest === undefined) return
    const { rest, ...reply } = active
    let next = this.#put(reply)
    for (const text of rest) next = this.#speakAgain(next, text)
    if (next.isTextDone) next = this.#press(next)
    this.#tell(active.id, { _tag: "Resumed" })
    this.#finishIfHeard(next)
  }

  #letGo(active: Reply): void {
    const next = this.#put({ ...active, isHeld: false })
    this.#release(next)
    // What has waited until now is not late.
    this.#expectMarks(next)
  }

  // -- time, keys, faults, the end --------------------------------------------------------------

  #timerFired(timer: Timer, id: number): void {
    if (this.state.timers[timer] !== id) return
    this.#forget(timer)
    switch (timer) {
      case "speculate":
        return this.#transcribe()
      case "endpoint":
        return this.#endpoint()
      case "bargeIn":
        return this.#bargeIn()
      case "utterance":
        return this.#tooLong()
      case "playback":
        return this.#marksAreLate()
      case "idle":
        this.state.isIdlePrompted = true
        return this.#say("idle")
      case "idleHangUp":
        return this.#say("idleGoodbye", { hangUp: "idle", isFinal: false })
      case "digits":
        return this.#digitsDue()
      case "hangUp":
        return this.#hangUpDue()
      case "filler":
        return this.#fill()
      case "limit":
        if (this.state.utterance !== undefined) this.#endUtterance(this.state.utterance)
        delete this.state.transferring
        return this.#say("timeIsUp", { hangUp: "maxDuration", isFinal: true })
    }
  }

  /** Both are silent: asks once, and in the end says goodbye. */
  #startIdle(): void {
    const { active, farewell, heldUntil = -Infinity, idleSince = this.#at, isIdlePrompted, transferring, utterance, voice } = this.state
    if (active !== undefined || utterance !== undefined || voice.isOn || transferring !== undefined) return
    if (farewell !== undefined) return this.#awaitSilence(farewell)
    const { after, hangUpAfter } = this.#settings.idle
    // Who has asked to wait is asked at the end of the wait, and has from there what others have.
    this.state.idleSince = Math.max(idleSince, heldUntil - after)
    // One or the other: both would speak at once after a long noise.
    if (isIdlePrompted) this.#startTimer("idleHangUp", Math.max(this.#at, this.state.idleSince + hangUpAfter))
    else this.#startTimer("idle", Math.max(this.#at, this.state.idleSince + after))
  }

  #digit(digit: string): void {
    const { active, farewell, filler, transferring, utterance, voice } = this.state
    if (active?.isFinal === true || transferring !== undefined || farewell?.mayBeAnswered === false) return
    this.#cancelTimer("hangUp")
    if (digit === "#" && this.state.digits.length === 0 && active === undefined && utterance !== undefined && !voice.isOn) {
      // It ends a number that was said, as it ends one that was pressed.
      this.#cancelTimer("endpoint")
      return this.#endpoint()
    }
    this.#cancelTimer("idle")
    this.#cancelTimer("idleHangUp")
    if (filler !== undefined && active?.isMediaSent !== true) {
      this.#cutFiller()
      this.#tell(active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: 0 })
      if (active !== undefined) this.#release(active)
    }
    if (active !== undefined && active.rest === undefined && active.isMediaSent && !this.#mustBeHeard(active)) {
      this.#pause(active)
      this.#tell(active.id, { _tag: "BargeIn", clearAfter: 0 })
    }
    if (digit !== "#") {
      // It is a part of what is to be answered.
      this.#dropSpeculation()
      this.state.digits = Words.join(this.state.digits, digit)
    }
    this.state.areDigitsDue = false
    if (digit === "#" && this.state.digits.length > 0) {
      this.#cancelTimer("digits")
      this.#digitsDue()
    } else {
      this.#startTimer("digits", this.#at + digitPause)
    }
  }

  #digitsDue(): void {
    const { active, carry, digits, utterance } = this.state
    if (digits.length === 0 && utterance !== undefined) return
    if (digits.length === 0) return active === undefined ? this.#startIdle() : this.#goOn(active)
    this.state.areDigitsDue = true
    if (active !== undefined && this.#mustBeHeard(active)) return
    // Words that are being said come first.
    if (utterance === undefined) this.#commit(carry.length > 0 ? [carry, digits] : [digits], undefined)
  }

  #trouble(stage: Stage, reason: string): void {
    this.#tell(this.state.active?.id ?? this.state.nextReply, { _tag: "EngineTrouble", stage, reason })
  }

  #hangUp(reason: string): void {
    this.#end(reason)
    this.#do({ _tag: "HangUp", reason })
  }

  #hungUp(): void {
    const { active } = this.state
    if (active !== undefined) {
      const heard = Words.join(active.heard, PlaybackLedger.divide(active.segments, this.#at).heard)
      this.#do({ _tag: "CancelReply", reply: active.id })
      this.#finish(active, heard)
    }
    this.#end("callerHungUp")
  }

  #end(reason: string): void {
    if (this.state.utterance !== undefined) this.#endUtterance(this.state.utterance)
    this.#dropSpeculation()
    if (this.state.filler !== undefined) this.#do({ _tag: "CancelReply", reply: this.state.filler.id })
    delete this.state.filler
    for (const timer of Object.keys(this.state.timers) as Array<Timer>) this.#cancelTimer(timer)
    this.#tell(this.state.nextReply, { _tag: "Ended", reason })
    this.state.isEnded = true
  }

  // -- small things -----------------------------------------------------------------------------

  #do(command: Command): void {
    this.commands.push(command)
  }

  #tell(turn: number, event: DistributiveOmit<ConversationEvent, "at" | "turn">): void {
    this.#do({ _tag: "Tell", event: { at: this.#at, turn, ...event } as ConversationEvent })
  }

  #remember(role: Message["role"], text: string): void {
    this.state.history = [...this.state.history, { role, text }]
  }

  /** Only a reply that still counts is heard of. */
  #onReply(id: number, then: (reply: Reply) => void): void {
    const reply = this.state.active?.id === id ? this.state.active : this.state.speculation
    if (reply?.id === id) then(reply)
  }

  /** Keeps a reply where it belongs. */
  #put(reply: Reply): Reply {
    if (this.state.speculation?.id === reply.id) this.state.speculation = reply
    else this.state.active = reply
    return reply
  }

  #moment(reply: Reply, name: keyof TurnTimes, at = this.#at): Reply {
    return reply.since === undefined || reply.moments[name] !== undefined
      ? reply
      : this.#put({ ...reply, moments: { ...reply.moments, [name]: at } })
  }

  /** Tells the turn's times, once. */
  #measure(reply: Reply): Reply {
    const { endpoint, due } = reply.moments
    if (reply.isMeasured || reply.since === undefined || endpoint === undefined || due === undefined) return reply
    const since = reply.since
    const times = Object.fromEntries(
      Object.entries(reply.moments).map(([name, at]) => [name, at - since])
    ) as unknown as TurnTimes
    this.#tell(reply.id, { _tag: "TurnMeasured", times })
    return this.#put({ ...reply, isMeasured: true })
  }

  #cancelTranscription(utterance: Utterance): void {
    if (utterance.isTranscribing) {
      this.#do({ _tag: "CancelTranscription", utterance: utterance.id, attempt: utterance.attempt })
    }
  }

  #endUtterance(utterance: Utterance): void {
    this.#cancelTranscription(utterance)
    for (const timer of ["speculate", "endpoint", "utterance"] as const) this.#cancelTimer(timer)
    for (const { id } of [...this.state.parts.map((part) => ({ id: part.utterance })), utterance]) {
      this.#do({ _tag: "EndUtterance", utterance: id })
    }
    this.state.parts = []
    delete this.state.utterance
  }

  #startTimer(timer: Timer, due: number): void {
    const id = this.state.nextTimer++
    this.state.timers = { ...this.state.timers, [timer]: id }
    this.#do({ _tag: "StartTimer", timer, id, due })
  }

  #cancelTimer(timer: Timer): void {
    if (this.state.timers[timer] === undefined) return
    this.#forget(timer)
    this.#do({ _tag: "CancelTimer", timer })
  }

  #forget(timer: Timer): void {
    const { [timer]: _id, ...timers } = this.state.timers
    this.state.timers = timers
  }
}

type DistributiveOmit<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never
