import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { closeSync, existsSync, openSync } from "node:fs"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../support/service/Flood.ts", import.meta.url))

interface Told {
  readonly lines: number
  readonly dropped: number
  readonly resident: number
}

interface Ended {
  readonly code: number | null
  readonly told: Told
  readonly output: string
}

/** Runs a program that floods its log. `onStart` may disturb its standard output. */
const flood = (options: {
  readonly millis: number
  readonly format?: string
  /** At once, every 2 ms. */
  readonly lines?: number
  readonly stdout?: number
  readonly onStart?: (child: ChildProcess) => void
}) =>
  Effect.callback<Ended>((resume) => {
    const stdio: StdioOptions = ["ignore", options.stdout ?? "pipe", "pipe"]
    const child = spawn(process.execPath, [program, `${options.millis}`, options.format ?? "auto", `${options.lines ?? 200}`], { stdio })
    let output = ""
    let told = ""
    child.stderr?.on("data", (chunk) => told += String(chunk))
    if (options.onStart === undefined) child.stdout?.on("data", (chunk) => output += String(chunk))
    else options.onStart(child)
    child.on("exit", (code) => {
      // Reads what is still in the pipe if the reader had stopped.
      child.stdout?.on("data", (chunk) => output += String(chunk))
      child.on("close", () => resume(Effect.succeed({ code, output, told: JSON.parse(told.replace("begun\n", "")) as Told })))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const numbers = (output: string): ReadonlyArray<number> => [...output.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number))

describe("the log of a process", { timeout: 40_000 }, () => {
  it.live("reaches its reader whole and in order", () =>
    Effect.gen(function*() {
      const { code, output, told } = yield* flood({ millis: 300, lines: 5 })
      assert.strictEqual(code, 0)
      assert.strictEqual(told.dropped, 0)
      assert.deepStrictEqual(numbers(output), Array.from({ length: told.lines }, (_, number) => number))
    }))

  it.live("is dropped and counted while nobody reads, and memory does not grow with it", () =>
    Effect.gen(function*() {
      const short = yield* flood({ millis: 600, onStart: () => undefined })
      const long = yield* flood({ millis: 2000, onStart: () => undefined })
      for (const { code, told } of [short, long]) {
        assert.strictEqual(code, 0)
        assert.isAbove(told.dropped, 0)
      }
      assert.isAbove(long.told.lines, 1.5 * short.told.lines)
      assert.isBelow(long.told.resident - short.told.resident, 80 * 1024 * 1024)
    }))

  it.live("says how many lines were dropped as soon as it is read again", () =>
    Effect.gen(function*() {
      const notice = /\{"message":"\d+ log lines were dropped, [^"]+","level":"WARN",/
      let output = ""
      const { code, told } = yield* flood({
        // A busy machine may need so long. Otherwise the notice ends the flood.
        millis: 25_000,
        onStart: (child) => {
          const read = (chunk: Buffer) => {
            output += String(chunk)
            if (notice.test(output)) child.kill("SIGTERM")
          }
          child.stderr?.once("data", () => setTimeout(() => child.stdout?.on("data", read), 1000))
        }
      })
      assert.strictEqual(code, 0)
      assert.isAbove(told.dropped, 0)
      assert.match(output, notice)
    }))

  it.live.each(["auto", "pretty"])("does not end the process when its reader has gone (%s)", (format) =>
    Effect.gen(function*() {
      const { code, told } = yield* flood({ millis: 1500, format, onStart: (child) => child.stdout?.destroy() })
      assert.strictEqual(code, 0)
      assert.isAbove(told.dropped, 0)
    }))

  it.live.skipIf(!existsSync("/dev/full"))("does not end the process when the disk is full", () =>
    Effect.gen(function*() {
      const stdout = yield* Effect.acquireRelease(Effect.sync(() => openSync("/dev/full", "w")), (fd) => Effect.sync(() => closeSync(fd)))
      const { code, told } = yield* flood({ millis: 1500, stdout })
      assert.strictEqual(code, 0)
      assert.isAbove(told.dropped, 0)
    }))
})
