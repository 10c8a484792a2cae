/**
 * The recordings of calls: one WAV file of mu-law with two channels for each media stream, in a folder, and in a bucket of an S3-compatible
 * store where one is set.
 *
 * Who reads or erases a call's recording does not see the parts: they are joined, with silence where the line was away.
 */
import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { FileUnwritable } from "../../config/Files.ts"
import type { CallSid } from "../../domain/Sid.ts"
import type { StoreUnreachable } from "../CallStore.ts"

/** A part of the recording can't be had now: its file is gone or unreadable, or the bucket does not answer. */
export class RecordingUnreadable extends Data.TaggedError("RecordingUnreadable")<{ readonly file: string; readonly cause: unknown }> {
  override get message() {
    return "The recording can't be read now. Check the folder of recordings and, if one is set, the bucket. Try again soon."
  }
}

/** A part of the recording may still be there. */
export class RecordingNotErased extends Data.TaggedError("RecordingNotErased")<{ readonly file: string; readonly cause: unknown }> {
  override get message() {
    return "The recording could not be erased. Check the folder of recordings and, if one is set, the bucket. Then erase the call again."
  }
}

/** A call's whole recording as one WAV file, as long as it was when it was asked for: that of a live call grows. */
export interface Recording {
  /** Bytes of the file. */
  readonly length: number
  /** Whether parts of it may still grow. */
  readonly isLive: boolean
  /** The bytes from `from` on, up to `to`, which is not included. Never more than a few pieces of it are in memory. */
  readonly read: (from: number, to: number) => Stream.Stream<Uint8Array, RecordingUnreadable>
}

/** The place of one media stream's sound in a call. */
export interface Part {
  readonly callSid: CallSid
  /** Counts the media streams of the call, from 0. */
  readonly part: number
  /** On the call's axis, ms. */
  readonly startedAt: number
}

/** The file of a media stream that is open. */
export interface PartFile {
  /** Sound behind all before, or silence of so many bytes. After a failure the file is as it was before. */
  readonly append: (sound: Uint8Array | { readonly silentBytes: number }) => Effect.Effect<void, FileUnwritable>
}

export class CallRecordings extends Context.Service<CallRecordings, {
  /** Begins the file of a media stream. It is finished when the scope closes. */
  readonly begin: (part: Part) => Effect.Effect<PartFile, FileUnwritable, Scope.Scope>
  /** `None`: the call was not recorded, or its recording is gone. */
  readonly find: (callSid: CallSid) => Effect.Effect<Option.Option<Recording>, StoreUnreachable | RecordingUnreadable>
  /** Deletes all files and objects of the call. What the database knows of them is deleted by whoever erases the call. */
  readonly erase: (callSid: CallSid) => Effect.Effect<void, StoreUnreachable | RecordingNotErased>
}>()("client-caller/store/recording/CallRecordings") {}
