/** Faults of a stream's frames: late frames, lost frames, and meaningless messages between them. */
import { Effect, Random } from "effect"
import { type Faults, type RubbishKind, rubbishKinds } from "../Faults.ts"

/** The text of each kind of meaningless message. `undefined` for `binary`, which has no text. */
export const rubbishText: Readonly<Record<RubbishKind, string | undefined>> = {
  notJson: "{\"event\":\"media\",",
  unknownEvent: "{\"event\":\"weather\",\"weather\":{\"sky\":\"blue\"}}",
  wrongShape: "{\"event\":\"media\",\"sequenceNumber\":{},\"media\":{\"payload\":17}}",
  binary: undefined
}

/** The kind of the meaningless message before the `chunk`-th frame, counted from 1. `undefined`: no message comes there. */
export const rubbishBefore = ({ rubbish }: Faults, chunk: number): RubbishKind | undefined => {
  const every = rubbish?.every ?? 0
  if (every <= 0 || chunk % every !== 0) return undefined
  const kinds = rubbish?.kinds ?? rubbishKinds
  return kinds[(chunk / every - 1) % kinds.length] ?? "notJson"
}

/**
 * How many ms late a frame is sent. `undefined` if it is lost.
 *
 * @param elapsed ms from the stream's start to the end of the frame
 */
export const delayOf = Effect.fnUntraced(function*(faults: Faults, elapsed: number) {
  const { jitter, late, lost, silenceGap } = faults
  if (faults.startNever === "silent") return undefined
  if (silenceGap !== undefined && elapsed > silenceGap.atMillis && elapsed <= silenceGap.atMillis + silenceGap.forMillis) {
    return undefined
  }
  if (lost !== undefined && (yield* Random.next) < lost.probability) return undefined
  if (late !== undefined) {
    const phase = elapsed % late.everyMillis
    if (elapsed >= late.everyMillis && phase < late.holdMillis) return late.holdMillis - phase
  }
  return jitter === undefined ? 0 : (yield* Random.next) * jitter.maxMillis
})
