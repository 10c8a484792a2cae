import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const pathOf = (file: string) => fileURLToPath(new URL(`../../../../${file}`, import.meta.url))

const replay = (file: string) => spawnSync(process.execPath, [pathOf("src/ReplayCommand.ts"), file], { encoding: "utf8" })

describe("npm run replay", () => {
  it("prints each event with its commands", () => {
    const { status, stdout } = replay(pathOf("test/fixtures/backchannel-call.jsonl"))
    assert.strictEqual(status, 0)
    assert.match(stdout, /^ +0\.\d{3} s {2}Began \{\}\n {13}→ StartTimer \{"timer":"limit"/)
    assert.match(stdout, /→ Publish \{"event":\{.*"_tag":"Resumed"/)
  })

  it("says why a file can't be replayed", () => {
    const folder = mkdtempSync(join(tmpdir(), "replay-"))
    const file = join(folder, "call.jsonl")
    writeFileSync(file, "rubbish\n")
    const { status, stderr } = replay(file)
    rmSync(folder, { recursive: true })
    assert.strictEqual(status, 1)
    assert.include(stderr, `${file} can't be replayed. Its first line does not hold the settings. Set EVENTS_DIR to write event logs.`)
  })
})
