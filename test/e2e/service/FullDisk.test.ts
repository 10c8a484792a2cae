import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import * as MulawWav from "../../../src/store/recording/MulawWav.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, type Service, until } from "../../support/service/Service.ts"
import { awaitFrames, place, sentence } from "../../support/service/Talk.ts"
import { loudest, soundIn } from "../../support/store/Recordings.ts"
import * as SmallDisk from "../../support/store/SmallDisk.ts"

const talker = Caller.make(...Array.from({ length: 40 }, () => Caller.Step.Play({ sound: sentence })))

const seesStore = ({ ask }: Service["Service"], state: string) =>
  until(`the store is ${state}`, ask("/ready"), ({ json }) => (json as { readonly store: string }).store === state)

/** A service whose DATA_DIR is a small disk. */
const start = Effect.gen(function*() {
  const disk = yield* SmallDisk.make
  const both = yield* Process.startWithTwilio({ DATA_DIR: disk.folder, RECORDING: "on", SHUTDOWN_GRACE: "0" })
  return { disk, ...both }
})

const why = SmallDisk.refusal

layer(Process.layer, { excludeTestServices: true, timeout: "60 seconds" })(`a full disk${why === undefined ? "" : ` (skipped: ${why})`}`, (it) => {
  it.effect.skipIf(why !== undefined)("ends no call, is reported, and the history has all calls when there is space again", () =>
    Effect.gen(function*() {
      const { disk, service, simulator, started } = yield* start
      const early = yield* place({ service, simulator }, { caller: talker })
      const file = join(disk.folder, "recordings", `${early.sid}-0.wav`)
      yield* until("sound on the disk", Effect.sync(() => existsSync(file) ? statSync(file).size : 0), (bytes) => bytes > 2 * MulawWav.bytesPerSecond)
      yield* disk.fill
      const late = yield* place({ service, simulator }, { caller: talker })
      yield* awaitFrames(late, 150)

      const { json } = yield* seesStore(service, "degraded")
      assert.include((json as { readonly store_problem: string }).store_problem, "there is no space left on the disk of DATA_DIR. Make room")
      yield* until("the metrics", service.metrics, (metric) =>
        metric("client_caller_recording_lost_seconds_total") > 0 && metric("client_caller_store_up") === 0 && metric("client_caller_store_waiting") > 0)
      for (const line of [
        "A recording can't be written: there is no space left on its disk. Make room.",
        "The database of the call history can't be used now: there is no space left on the disk of DATA_DIR. Make room.",
        "The journal of the call history can't be written: there is no space left on its disk. Make room."
      ]) assert.strictEqual(started.stdout().split(line).length - 1, 1, line)

      yield* late.hangUp
      yield* late.settled
      yield* disk.free
      yield* seesStore(service, "ready")
      yield* awaitFrames(early, 200)
      yield* early.hangUp
      yield* early.settled

      for (const call of [early, late]) {
        assert.deepStrictEqual(yield* call.problems, [])
        const { json } = yield* until(
          "the end in the history",
          service.ask(`/calls/${call.sid}`, { headers: { authorization: `Bearer ${apiKey}` } }),
          ({ json }) => (json as { readonly live: boolean }).live === false
        )
        assert.deepInclude(json as object, { streams: 1 })
      }
      const { caller, seconds } = soundIn(readFileSync(file))
      assert.isAbove(loudest(caller, 0, 1500), 1000, "before")
      assert.isAbove(loudest(caller, 1000 * seconds - 1500, 1000 * seconds), 1000, "afterwards")
      assert.isTrue(readFileSync(file).includes(Buffer.from(MulawWav.silentPiece.subarray(0, MulawWav.bytesPerSecond))), "silence between")
    }).pipe(Effect.scoped), 90_000)

  it.effect.skipIf(why !== undefined)("says what is lost if the process has to end", () =>
    Effect.gen(function*() {
      const { disk, service, simulator, started } = yield* start
      yield* disk.fill
      const call = yield* place({ service, simulator }, { caller: talker })
      yield* awaitFrames(call, 50)
      yield* started.signal("SIGTERM")
      assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
      assert.match(
        started.stdout(),
        /Writes of the call history are lost with this process: the database does not take them, and the journal can't be written: there is no space left on its disk\. Make room\.".*"writes":\d+/
      )
    }).pipe(Effect.scoped), 60_000)
})
