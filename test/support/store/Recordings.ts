/** Recordings for tests: a store with a folder of its own, and readers of recorded files. */
import { NodeServices } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Layer, Option, Scope, Stream } from "effect"
import * as Mulaw from "../../../src/audio/Mulaw.ts"
import * as Wav from "../../../src/audio/Wav.ts"
import type { CallSid } from "../../../src/domain/Sid.ts"
import { CallStore } from "../../../src/store/CallStore.ts"
import * as DatabaseCallStore from "../../../src/store/DatabaseCallStore.ts"
import { CallRecordings, type Part } from "../../../src/store/recording/CallRecordings.ts"
import * as FolderCallRecordings from "../../../src/store/recording/FolderCallRecordings.ts"
import { exactly } from "../service/TestConfig.ts"

/** The store and the recordings of these variables. Each use behaves like another process. */
export const recordingsOf = (env: Record<string, string>) =>
  Layer.fresh(FolderCallRecordings.layer.pipe(Layer.provideMerge(DatabaseCallStore.layer), Layer.provide(exactly(env)), Layer.provideMerge(NodeServices.layer)))

/** This many ms of sound, with one value in each channel. */
export const stereo = (millis: number, left: number, right: number): Uint8Array => {
  const codes = Mulaw.encode(Int16Array.of(left, right))
  return Uint8Array.from({ length: 16 * millis }, (_, at) => codes[at % 2])
}

/** A media stream that was recorded from its beginning to its end. */
export const record = Effect.fnUntraced(function*(part: Part, ...sounds: ReadonlyArray<Uint8Array>) {
  const recordings = yield* CallRecordings
  const scope = yield* Scope.make()
  const file = yield* Scope.provide(recordings.begin(part), scope)
  for (const sound of sounds) yield* file.append(sound)
  yield* Scope.close(scope, undefined as never)
  yield* (yield* CallStore).whenSettled(part.callSid)
})

const collect = (stream: Stream.Stream<Uint8Array, unknown>) => Effect.map(Effect.orDie(Stream.runCollect(stream)), (pieces) => Buffer.concat([...pieces]))

/** Some bytes of a call's recording. */
export const bytesOf = Effect.fnUntraced(function*(callSid: CallSid, from = 0, to?: number) {
  const found = Option.getOrThrow(yield* (yield* CallRecordings).find(callSid))
  return yield* collect(Stream.unwrap(found.read(from, to ?? found.length)))
})

/** Why a call's recording can't be opened. */
export const refusalOf = Effect.fnUntraced(function*(callSid: CallSid) {
  const { length, read } = Option.getOrThrow(yield* (yield* CallRecordings).find(callSid))
  return (yield* Effect.flip(read(0, length))).message
})

/** Decodes a recording, after a check of its header. */
export const soundIn = (bytes: Uint8Array) => {
  const wav = Wav.decode(bytes)
  if (wav._tag === "WavError") return assert.fail(wav.reason)
  assert.strictEqual(wav.sampleRate, 8000)
  assert.strictEqual(wav.channels.length, 2)
  assert.strictEqual(Buffer.from(bytes).readUInt32LE(4), bytes.length - 8)
  assert.strictEqual(Buffer.from(bytes).readUInt32LE(54), bytes.length - 58)
  const [caller, agent] = wav.channels
  return { caller, agent, seconds: caller.length / 8000 }
}

/** The loudest sample between two moments, ms. */
export const loudest = (sound: Int16Array, from: number, to: number): number =>
  sound.subarray(8 * from, 8 * to).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
