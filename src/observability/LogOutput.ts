/**
 * The way of log lines to standard output: through a {@link LogBuffer}, by a fiber of its own. Nothing that happens to the log,
 * such as a full disk or a reader that has stopped or gone, stops a call or ends the process: lines are lost, and counted.
 */
import { Duration, Effect, Fiber, Latch, type Scope } from "effect"
import { LogBuffer } from "./LogBuffer.ts"
import type { LogSink } from "./LogSink.ts"

/** ms until a busy reader is asked again: twice as long each time, up to this. */
const longestPause = 100

/** Until what can't be written is tried again. */
const errorPause = Duration.seconds(1)

/** How long the end of the service waits for the last lines to be taken. */
const lastLines = Duration.seconds(1)

export interface LogOutput {
  /** Takes a line without its end; never waits, never throws. */
  readonly write: (line: string) => void
  /** Lines that were lost since the start. */
  readonly dropped: () => number
}

/** `notice` makes the line, without its end, that tells how many lines were dropped. */
export const make = Effect.fnUntraced(function*(
  sink: LogSink,
  notice: (dropped: number) => string
): Effect.fn.Return<LogOutput, never, Scope.Scope> {
  const lines = new LogBuffer((dropped) => `${notice(dropped)}\n`)
  const encoder = new TextEncoder()
  const waiting = yield* Latch.make()
  /** Taken from the buffer, and not written yet. */
  let rest: Uint8Array = new Uint8Array(0)
  let isEnding = false
  let pause = 1

  const step = Effect.gen(function*() {
    if (rest.length === 0) {
      if (lines.isEmpty) {
        yield* waiting.close
        if (lines.isEmpty && !isEnding) yield* waiting.await
      }
      rest = encoder.encode(lines.take())
      return
    }
    const written = yield* Effect.catch(sink.write(rest), () => Effect.succeed("unwritable" as const))
    if (written === "unwritable") return yield* Effect.sleep(errorPause)
    if (written === 0) {
      yield* Effect.sleep(pause)
      pause = Math.min(2 * pause, longestPause)
      return
    }
    pause = 1
    rest = rest.subarray(written)
  })
  const isDone = () => isEnding && rest.length === 0 && lines.isEmpty
  const writer = yield* Effect.forkScoped(Effect.whileLoop({
    while: () => !isDone(),
    body: () => step,
    step: () => undefined
  }))

  /** As much as is taken at once: the process ends, or the fiber has. */
  const flush = () => {
    for (;;) {
      if (rest.length === 0) rest = encoder.encode(lines.take())
      if (rest.length === 0) return
      const written = sink.writeNow(rest)
      if (written === 0) return
      rest = rest.subarray(written)
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
      return Effect.andThen(waiting.open, Effect.timeoutOption(Fiber.await(writer), lastLines))
    })
  )

  return {
    write: (line) => {
      lines.offer(`${line}\n`)
      waiting.openUnsafe()
    },
    dropped: () => lines.dropped
  }
})
