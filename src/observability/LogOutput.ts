/**
 * Writes log lines to standard output, through a {@link LogBuffer} and a fiber of its own. If the disk is full, or the reader has stopped or
 * gone, calls and the process continue. Log lines are then lost and counted.
 */
import { Duration, Effect, Fiber, Latch, type Scope } from "effect"
import { LogBuffer } from "./LogBuffer.ts"
import type { LogSink } from "./LogSink.ts"

/** The longest pause before the next write while the reader is busy. The pause begins with 1 ms and doubles. */
const maxPauseMillis = 100

/** The pause after a failed write. */
const errorPause = Duration.seconds(1)

/** How long the service waits at its end for the last lines to be written. */
const lastLinesTimeout = Duration.seconds(1)

export interface LogOutput {
  /** Adds a line without its line end. Never waits and never throws. */
  readonly write: (line: string) => void
  /** How many lines were lost since the start. */
  readonly dropped: () => number
}

/** `notice` returns the line, without its line end, that reports the number of dropped lines. */
export const make = Effect.fnUntraced(function*(
  sink: LogSink,
  notice: (dropped: number) => string
): Effect.fn.Return<LogOutput, never, Scope.Scope> {
  const lines = new LogBuffer((dropped) => `${notice(dropped)}\n`)
  const encoder = new TextEncoder()
  const linesWait = yield* Latch.make()
  /** Bytes that were taken from the buffer and are not written yet. */
  let unwritten: Uint8Array = new Uint8Array(0)
  let isEnding = false
  let pauseMillis = 1

  const step = Effect.gen(function*() {
    if (unwritten.length === 0) {
      if (lines.isEmpty) {
        yield* linesWait.close
        if (lines.isEmpty && !isEnding) yield* linesWait.await
      }
      unwritten = encoder.encode(lines.take())
      return
    }
    const written = yield* Effect.catch(sink.write(unwritten), () => Effect.succeed("unwritable" as const))
    if (written === "unwritable") return yield* Effect.sleep(errorPause)
    if (written === 0) {
      yield* Effect.sleep(pauseMillis)
      pauseMillis = Math.min(2 * pauseMillis, maxPauseMillis)
      return
    }
    pauseMillis = 1
    unwritten = unwritten.subarray(written)
  })
  const isDone = () => isEnding && unwritten.length === 0 && lines.isEmpty
  const writer = yield* Effect.forkScoped(Effect.whileLoop({
    while: () => !isDone(),
    body: () => step,
    step: () => undefined
  }))

  /** Writes lines without waiting, until the reader is busy or no line is left. It runs when the process or the scope ends. */
  const flush = () => {
    for (;;) {
      if (unwritten.length === 0) unwritten = encoder.encode(lines.take())
      if (unwritten.length === 0) return
      const written = sink.writeNow(unwritten)
      if (written === 0) return
      unwritten = unwritten.subarray(written)
    }
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => void process.on("exit", flush)),
    () =>
      Effect.sync(() => {
        process.off("exit", flush)
        flush()
      })
  )
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isEnding = true
      return Effect.andThen(linesWait.open, Effect.timeoutOption(Fiber.await(writer), lastLinesTimeout))
    })
  )

  return {
    write: (line) => {
      lines.offer(`${line}\n`)
      linesWait.openUnsafe()
    },
    dropped: () => lines.dropped
  }
})
