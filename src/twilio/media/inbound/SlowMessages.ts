/**
 * Limits how many slow messages of a stream are read in one turn of the event loop, so that other calls are served between them
 * (docs/adr/0022). Messages that `MediaScanner` does not read are slow: each costs ten times as much as a usual `media`.
 */
import type { ReadGate } from "./ReadGate.ts"

/**
 * How many slow messages are read in one turn of the event loop. A telephone call has a few a second. Messages that were read from the socket
 * already (at most 64 KiB) are still processed.
 */
const maxPerTurn = 64

/** Returns a function that counts a slow message. After `maxPerTurn` messages it pauses the socket until the next turn of the event loop. */
export const makeCounter = (gate: ReadGate): () => void => {
  let countInTurn = 0
  return () => {
    countInTurn++
    if (countInTurn === 1) {
      setImmediate(() => {
        countInTurn = 0
        gate.open("turnIsFull")
      })
    }
    if (countInTurn === maxPerTurn) gate.close("turnIsFull")
  }
}
