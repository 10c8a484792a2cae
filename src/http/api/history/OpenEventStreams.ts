/**
 * Counts the open event streams of this process's calls. When the service stops, the calls end first, and their watchers still get the last
 * events.
 */
import { Context, Duration, Effect, Layer, Schedule, type Scope } from "effect"

/** How long the end of the service waits for watchers that read slowly. */
const lastEventsTimeout = Duration.seconds(2)

export class OpenEventStreams extends Context.Service<OpenEventStreams, {
  /** Counts a stream until the scope of its request closes. */
  readonly countUntilClosed: Effect.Effect<void, never, Scope.Scope>
  /** Waits until all streams have ended, two seconds at most. */
  readonly ended: Effect.Effect<void>
}>()("client-caller/http/api/history/OpenEventStreams") {
  static readonly layer = Layer.sync(OpenEventStreams, () => {
    let count = 0
    const add = (change: number) => Effect.sync(() => void (count += change))
    return OpenEventStreams.of({
      countUntilClosed: Effect.acquireRelease(add(1), () => add(-1)),
      ended: Effect.sync(() => count === 0).pipe(
        Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (isEnded) => isEnded }),
        Effect.timeoutOption(lastEventsTimeout),
        Effect.asVoid
      )
    })
  })
}
