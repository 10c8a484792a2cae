import { assert, describe, it } from "@effect/vitest"
import * as ReplySounds from "../../../../../src/conversation/speak/context/ReplySounds.ts"
import { millisOf } from "../../../../../src/conversation/ports/TextToSpeech.ts"

const made = (sounds: ReplySounds.ReplySounds, segment: number, text: string, millis: number, sampleRate = 8000) =>
  sounds.addSound(1, segment, text, { pcm: new Int16Array(millis * sampleRate / 1000), sampleRate })

const heard = (sounds: ReplySounds.ReplySounds, text: string) => sounds.takeHeard(1, text).map((turn) => `${millisOf(turn)} ${turn.text}`)

describe("a reply's sound", () => {
  it("has the segments that were heard, the last one cut by its share of the text", () => {
    const sounds = ReplySounds.make(10_000)
    made(sounds, 0, "We are open.", 600)
    made(sounds, 1, "Come in.", 800)
    assert.deepStrictEqual(heard(sounds, "We are open. Come"), ["600 We are open.", "400 Come"])
    assert.deepStrictEqual(heard(sounds, "We are open."), [], "it is forgotten")
  })

  it("grows chunk by chunk, and begins anew when the rate changes", () => {
    const sounds = ReplySounds.make(10_000)
    made(sounds, 0, "Yes.", 100)
    made(sounds, 0, "Yes.", 100)
    made(sounds, 0, "Yes.", 300, 24_000)
    assert.deepStrictEqual(heard(sounds, "Yes."), ["300 Yes."])
  })

  it("loses its beginning when the reply is longer than the limit", () => {
    const sounds = ReplySounds.make(1000)
    made(sounds, 0, "One.", 600)
    made(sounds, 1, "Two.", 600)
    assert.deepStrictEqual(heard(sounds, "One. Two."), ["600 Two."])
  })

  it("is forgotten when the reply is dropped", () => {
    const sounds = ReplySounds.make(1000)
    made(sounds, 0, "One.", 600)
    sounds.drop(1)
    assert.deepStrictEqual(heard(sounds, "One."), [])
  })
})
