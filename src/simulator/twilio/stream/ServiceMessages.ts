/**
 * Carries out the messages that the service sends on one stream: plays the sound to the caller in real time, and sends each mark back when
 * the sound before the mark has been played.
 */
import { Effect, Queue, Result } from "effect"
import * as MediaMessage from "../../../twilio/media/MediaMessage.ts"
import type { Untimed } from "../../report/SimulatedCallEvent.ts"
import { samplesPerMilli, type Timeline } from "../../report/Timeline.ts"
import * as DebuggerCodes from "../DebuggerCodes.ts"
import type { CallClock } from "./CallClock.ts"
import { PlaybackBuffer } from "./PlaybackBuffer.ts"
import type { StreamIds, StreamMessages } from "./StreamMessages.ts"
import type { Traffic } from "./Traffic.ts"
import type { Closed, Incoming, WebSocketClient } from "./WebSocketClient.ts"

interface Options extends Pick<StreamIds, "streamSid"> {
  readonly clock: CallClock
  readonly messages: StreamMessages
  /** Gets the service's sound at the time when it is played. */
  readonly heard: Timeline
  readonly traffic: Traffic
  readonly note: (event: Untimed) => Effect.Effect<void>
}

export class ServiceMessages {
  readonly #options: Options
  readonly #playback: PlaybackBuffer
  #incoming: WebSocketClient["incoming"] | undefined
  #playedMarks: Array<string> = []
  #hadSound = false
  #soundWasDiscarded = false

  constructor(options: Options) {
    this.#options = options
    this.#playback = new PlaybackBuffer(options.heard)
  }

  /** Carries out each message when it arrives, until the connection ends. Returns how the connection ended. */
  run(wire: WebSocketClient): Effect.Effect<Closed> {
    this.#incoming = wire.incoming
    return Queue.take(wire.incoming).pipe(
      Effect.flatMap((incoming) => this.#carryOut(incoming)),
      Effect.forever,
      Effect.catchTag("Done", () => wire.closed)
    )
  }

  /** Returns the marks whose sound has been played, each once. */
  takePlayedMarks(): ReadonlyArray<string> {
    const marks = this.#playedMarks
    this.#playedMarks = []
    return marks
  }

  #carryOut({ at, text }: Incoming): Effect.Effect<void> {
    if (text === undefined) return this.#noteMalformed("a binary frame")
    const decoded = MediaMessage.decodeOutbound(text)
    if (Result.isFailure(decoded)) return this.#noteMalformed(decoded.failure.reason)
    const message = decoded.success
    if (message.streamSid !== this.#options.streamSid) return this.#noteMalformed("a streamSid that is not this stream's")
    switch (message.event) {
      case "media":
        return this.#play(at, message.media.payload)
      case "mark":
        return this.#mark(at, message.mark.name)
      case "clear":
        return this.#clear(at)
    }
  }

  #noteMalformed(what: string): Effect.Effect<void> {
    return this.#options.note({
      _tag: "Problem",
      code: DebuggerCodes.streamMessageMalformed,
      message: `Malformed message: ${what}.`
    })
  }

  #play(at: bigint, sound: Uint8Array): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { clock, note, streamSid, traffic } = this.#options
      traffic.arrivals.push({ at: clock.millis(at), bytes: sound.length })
      if (!this.#hadSound) {
        this.#hadSound = true
        yield* note({ _tag: "FirstSound", streamSid })
      }
      if (!this.#playback.play(clock.samples(at), sound) && !this.#soundWasDiscarded) {
        this.#soundWasDiscarded = true
        const message = "More than ten minutes of sound were queued; media was discarded."
        yield* note({ _tag: "Problem", code: DebuggerCodes.streamMediaDiscarded, message })
      }
    })
  }

  #mark(at: bigint, name: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { clock, note } = this.#options
      yield* note({ _tag: "MarkSet", name })
      const due = this.#playback.mark(clock.samples(at), name)
      yield* this.#returnPlayed(at)
      if (this.#playback.pendingMarks.length > 0) {
        yield* Effect.forkChild(Effect.andThen(clock.sleepUntil(clock.momentOf(due)), this.#returnPlayedByNow))
      }
    })
  }

  #clear(at: bigint): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { clock, note } = this.#options
      yield* this.#returnPlayed(at)
      const { dropped, marks } = this.#playback.clear(clock.samples(at))
      yield* note({ _tag: "Cleared", droppedMillis: dropped / samplesPerMilli })
      yield* this.#returnMarks(marks, true)
    })
  }

  /**
   * Sends back the marks whose sound had been played by this moment. When a message is carried out, the moment is the time of its arrival. So
   * the time that the message waited in a busy process does not count as playback.
   */
  #returnPlayed(moment: bigint): Effect.Effect<void> {
    return this.#returnMarks(this.#playback.takePlayedMarks(this.#options.clock.samples(moment)), false)
  }

  /** Waits until all messages that have arrived are carried out, since one may be a `clear`. Then sends back the marks that are due now. */
  readonly #returnPlayedByNow: Effect.Effect<void> = Effect.suspend(() =>
    this.#incoming !== undefined && Queue.sizeUnsafe(this.#incoming) > 0
      ? Effect.andThen(Effect.yieldNow, this.#returnPlayedByNow)
      : this.#returnPlayed(this.#options.clock.now())
  )

  #returnMarks(names: ReadonlyArray<string>, cleared: boolean): Effect.Effect<void> {
    return Effect.forEach(names, (name) => {
      this.#options.messages.mark(name)
      if (!cleared) this.#playedMarks.push(name)
      return this.#options.note({ _tag: "MarkReturned", name, cleared })
    }, { discard: true })
  }
}
