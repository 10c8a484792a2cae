/**
 * Faults of a stream's whole connection: a stall of the network, an oversized message, a reader that stops, and a cut. Each happens at its
 * time.
 */
import { Duration, Effect } from "effect"
import { type Faults, stallIntervalMillis } from "../Faults.ts"
import type { WebSocketClient } from "./WebSocketClient.ts"

const afterMillis = (millis: number, effect: Effect.Effect<void>) => Effect.delay(effect, Duration.millis(millis))

const stall = (wire: WebSocketClient, { atMillis, forMillis }: NonNullable<Faults["stall"]>) => {
  const once = Effect.acquireUseRelease(
    Effect.sync(wire.hold),
    () => Effect.sleep(Duration.millis(forMillis)),
    () => Effect.sync(wire.release)
  )
  return atMillis === undefined ? Effect.forever(afterMillis(stallIntervalMillis, once)) : afterMillis(atMillis, once)
}

const oversized = (wire: WebSocketClient, { atMillis, bytes = 2 * 1024 * 1024 }: NonNullable<Faults["oversized"]>) =>
  afterMillis(atMillis, Effect.sync(() => wire.send(`{"event":"media","padding":"${"x".repeat(bytes)}"}`)))

const slowReader = (wire: WebSocketClient, { atMillis, forMillis }: NonNullable<Faults["slowReader"]>) =>
  afterMillis(
    atMillis,
    Effect.sync(wire.pause).pipe(
      Effect.andThen(Number.isFinite(forMillis) ? Effect.sleep(Duration.millis(forMillis)) : Effect.never),
      Effect.andThen(Effect.sync(wire.resume))
    )
  )

export class ConnectionFaults {
  readonly #wire: WebSocketClient
  readonly #faults: Faults
  #wasCut = false

  constructor(wire: WebSocketClient, faults: Faults) {
    this.#wire = wire
    this.#faults = faults
  }

  /** Whether the connection ended because a fault cut it. */
  get wasCut(): boolean {
    return this.#wasCut
  }

  /** Starts each fault at its time, counted from now. This effect never ends by itself. */
  get run(): Effect.Effect<never> {
    const faults = this.#faults
    const due: ReadonlyArray<Effect.Effect<void>> = [
      faults.stall === undefined ? Effect.void : stall(this.#wire, faults.stall),
      faults.oversized === undefined ? Effect.void : oversized(this.#wire, faults.oversized),
      faults.suddenClose === undefined ? Effect.void : this.#suddenClose(faults.suddenClose),
      faults.slowReader === undefined ? Effect.void : slowReader(this.#wire, faults.slowReader)
    ]
    return Effect.andThen(Effect.all(due, { concurrency: "unbounded", discard: true }), Effect.never)
  }

  #suddenClose({ atMillis, how }: NonNullable<Faults["suddenClose"]>): Effect.Effect<void> {
    return afterMillis(
      atMillis,
      Effect.sync(() => {
        this.#wasCut = true
        this.#wire.cut(how)
      })
    )
  }
}
