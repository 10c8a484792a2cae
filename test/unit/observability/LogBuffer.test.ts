import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { LogBuffer, maxCharacters, maxLines } from "../../../src/observability/LogBuffer.ts"

const make = () => new LogBuffer((dropped) => `dropped ${dropped}\n`)

const drain = (buffer: LogBuffer): string => {
  let all = ""
  for (let text = buffer.take(); text !== ""; text = buffer.take()) all += text
  return all
}

describe("the lines that wait", () => {
  it("leave in their order", () => {
    const buffer = make()
    for (const line of ["one\n", "two\n", "three\n"]) buffer.offer(line)
    assert.strictEqual(drain(buffer), "one\ntwo\nthree\n")
    assert.isTrue(buffer.isEmpty)
    assert.strictEqual(buffer.dropped, 0)
  })

  it("are bounded in number: the newest are dropped, and a line in their place says how many", () => {
    const buffer = make()
    for (let line = 0; line < maxLines + 5; line++) buffer.offer(`${line}\n`)
    const lines = drain(buffer).trimEnd().split("\n")
    assert.strictEqual(lines.length, maxLines + 1)
    assert.deepStrictEqual(lines.slice(-2), [`${maxLines - 1}`, "dropped 5"])
    buffer.offer("later\n")
    assert.strictEqual(drain(buffer), "later\n")
    assert.strictEqual(buffer.dropped, 5)
  })

  it("are bounded in length", () => {
    const buffer = make()
    for (let line = 0; line < 100; line++) buffer.offer(`${"x".repeat(49_999)}\n`)
    const text = drain(buffer)
    assert.isAtMost(text.length, maxCharacters + 20)
    assert.match(text, /\ndropped 80\n$/)
    buffer.offer("x".repeat(maxCharacters + 1))
    assert.strictEqual(drain(buffer), "dropped 1\n")
  })

  const Steps = Schema.Array(Schema.Union([
    Schema.Struct({ offer: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200_000 })) }),
    Schema.Struct({ take: Schema.Literal(true) })
  ]))

  it.prop("are all either written or counted, and never more than the bound", [Steps], ([steps]) => {
    const buffer = make()
    let offered = 0
    let written = ""
    for (const step of steps) {
      if ("take" in step) written += buffer.take()
      else {
        buffer.offer(`${"x".repeat(step.offer)}\n`)
        offered++
      }
    }
    const rest = drain(buffer)
    assert.isAtMost(rest.length, maxCharacters + 40)
    const lines = (written + rest).split("\n").filter((line) => line !== "")
    const reported = lines.flatMap((line) => /^dropped (\d+)$/.exec(line)?.[1] ?? []).reduce((sum, count) => sum + Number(count), 0)
    assert.strictEqual(reported, buffer.dropped)
    assert.strictEqual(lines.filter((line) => line.startsWith("x")).length + reported, offered)
  })
})
