/**
 * The turn machine's timers, each on its clock.
 *
 * A timer that asks whether the caller goes on speaking runs on media time: it fires at its moment when the sound has come that
 * far. While the sound is held up on the way, the caller may be speaking, and the timer waits. The rest run on real time.
 */
import { Effect, FiberMap, type Scope } from "effect"
import type { MediaClock } from "../listen/MediaClock.ts"
import type { Timer } from "./TurnEvent.ts"

/** What depends on the agent or on the length of the call, whatever the caller does meanwhile. */
const realTime: ReadonlySet<Timer> = new Set<Timer>(["filler", "limit"])

export interface TurnTimers {
  /** Replaces a timer of the same name. `due`: in the conversation's time, ms. */
  readonly start: (timer: Timer, id: number, due: number) => Effect.Effect<unknown>
  readonly cancel: (timer: Timer) => Effect.Effect<void>
  /** The sound has come to this position. Fires the first timer that is due, and tells whether there was one. */
  readonly pass: (position: number) => boolean
}

interface Pending {
  readonly id: number
  /** In media time. */
  readonly position: number
}

/** `now`: the conversation's clock. `fire`: it is due. */
export const make = Effect.fnUntraced(function*(options: {
  readonly now: () => number
  readonly clock: MediaClock
  readonly fire: (timer: Timer, id: number) => void
}): Effect.fn.Return<TurnTimers, never, Scope.Scope> {
  const { clock, fire, now } = options
  const sleeping = yield* FiberMap.make<Timer>()
  const pending = new Map<Timer, Pending>()
  let earliest = Infinity

  const remove = (timer: Timer) => {
    if (!pending.delete(timer)) return
    earliest = Infinity
    for (const { position } of pending.values()) earliest = Math.min(earliest, position)
  }

  const onDue = (timer: Timer, id: number) => {
    if (realTime.has(timer)) return fire(timer, id)
    // Otherwise `pass` has fired it, or will once the sound has come.
    if (pending.get(timer)?.id !== id || !clock.isLive()) return
    remove(timer)
    fire(timer, id)
  }

  return {
    start: (timer, id, due) =>
      Effect.suspend(() => {
        remove(timer)
        if (!realTime.has(timer)) {
          const position = clock.toPosition(due)
          pending.set(timer, { id, position })
          earliest = Math.min(earliest, position)
        }
        return FiberMap.run(
          sleeping,
          timer,
          Effect.suspend(() => Effect.sleep(Math.max(0, due - now()))).pipe(Effect.andThen(Effect.sync(() => onDue(timer, id))))
        )
      }),
    cancel: (timer) =>
      Effect.suspend(() => {
        remove(timer)
        return FiberMap.remove(sleeping, timer)
      }),
    pass: (position) => {
      if (position < earliest) return false
      for (const [timer, { id, position: due }] of pending) {
        if (due > earliest) continue
        remove(timer)
        fire(timer, id)
        return true
      }
      return false
    }
  }
})
