import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const source = fileURLToPath(new URL("../../../src/runtime/V8.ts", import.meta.url))

const script = `
  import { getPriority } from "node:os"
  import { readdirSync, readFileSync } from "node:fs"
  import { tune } from ${JSON.stringify(source)}
  tune(Number(process.argv[1]))
  const threads = readdirSync("/proc/self/task").map((id) => [readFileSync(\`/proc/self/task/\${id}/comm\`, "utf8").trim(), getPriority(Number(id))])
  console.log(JSON.stringify({
    pid: process.pid,
    flags: process.execArgv.filter((flag) => flag.startsWith("--max")),
    own: getPriority(process.pid),
    helpers: threads.filter(([name]) => name === "V8Worker").map(([, nice]) => nice)
  }))
`

/** Runs the script in a process of its own, because V8's flags hold for a whole process. */
const tuned = (cores: number, { cwd = process.cwd(), env = {} }: { readonly cwd?: string; readonly env?: Record<string, string> } = {}) => {
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", script, String(cores)], {
    encoding: "utf8",
    cwd,
    env: { ...process.env, NODE_OPTIONS: "", ...env }
  })
  const report = JSON.parse(child.stdout) as { pid: number; flags: ReadonlyArray<string>; own: number; helpers: ReadonlyArray<number> }
  return {
    ...report,
    isSame: report.pid === child.pid && child.status === 0,
    // V8 writes its complaint about an unknown flag to stderr.
    complaints: child.stderr.split("\n").filter((line) => /unrecognized|illegal|bad option/i.test(line))
  }
}

const is13 = process.versions.v8.startsWith("13.")

describe.skipIf(!existsSync("/proc/self/task"))("V8 (Linux shows its threads by name)", () => {
  it("gets flags that it knows, and the process keeps its ID and its arguments", () => {
    const { complaints, flags, isSame } = tuned(4)
    assert.deepStrictEqual([isSame, complaints], [true, []])
    assert.deepStrictEqual(flags, is13 ? ["--max-semi-space-size=16"] : [])
  })

  it("keeps a size that NODE_OPTIONS sets", () => {
    assert.deepStrictEqual(tuned(4, { env: { NODE_OPTIONS: "--max-semi-space-size=32" } }).flags, [])
  })

  it("gets no flags if PROCESS_RESTART is off, in the environment or in .env", () => {
    assert.deepStrictEqual(tuned(4, { env: { PROCESS_RESTART: "off" } }).flags, [])
    const cwd = mkdtempSync(join(tmpdir(), "client-caller-v8-"))
    try {
      writeFileSync(join(cwd, ".env"), "PROCESS_RESTART=off\n")
      assert.deepStrictEqual(tuned(4, { cwd }).flags, [])
      assert.deepStrictEqual(tuned(4, { cwd, env: { PROCESS_RESTART: "on" } }).flags, is13 ? ["--max-semi-space-size=16"] : [])
    } finally {
      rmSync(cwd, { recursive: true })
    }
  })

  it("runs its helper threads at a lower priority on one core, and at the same priority on more", () => {
    for (const [cores, nicer] of [[4, 0], [1, 10]] as const) {
      const { helpers, own } = tuned(cores)
      if (is13) assert.isNotEmpty(helpers)
      // Linux's highest nice value is 19.
      for (const nice of helpers) assert.strictEqual(nice, Math.min(own + nicer, 19))
    }
  })

  it("accepts its settings for few calls and for many at any time", () => {
    const script = `
      import { adaptTo } from ${JSON.stringify(source)}
      for (const calls of [0, 100, 1]) adaptTo(calls)
      console.log("adapted")
    `
    const { status, stderr, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" })
    assert.deepStrictEqual([status, stdout, stderr], [0, "adapted\n", ""])
  })
})
