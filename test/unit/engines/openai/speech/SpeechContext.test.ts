import { assert, describe, it } from "@effect/vitest"
import { Headers } from "effect/http"
import type { SpokenTurn } from "../../../../../src/conversation/ports/TextToSpeech.ts"
import * as SpeechContext from "../../../../../src/engines/openai/speech/SpeechContext.ts"

const turn = (role: SpokenTurn["role"], text: string, seconds = 1): SpokenTurn => ({
  role,
  text,
  sampleRate: 8000,
  sound: [Int16Array.from({ length: 8000 * seconds }, (_, i) => text.length + i % 50)]
})

interface Sent {
  readonly speaker: string
  readonly text: string
  readonly audio?: string
  readonly sha256?: string
}

const contextIn = (bytes: Uint8Array): ReadonlyArray<Sent> => JSON.parse(new TextDecoder().decode(bytes)).context

const hashing = Headers.fromInput({ "x-context-hashes": "sha256" })

describe("the context of a speech request", () => {
  it("is added to the body, with another speaker name for the caller than for the agent", () => {
    const body = SpeechContext.make().addTo("{\"input\":\"Yes.\"}", [turn("caller", "hello"), turn("agent", "Good day.")], "1")
    assert.strictEqual(JSON.parse(new TextDecoder().decode(body)).input, "Yes.")
    assert.deepStrictEqual(contextIn(body).map(({ speaker, text }) => [speaker, text]), [["0", "hello"], ["1", "Good day."]])
    for (const { audio, sha256 } of contextIn(body)) {
      // A second of 16-bit sound at 24 kHz, as base64.
      assert.strictEqual(Buffer.from(audio!, "base64").length, 48_000)
      assert.isUndefined(sha256)
    }
  })

  it("has the newest ten seconds", () => {
    const turns = ["one", "two", "three"].map((text) => turn("caller", text, 4))
    assert.deepStrictEqual(contextIn(SpeechContext.make().addTo("{\"a\":1}", turns, "0")).map(({ text }) => text), ["two", "three"])
  })

  it("names only the hash of sound that the server keeps, until the server has lost it", () => {
    const context = SpeechContext.make()
    context.noteHeaders(hashing)
    assert.isTrue(context.keepsSound())
    const turns = [turn("caller", "hello")]
    const sent = () => contextIn(context.addTo("{\"a\":1}", turns, "0"))[0]
    assert.strictEqual(Buffer.from(sent().audio!, "base64").length, 16_000)
    context.noteSent(turns)
    assert.isUndefined(sent().audio)
    assert.match(sent().sha256!, /^[0-9a-f]{64}$/)
    context.forget()
    assert.isDefined(sent().audio)
  })

  it("holds sound again once the server's headers do not say that it keeps sound", () => {
    const context = SpeechContext.make()
    const turns = [turn("caller", "hello")]
    context.noteHeaders(hashing)
    context.addTo("{\"a\":1}", turns, "0")
    context.noteSent(turns)
    context.noteHeaders(Headers.empty)
    assert.isDefined(contextIn(context.addTo("{\"a\":1}", turns, "0"))[0].audio)
  })
})
