/**
 * Writes to standard output without blocking the process, even if the reader is slow or has stopped.
 *
 * Node's own `process.stdout` is not used, for three reasons (docs/adr/0023). Its buffer grows without limit when a pipe's reader stops. Its
 * writes to a file block the thread of the calls. After its first error (a full disk, a reader that has gone) it never writes again.
 */
import { Data, Effect } from "effect"
import { fstatSync, write, writeSync } from "node:fs"

/** The text could not be written. Another attempt may succeed, for example when the disk has room again. */
class LogUnwritable extends Data.TaggedError("LogUnwritable")<{ readonly cause: unknown }> {
  override get message() {
    return "The log can't be written. Check the program or the file that receives the standard output of this service."
  }
}

export interface LogSink {
  /** Returns how many bytes were written. 0: the reader is busy. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<number, LogUnwritable>
  /** Like `write`, but synchronous, for the last lines before the process ends. Also returns 0 after an error. */
  readonly writeNow: (bytes: Uint8Array) => number
}

const isBusy = (cause: unknown): boolean => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === "EAGAIN" || code === "EWOULDBLOCK"
}

/** Returns 0 if the reader is busy. Throws any other error. */
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

/** For a pipe or a socket. libuv made it non-blocking when `process.stdout` was opened. */
const pipeSink = (fd: number): LogSink => ({
  write: (bytes) => Effect.try({ try: () => writeOrZero(fd, bytes), catch: (cause) => new LogUnwritable({ cause }) }),
  writeNow: (bytes) => zeroOnError(() => writeOrZero(fd, bytes))
})

/** For a file or a device. A slow disk blocks only a thread of Node's pool, not the calls. */
const fileSink = (fd: number): LogSink => ({
  write: (bytes) =>
    Effect.callback<number, LogUnwritable>((resume) =>
      write(fd, bytes, (cause, written) => {
        if (cause === null) resume(Effect.succeed(written))
        else resume(isBusy(cause) ? Effect.succeed(0) : Effect.fail(new LogUnwritable({ cause })))
      })
    ),
  writeNow: (bytes) => zeroOnError(() => writeOrZero(fd, bytes))
})

/** libuv's handle of a terminal. */
interface Handle {
  readonly setBlocking?: (isBlocking: boolean) => number
}

/** The standard output. In a worker thread it has no file descriptor. */
type Standard = NodeJS.WriteStream & { readonly fd?: number }

/** For a terminal, which the user can stop with Ctrl-S, and for the standard output of a worker thread. Both use Node's own stream. */
const nodeStreamSink = (stream: Standard): LogSink => {
  // By default Node writes to a terminal with blocking calls.
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

/** Chooses the way to write by the kind of stream: a file, a pipe, a socket, a terminal or a device. */
export const make = (stream: Standard): LogSink => {
  if (stream.isTTY || stream.fd === undefined) return nodeStreamSink(stream)
  const { fd } = stream
  const kind = fstatSync(fd)
  return kind.isFIFO() || kind.isSocket() ? pipeSink(fd) : fileSink(fd)
}

/**
 * Adds a listener for errors, because an `error` event without a listener ends the process. After an error, text that is written with
 * `Console` is lost, such as the reason of a failed start or a new key.
 */
export const surviveErrors = (streams: ReadonlyArray<NodeJS.WriteStream>): void => {
  for (const stream of streams) stream.on("error", () => undefined)
}
