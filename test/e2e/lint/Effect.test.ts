import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const project = join(import.meta.dirname, "../../..")

/** Runs this step of the lint on one file, `src/deep/er/File.ts`, with the project's own configuration. */
const diagnose = (text: string, options: object = { extends: join(project, "tsconfig.json") }) => {
  const folder = mkdtempSync(join(tmpdir(), "client-caller-effect-"))
  try {
    mkdirSync(join(folder, "src/deep/er"), { recursive: true })
    symlinkSync(join(project, "node_modules"), join(folder, "node_modules"))
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...options, include: ["src"] }))
    writeFileSync(join(folder, "src/deep/er/File.ts"), text)
    return spawnSync(process.execPath, [join(project, "tools/lint/effect.ts"), join(folder, "tsconfig.json")], { cwd: project, encoding: "utf8" })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const planted = `import { Context, Effect, Schema } from "effect"
class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}
class Door extends Context.Service<Door, { readonly open: Effect.Effect<number> }>()("Door") {}
export const floating = Effect.gen(function*() {
  Effect.log("nobody runs this")
  yield* Effect.log("one")
})
export const unreturned = Effect.gen(function*() {
  yield* new Refused()
})
export const run = Effect.gen(function*() {
  yield* Effect.log("one")
  Effect.runSync(Effect.log("two"))
})
export const caught = Effect.gen(function*() {
  try {
    yield* Effect.log("one")
  } catch {
    yield* Effect.log("two")
  }
})
export const needy: Effect.Effect<number> = Effect.gen(function*() {
  return yield* (yield* Door).open
})
export const untyped = Effect.fail(new Error("what?"))
`

describe("the lint for mistakes with Effect", { timeout: 120_000 }, () => {
  it("finds each planted mistake with its place, and fails", () => {
    const { status, stdout } = diagnose(planted)
    assert.strictEqual(status, 1)
    for (const [line, rule] of [
      [5, "floatingEffect"],
      [9, "missingReturnYieldStar"],
      [13, "runEffectInsideEffect"],
      [16, "tryCatchInEffectGen"],
      [22, "missingEffectContext"],
      [25, "globalErrorInEffectFailure"]
    ] as const) assert.match(stdout, new RegExp(`src/deep/er/File\\.ts:${line}:\\d+ (error|warning) .*effect\\(${rule}\\)`))
  })

  it("passes a file without mistakes", () => {
    const { status, stdout } = diagnose(`import { Effect } from "effect"\nexport const fine = Effect.andThen(Effect.log("one"), Effect.log("two"))\n`)
    assert.strictEqual(status, 0, stdout)
    assert.match(stdout, /1 files, 0 found/)
  })

  it("fails if the configuration does not name the plugin", () => {
    const { status, stderr } = diagnose(planted, { compilerOptions: { noEmit: true } })
    assert.notStrictEqual(status, 0)
    assert.match(stderr, /does not name the plugin @effect\/language-service/)
  })
})
