/**
 * The sound of calls, wherever it is kept.
 */
import { Context, Data, Effect, Layer, Option, type Stream } from "effect"
import type { CallSid } from "../../domain/Sid.ts"

/** The place where sound is kept does not answer, or fails. */
export class RecordingUnreachable extends Data.TaggedError("RecordingUnreachable")<{ readonly cause: unknown }> {
  override get message() {
    return "The recording can't be read now: the place where recordings are kept does not answer. Try again soon."
  }
}

/** A call's sound as one WAV file: two channels, the caller left and the agent right, in the call's time. */
export interface Recording {
  /** Bytes of the file. */
  readonly length: number
  /** ms of sound. */
  readonly duration: number
  /** The bytes from `from` up to, but without, `to`. */
  readonly read: (from: number, to: number) => Stream.Stream<Uint8Array, RecordingUnreachable>
}

export class CallRecordings extends Context.Service<CallRecordings, {
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Recording>, RecordingUnreachable>
  /** Removes it from this machine's folder and from the bucket. */
  readonly erase: (callSid: CallSid) => Effect.Effect<void, RecordingUnreachable>
}>()("client-caller/store/recording/CallRecordings") {
  /** Nothing is recorded. */
  static readonly layerNone = Layer.succeed(CallRecordings, CallRecordings.of({ find: () => Effect.succeed(Option.none()), erase: () => Effect.void }))
}
