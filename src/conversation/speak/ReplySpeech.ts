/**
 * Makes the speech of all replies. Each reply has a synthesizer, from the reply's first command until the reply is dropped.
 *
 * Some voices sound better if they get the turns before the text (`SpeechContext`). The sound of fixed lines and fillers was prepared
 * without these turns, so their requests leave the turns out, too.
 */
import { Effect, Exit, type Queue, Scope, Stream } from "effect"
import type { SpeechRequest, TextToSpeech } from "../ports/TextToSpeech.ts"
import type { SpeechKind } from "../turn/TurnCommand.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import type { SpeechContext } from "./context/SpeechContext.ts"
import type { Outgoing } from "./Outgoing.ts"
import * as ReplySynthesizer from "./ReplySynthesizer.ts"

/** The voice of an agent: the fields of a request that are the same for all texts. */
type Voice = Pick<SpeechRequest, "language" | "voice">

/** A request for a text in the agent's voice, without context. */
export const requestOf = (agent: Voice) => (text: string): SpeechRequest =>
  agent.voice === undefined ? { text, language: agent.language } : { text, language: agent.language, voice: agent.voice }

interface MakeOptions {
  readonly textToSpeech: TextToSpeech["Service"]
  readonly voice: Voice
  /** The longest wait for the next sound, ms. */
  readonly timeout: number
  /** Unset: the voice does not use the turns before the text. */
  readonly context?: SpeechContext
  readonly out: Queue.Enqueue<Outgoing>
  readonly report: ReportTurnEvent
}

export interface ReplySpeech {
  /** The newest reply was started. `callerWords`: the words that it answers. */
  readonly onReplyStarted: (reply: number, callerWords: string) => void
  readonly speak: (reply: number, segment: number, text: string, kind: SpeechKind) => Effect.Effect<void>
  readonly press: (reply: number, segment: number, digits: string) => Effect.Effect<void>
  /** Lets the reply's sound leave. Before the first release, the sound is held. */
  readonly release: (reply: number) => Effect.Effect<void>
  readonly hold: (reply: number) => Effect.Effect<void>
  /** Drops the reply's segments from this number on. */
  readonly stop: (reply: number, from: number) => Effect.Effect<void>
  /** Drops the whole reply. Does not wait until the engine has stopped. */
  readonly drop: (reply: number) => Effect.Effect<void>
}

/** All synthesizers end with the scope. */
export const make = Effect.fnUntraced(function*(options: MakeOptions): Effect.fn.Return<ReplySpeech, never, Scope.Scope> {
  const { context, out, report, textToSpeech, timeout } = options
  const scope = yield* Effect.scope
  const requestText = requestOf(options.voice)
  const synthesizers = new Map<number, { readonly synthesizer: ReplySynthesizer.ReplySynthesizer; readonly scope: Scope.Closeable }>()
  /** The newest reply, with the caller's words that it answers. The speech of an earlier reply is made without them, since the caller may have said more. */
  let newest: { readonly reply: number; readonly callerWords: string } | undefined

  const speech = (reply: number, segment: number, text: string, kind: SpeechKind) => {
    const request = requestText(text)
    if (context === undefined || kind !== "reply") return textToSpeech.speak(request)
    const turns = context.read(newest?.reply === reply ? newest.callerWords : undefined)
    return textToSpeech.speak(turns.length === 0 ? request : { ...request, context: turns }).pipe(
      Stream.map((chunk) => {
        context.addSound(reply, segment, text, chunk)
        return chunk
      })
    )
  }

  const synthesizerOf = Effect.fnUntraced(function*(reply: number) {
    const known = synthesizers.get(reply)
    if (known !== undefined) return known.synthesizer
    const replyScope = yield* Scope.fork(scope)
    const synthesizer = yield* Scope.provide(
      ReplySynthesizer.make({ reply, out, report, timeout, speech: (segment, text, kind) => speech(reply, segment, text, kind) }),
      replyScope
    )
    synthesizers.set(reply, { synthesizer, scope: replyScope })
    return synthesizer
  })

  return {
    onReplyStarted: (reply, callerWords) => {
      newest = { reply, callerWords }
    },
    speak: (reply, segment, text, kind) => Effect.map(synthesizerOf(reply), ({ speak }) => speak(segment, text, kind)),
    press: (reply, segment, digits) => Effect.map(synthesizerOf(reply), ({ press }) => press(segment, digits)),
    release: (reply) => Effect.flatMap(synthesizerOf(reply), ({ release }) => release),
    hold: (reply) => Effect.flatMap(synthesizerOf(reply), ({ hold }) => hold),
    stop: (reply, from) => Effect.flatMap(synthesizerOf(reply), ({ stop }) => stop(from)),
    drop: Effect.fnUntraced(function*(reply: number) {
      const known = synthesizers.get(reply)
      if (known === undefined) return
      synthesizers.delete(reply)
      yield* known.synthesizer.stop(0)
      yield* Effect.forkIn(Scope.close(known.scope, Exit.void), scope)
    })
  }
})
