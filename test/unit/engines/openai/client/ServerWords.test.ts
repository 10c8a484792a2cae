import { assert, describe, it } from "@effect/vitest"
import * as ServerWords from "../../../../../src/engines/openai/client/ServerWords.ts"

describe("the message of an error", () => {
  const bodies: ReadonlyArray<readonly [server: string, body: unknown, message: string]> = [
    ["OpenAI and llama.cpp", { error: { message: "Out of memory", code: 500 } }, "Out of memory"],
    ["Ollama", { error: "model not found" }, "model not found"],
    ["vLLM before 0.10", { object: "error", message: "too long" }, "too long"],
    ["FastAPI, which names the field", { detail: [{ loc: ["body", "voice"], msg: "Field required" }] }, "body.voice: Field required"],
    ["a gateway, which wraps it", { error: { message: null, error: { detail: "no such model" } } }, "no such model"],
    ["a server that writes text", "Not Found", "Not Found"],
    ["a server that says nothing", {}, ""],
    ["a server that answers null", null, ""]
  ]
  for (const [server, body, message] of bodies) it(`is found in the answer of ${server}`, () => assert.strictEqual(ServerWords.messageOf(body), message))
})

describe("the message in a log", () => {
  it("has no quotations, long numbers or keys", () => {
    assert.strictEqual(
      ServerWords.forLog("Bad value \"Margaret\" for {\"name\":1} at +44 20 7946 0958 with sk-abcdefghijklmnopqrstuvwxyzabcdefghij", ""),
      "Bad value … for … at … with …"
    )
  })

  it("has no three words of the request in a row, in whatever case and punctuation", () => {
    assert.strictEqual(ServerWords.forLog("The prompt 'x' is Please call, ME back and too long", "please call me back"), "The prompt … is … and too long")
  })

  it("keeps two words in a row that are in the request, too", () => {
    assert.strictEqual(ServerWords.forLog("The model is unknown", "use the model"), "The model is unknown")
  })

  it("has at most 160 characters", () => {
    const text = ServerWords.forLog("words ".repeat(100), "")
    assert.lengthOf(text, 160)
    assert.match(text, /…$/)
  })
})
