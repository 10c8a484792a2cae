import { assert, describe, it } from "@effect/vitest"
import * as SpeechFields from "../../../../../src/engines/openai/speech/SpeechFields.ts"

describe("the optional fields of a speech request", () => {
  it("are all sent to an unknown server", () => {
    assert.deepStrictEqual(SpeechFields.make().usable(), ["context", "stream", "streamFormat", "pcm"])
  })

  it("are suspected one after the other, but the sound's format first if the refusal names it", () => {
    const fields = SpeechFields.make()
    const sent = fields.usable()
    assert.strictEqual(fields.suspect(sent, false), "context")
    assert.strictEqual(fields.suspect(sent, true), "pcm")
    assert.strictEqual(fields.suspect(sent.slice(1), false), "stream")
  })

  it("are never sent again if an answered request lacked them, and never suspected if it had them", () => {
    const fields = SpeechFields.make()
    fields.noteAnswered(["stream", "pcm"])
    assert.deepStrictEqual(fields.usable(), ["stream", "pcm"])
    assert.isUndefined(fields.suspect(["stream", "pcm"], true))
  })

  it("stay refused", () => {
    const fields = SpeechFields.make()
    fields.noteRefused("context")
    fields.noteAnswered(["context", "stream", "streamFormat", "pcm"])
    assert.isFalse(fields.mayTake("context"))
  })
})
