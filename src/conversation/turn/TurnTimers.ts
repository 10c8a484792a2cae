/**
 * The turn machine's timers, on media time or on real time.
 *
 * A timer that waits for the caller or for a mark runs on media time: it fires when the sound up to its due time has arrived. If the network
 * delays the sound, the timer waits, since the caller may be speaking. Other timers run on real time.
 */
import { Effect, FiberMap, type Scope } from "effect"
import type { MediaClock } from "../listen/MediaClock.ts"
import type { Timer } from "./TurnEvent.ts"

/** These timers depend on the agent or on the length of the call, not on the caller. */
const realTimeTimers: ReadonlySet<Timer> = new Set<Timer>(["filler", "limit"])

export interface TurnTimers {
  /** Replaces a timer of the same name. `due`: ms since the conversation began. */
  readonly start: (timer: Timer, id: number, due: number) => Effect.Effect<unknown>
  readonly cancel: (timer: Timer) => Effect.Effect<void>
  /** The sound has arrived up to this position (ms of media time). Fires the earliest timer that is due. Returns whether a timer was due. */
  readonly fireDue: (position: number) => boolean
}

/** A timer that runs on media time. */
interface MediaTimer {
  readonly id: number
  /** When the timer is due, ms of media time. */
  readonly position: number
}

/** The timers of one conversation, until the scope closes. `now`: ms since the conversation began. `fire`: called when a timer is due. */
export const make = Effect.fnUntraced(function*(options: {
  readonly now: () => number
  readonly clock: MediaClock
  readonly fire: (timer: Timer, id: number) => void
}): Effect.fn.Return<TurnTimers, never, Scope.Scope> {
  const { clock, fire, now } = options
  const sleeping = yield* FiberMap.make<Timer>()
  const mediaTimers = new Map<Timer, MediaTimer>()
  let earliestPosition = Infinity

  const remove = (timer: Timer) => {
    if (!mediaTimers.delete(timer)) return
    earliestPosition = Infinity
    for (const { position } of mediaTimers.values()) earliestPosition = Math.min(earliestPosition, position)
  }

  const onDue = (timer: Timer, id: number) => {
    if (realTimeTimers.has(timer)) return fire(timer, id)
    // If the sound is delayed, `fireDue` fires the timer when the sound has arrived, or has fired the timer already.
    if (mediaTimers.get(timer)?.id !== id || !clock.isLive()) return
    remove(timer)
    fire(timer, id)
  }

  return {
    start: (timer, id, due) =>
      Effect.suspend(() => {
        remove(timer)
        if (!realTimeTimers.has(timer)) {
          const position = clock.toPosition(due)
          mediaTimers.set(timer, { id, position })
          earliestPosition = Math.min(earliestPosition, position)
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
    fireDue: (position) => {
      if (position < earliestPosition) return false
      for (const [timer, { id, position: due }] of mediaTimers) {
        if (due > earliestPosition) continue
        remove(timer)
        fire(timer, id)
        return true
      }
      return false
    }
  }
})
