/**
 * Gives a finished part of the folder another number, because the bucket has sound of another process under its number.
 *
 * The sound is copied into a new file and not renamed: the blocks of a sealed file open only under its name.
 */
import { Clock, Data, Effect, Stream } from "effect"
import { Sealing } from "../encryption/Sealing.ts"
import * as MulawWav from "./MulawWav.ts"
import * as PartFiles from "./PartFiles.ts"
import type * as RecordingReader from "./RecordingReader.ts"
import type { Row } from "./RecordingRows.ts"
import * as SealedFormat from "./SealedFormat.ts"

class NotRenumbered extends Data.TaggedError("NotRenumbered")<{ readonly file: string; readonly why: string }> {
  override get message() {
    return `The bucket has other sound under the name ${this.file}, and the file can't get another name: ${this.why}.`
  }
}

interface Options {
  readonly folder: string
  readonly reader: Pick<ReturnType<typeof RecordingReader.make>, "inFolder">
  readonly sealing: Sealing["Service"]
}

/** Returns the row of the new file. The old file is removed once the new one has all of its sound. */
export const make = Effect.fnUntraced(function*({ folder, reader, sealing: { sealer } }: Options, row: Row) {
  const { call_sid: callSid, file } = row
  const found = yield* reader.inFolder(row)
  if (found === undefined) return yield* new NotRenumbered({ file, why: "it is gone" })
  if (sealer === undefined && SealedFormat.isSealed(file)) return yield* new NotRenumbered({ file, why: "STORE_ENCRYPTION_KEYS has no key to seal it with" })
  const sound = yield* found.read(0, found.size)
  const part = PartFiles.numberAt(yield* Clock.currentTimeMillis)
  const copy = yield* Effect.scoped(Effect.gen(function*() {
    const copy = yield* PartFiles.create(folder, sealer, { callSid, part }, () => Effect.void)
    const isCopied = yield* Effect.exit(Stream.runForEach(sound, copy.append))
    return { ...copy, isCopied }
  }))
  yield* Effect.onError(copy.isCopied, () => Effect.ignore(PartFiles.remove(folder, copy.file)))
  yield* PartFiles.remove(folder, file)
  return { ...row, file: copy.file, part: copy.part, duration: found.size / MulawWav.bytesPerMilli }
})
