import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { closeSync, existsSync, openSync } from "node:fs"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../support/service/Flood.ts", import.meta.url))

interface Report {
  readonly lines: number
  readonly dropped: number
  readonly resident: number
}

interface Ended {
  readonly code: number | null
  readonly report: Report
  readonly output: string
}

/** Runs a program that floods its log. `onStart` may disturb its standard output. */
const flood = (options: {
  readonly millis: number
  readonly format?: string
  /** How many lines the program logs together, every 2 ms. */
  readonly lines?: number
  readonly stdout?: number
  readonly onStart?: (child: ChildProcess) => void
}) =>
  Effect.callback<Ended>((resume) => {
    const stdio: StdioOptions = ["ignore", options.stdout ?? "pipe", "pipe"]
    const child = spawn(process.execPath, [program, `${options.millis}`, options.format ?? "auto", `${options.lines ?? 200}`], { stdio })
    let output = ""
    let report = ""
    child.stderr?.on("data", (chunk) => report += String(chunk))
    if (options.onStart === undefined) child.stdout?.on("data", (chunk) => output += String(chunk))
    else options.onStart(child)
    child.on("exit", (code) => {
      // Reads what is still in the pipe if the reader had stopped.
      child.stdout?.on("data", (chunk) => output += String(chunk))
      child.on("close", () => resume(Effect.succeed({ code, output, report: JSON.parse(report.replace("begun\n", "")) as Report })))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const numbers = (output: string): ReadonlyArray<number> => [...output.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number))

describe("the log of a process", { timeout: 40_000 }, () => {
  it.live("reaches its reader whole and in order", () =>
    Effect.gen(function*() {
      const { code, output, report } = yield* flood({ millis: 300, lines: 5 })
      assert.strictEqual(code, 0)
      assert.strictEqual(report.dropped, 0)
      assert.deepStrictEqual(numbers(output), Array.from({ length: report.lines }, (_, number) => number))
    }))

  it.live("is dropped and counted while nobody reads, and memory does not grow with it", () =>
    Effect.gen(function*() {
      const short = yield* flood({ millis: 600, onStart: () => undefined })
      const long = yield* flood({ millis: 2000, onStart: () => undefined })
      for (const { code, report } of [short, long]) {
        assert.strictEqual(code, 0)
        assert.isAbove(report.dropped, 0)
      }
      assert.isAbove(long.report.lines, 1.5 * short.report.lines)
      assert.isBelow(long.report.resident - short.report.resident, 80 * 1024 * 1024)
    }))

  it.live("says how many lines were dropped as soon as it is read again", () =>
    Effect.gen(function*() {
      const notice = /\{"message":"\d+ log lines were dropped, [^"]+","level":"WARN",/
      let output = ""
      const { code, report } = yield* flood({
        // The notice ends the flood. Only a busy machine needs so long.
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
      assert.isAbove(report.dropped, 0)
      assert.match(output, notice)
    }))

  it.live.each(["auto", "pretty"])("does not end the process when its reader has gone (%s)", (format) =>
    Effect.gen(function*() {
      const { code, report } = yield* flood({ millis: 1500, format, onStart: (child) => child.stdout?.destroy() })
      assert.strictEqual(code, 0)
      assert.isAbove(report.dropped, 0)
    }))

  it.live.skipIf(!existsSync("/dev/full"))("does not end the process when the disk is full", () =>
    Effect.gen(function*() {
      const stdout = yield* Effect.acquireRelease(Effect.sync(() => openSync("/dev/full", "w")), (fd) => Effect.sync(() => closeSync(fd)))
      const { code, report } = yield* flood({ millis: 1500, stdout })
      assert.strictEqual(code, 0)
      assert.isAbove(report.dropped, 0)
    }))
})
