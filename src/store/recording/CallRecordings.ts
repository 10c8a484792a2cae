/**
 * The recordings of calls. A recording has one file for each media stream of the call: mu-law in two channels, sealed if there is a key. The
 * files are in a folder, or in a bucket of an S3-compatible store if a bucket is set.
 *
 * Readers get one WAV file. It joins the sound of all media streams, with silence between them.
 */
import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { FileUnwritable } from "../../config/Files.ts"
import type { CallSid } from "../../domain/Sid.ts"

/** The folder, the bucket or the database of recordings has failed or does not answer, or the sound is sealed and can't be opened. */
export class RecordingUnreachable extends Data.TaggedError("RecordingUnreachable")<{
  readonly cause: unknown
  /** Why sealed sound can't be opened, in sentences. */
  readonly whyNotOpened?: string
}> {
  override get message() {
    if (this.whyNotOpened !== undefined) return `The recording can't be opened. ${this.whyNotOpened}`
    return "The recording can't be reached now: the folder, the bucket or the database of recordings does not answer. Try again soon."
  }
}

/** Nothing of the recording is left: all of its files and objects were deleted by others. */
export class RecordingGone extends Data.TaggedError("RecordingGone") {
  override get message() {
    return "The sound of this call is gone: its files were deleted from the folder or the bucket of recordings."
  }
}

/**
 * A call's sound as one WAV file with two channels: the caller left, the agent right. The file begins at the zero of the call's axis. While
 * the call is live, the file has the sound that was stored when `find` ran.
 */
export interface Recording {
  /** Bytes of the file. */
  readonly length: number
  /** ms of sound. */
  readonly duration: number
  /**
   * Reads the bytes from `from` to before `to`; at most a few pieces are in memory at once. It fails before the first byte if the bucket does
   * not answer, if sealed sound can't be opened, or if nothing is left of the recording. A part that is gone is silence of its length.
   */
  readonly read: (from: number, to: number) => Effect.Effect<Stream.Stream<Uint8Array, RecordingUnreachable>, RecordingUnreachable | RecordingGone>
}

/** The place of one media stream's sound in a call. */
export interface Part {
  readonly callSid: CallSid
  /** Counts the media streams of the call, from 0. If a file with this number exists already, the sound gets the next free number. */
  readonly part: number
  /** ms on the call's axis (see `StoreWrite`). */
  readonly startedAt: number
}

/** The file of an open media stream. */
export interface PartFile {
  /**
   * Adds sound, or `silentBytes` bytes of silence, at the end. The array `sound` may be reused when the effect has ended. A failure leaves
   * the recording as it was.
   */
  readonly append: (sound: Uint8Array | { readonly silentBytes: number }) => Effect.Effect<void, FileUnwritable>
}

export class CallRecordings extends Context.Service<CallRecordings, {
  /** Begins the file of a media stream. The file is finished when the scope closes. */
  readonly begin: (part: Part) => Effect.Effect<PartFile, FileUnwritable, Scope.Scope>
  /** `None`: the call was not recorded, or its recording is gone. The bucket is asked only for parts whose length is not known. */
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Recording>, RecordingUnreachable>
  /**
   * Removes the recording from this machine's folder and from the bucket, but not from the database. It may be run again for the same call.
   */
  readonly erase: (callSid: CallSid) => Effect.Effect<void, RecordingUnreachable>
}>()("client-caller/store/recording/CallRecordings") {}
