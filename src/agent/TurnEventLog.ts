/**
 * Writes the event logs of calls: the events of the turn machine, for `conversation/replay/Replay`. Logs are written only if `EVENTS_DIR`
 * names a folder.
 */
import { type Cause, Context, Duration, Effect, Fiber, Layer, Option, Path, Queue, type Scope, Stream } from "effect"
import { AppConfig } from "../config/AppConfig.ts"
import * as Files from "../config/Files.ts"
import type { AgentDefinition } from "../definition/AgentDefinition.ts"
import type { Replier } from "../conversation/ports/ReplyModel.ts"
import * as Replay from "../conversation/replay/Replay.ts"
import type { TurnEvent } from "../conversation/turn/TurnEvent.ts"

/** How many events may wait for the disk. Further events are dropped, so a slow disk never slows a call. */
const maxQueuedEvents = 4096

/** How long the end of a call waits for the disk. */
const lastWritesTimeout = Duration.seconds(2)

export class TurnEventLog extends Context.Service<TurnEventLog, {
  /**
   * Opens the log of a call until the scope closes. Returns the function that writes an event, or `undefined` if no log is written. `callId`
   * becomes the name of the file.
   */
  readonly open: (
    callId: string,
    definition: AgentDefinition & { readonly isOutbound?: boolean },
    replier?: Pick<Replier, "answersUnintelligible">
  ) => Effect.Effect<((event: TurnEvent) => void) | undefined, never, Scope.Scope>
}>()("client-caller/agent/TurnEventLog") {
  static readonly layer = Layer.effect(
    TurnEventLog,
    Effect.gen(function*() {
      const { eventsDir } = yield* AppConfig
      if (Option.isNone(eventsDir)) return TurnEventLog.of({ open: () => Effect.void as Effect.Effect<undefined> })
      const path = yield* Path.Path
      const scope = yield* Effect.scope
      const folder = eventsDir.value

      const open = Effect.fnUntraced(function*(
        callId: string,
        definition: AgentDefinition & { readonly isOutbound?: boolean },
        replier: Pick<Replier, "answersUnintelligible"> = {}
      ) {
        const lines = yield* Queue.dropping<string, Cause.Done>(maxQueuedEvents)
        const file = path.join(folder, `${callId.replaceAll(/[^A-Za-z0-9_-]/g, "_")}.jsonl`)
        const write = Effect.scoped(Effect.gen(function*() {
          const log = yield* Files.openEmpty(file)
          yield* log.append(`${Replay.header(definition, replier)}\n`)
          yield* Stream.runForEachArray(Stream.fromQueue(lines), (batch) => log.append(`${batch.join("\n")}\n`))
        })).pipe(
          Effect.catch(({ reason }) => Effect.logWarning(`The events of a call could not be written to EVENTS_DIR: ${reason}`))
        )
        // This fiber belongs to the layer, not to the call. So it writes the queued events after the call has ended, even while the service stops.
        const writer = yield* Effect.forkIn(write, scope)
        yield* Effect.addFinalizer(() => Effect.andThen(Queue.end(lines), Effect.timeoutOption(Fiber.await(writer), lastWritesTimeout)))
        return (event: TurnEvent) => void Queue.offerUnsafe(lines, Replay.eventLine(event))
      })
      return TurnEventLog.of({ open })
    })
  )
}
