import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "../../../../src/agent/file/AgentFile.ts"
import * as Scripted from "../../../../src/engines/embedded/script/ScriptedReplyModel.ts"

const text = readFileSync(join(import.meta.dirname, "../../../..", "docs", "agents.md"), "utf8")

const examples = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml]) => yaml)

const read = (yaml: string) => {
  const definition = parse(yaml, "example.yaml")
  return Result.isSuccess(definition) ? definition.success : assert.fail(definition.failure.message)
}

describe("docs/agents.md", () => {
  it("has examples that load", () => {
    assert.isAtLeast(examples.length, 2)
    for (const yaml of examples) read(yaml)
  })

  it("has a first example that answers the lines of the demo command as the text says", () => {
    const follow = Scripted.make(read(examples[0]))
    const lines = [...text.matchAll(/--say "([^"]+)"/g)].map(([, line]) => line)
    let state: Parameters<typeof follow>[1] = null
    const answers = lines.map((line) => {
      const decision = follow(line, state)
      state = JSON.parse(JSON.stringify(decision.state)) as typeof state
      return decision.text
    })
    assert.deepStrictEqual(answers, [
      "We are open every day from nine to six.",
      "A novel or a cook book?",
      "So that is a novel. Is that right?",
      "Good, your novel will be here tomorrow.",
      "Thank you for calling. Goodbye."
    ])
  })

  it("names every key that there is", () => {
    const keysIn = (yaml: string) => {
      const failed = parse(yaml, "x.yaml")
      const message = Result.isFailure(failed) ? failed.failure.message : ""
      return /Use one of: (.+)\./.exec(message)?.[1].split(", ") ?? assert.fail(message)
    }
    const documented = (key: string) => assert.match(text, new RegExp(`\`[^\`\\n]*${key}\``), key)
    const sections = ["lines", "notUnderstood", "endpointing", "interruption", "idle", "timeouts", "fillers"]
    for (const key of keysIn("name: x\nqqqqqqqq: 1")) if (!sections.includes(key)) documented(key)
    for (const section of sections) {
      for (const key of keysIn(`name: x\n${section}: { qqqqqqqqqqqq: 1 }`)) documented(`\\.${key}`)
    }
    for (const key of keysIn("name: x\nintents: { a: { qqqqqqqq: 1, digits: 1, answer: x } }")) documented(key)
    for (const key of keysIn("name: x\ntools: { a: { qqqqqqqq: 1, description: x, url: \"http://x\" } }")) documented(key)
  })
})
