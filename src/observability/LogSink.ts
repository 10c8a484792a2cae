/**
 * How text is written to standard output so that nobody who reads it, or no longer does, can hold the process up.
 *
 * Node's own `process.stdout` does not serve: its buffer has no bound when a pipe's reader stops, it writes to a file on the calls'
 * thread, and after its first error (a full disk, a reader that has gone) it never writes again. See docs/adr/0023.
 */
import { Data, Effect } from "effect"
import { fstatSync, write, writeSync } from "node:fs"

/** The text could not be written; another try may succeed, as when the disk has room again. */
export class LogUnwritable extends Data.TaggedError("LogUnwritable")<{ readonly cause: unknown }> {}

export interface LogSink {
  /** Answers how many bytes were taken, 0 while the reader is busy. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<number, LogUnwritable>
  /** The same at once, for the last lines of a process that ends. */
  readonly writeNow: (bytes: Uint8Array) => number
}

const isBusy = (cause: unknown): boolean => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === "EAGAIN" || code === "EWOULDBLOCK"
}

/** 0 where it can't be written at once; throws what else went wrong. */
const writeOrZero = (fd: number, bytes: Uint8Array): number => {
  try {
    return writeSync(fd, bytes)
  } catch (cause) {
    if (isBusy(cause)) return 0
    throw cause
  }
}

const zeroOnError = (write: () => number): number => {
  try {
    return write()
  } catch {
    return 0
  }
}

/** A pipe or a socket that does not block: libuv has made it so when `process.stdout` was opened. */
const nonBlocking = (fd: number): LogSink => ({
  write: (bytes) => Effect.try({ try: () => writeOrZero(fd, bytes), catch: (cause) => new LogUnwritable({ cause }) }),
  writeNow: (bytes) => zeroOnError(() => writeOrZero(fd, bytes))
})

/** A file or a device; a disk that is slow holds up a thread of Node's pool, and no call. */
const file = (fd: number): LogSink => ({
  write: (bytes) =>
    Effect.callback<number, LogUnwritable>((resume) =>
      write(fd, bytes, (cause, written) => {
        if (cause === null) resume(Effect.succeed(written))
        else resume(isBusy(cause) ? Effect.succeed(0) : Effect.fail(new LogUnwritable({ cause })))
      })
    ),
  writeNow: (bytes) => zeroOnError(() => writeOrZero(fd, bytes))
})

/** What libuv has of a terminal, which it opens anew for itself. */
interface Handle {
  readonly setBlocking?: (isBlocking: boolean) => number
}

/** Standard output; in a thread it has no descriptor. */
export type Standard = NodeJS.WriteStream & { readonly fd?: number }

/** By Node's own stream: a terminal, which its user may stop with Ctrl-S, or what stands in for standard output in a thread. */
const nodeStream = (stream: Standard): LogSink => {
  // Node writes to a terminal with blocking calls, unless told not to.
  const { _handle: handle } = stream as { readonly _handle?: Handle }
  handle?.setBlocking?.(false)
  const write = (bytes: Uint8Array): number => {
    if (stream.destroyed) throw new LogUnwritable({ cause: stream.errored })
    if (stream.writableNeedDrain) return 0
    stream.write(bytes)
    return bytes.length
  }
  return {
    write: (bytes) => Effect.try({ try: () => write(bytes), catch: (cause) => new LogUnwritable({ cause }) }),
    writeNow: (bytes) => zeroOnError(() => write(bytes))
  }
}

/** By what the stream is: a file, a pipe, a socket, a terminal, a device. */
export const make = (stream: Standard): LogSink => {
  if (stream.isTTY || stream.fd === undefined) return nodeStream(stream)
  const { fd } = stream
  const kind = fstatSync(fd)
  return kind.isFIFO() || kind.isSocket() ? nonBlocking(fd) : file(fd)
}

/**
 * An `error` event that nobody listens to ends the process. What is written with `Console` (the reason why a start failed, a key
 * that was made) is lost then, and that is all.
 */
export const surviveErrors = (streams: ReadonlyArray<NodeJS.WriteStream>): void => {
  for (const stream of streams) stream.on("error", () => undefined)
}
