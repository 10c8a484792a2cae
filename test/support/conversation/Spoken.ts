/**
 * Speech as it comes over the telephone: a synthetic voice with a pause before and after, through μ-law.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as Mulaw from "../../../src/audio/Mulaw.ts"
import type { Pcm } from "../../../src/audio/Pcm.ts"
import { CallerSpeech, type Voice } from "../../../src/simulator/caller/CallerSpeech.ts"

export const layer = CallerSpeech.layer.pipe(Layer.provide(NodeServices.layer))

/** ms before the first and after the last voiced sample, as in a conversation's utterance. */
const leadingSilence = 300
const trailingSilence = 120

/** Quieter samples are the synthesiser's own silence. */
const voiced = 300

export const silence = (millis: number): Pcm<8000> => new Int16Array(millis * 8)

export const join = (...sounds: ReadonlyArray<Pcm<8000>>): Pcm<8000> => {
  const all = new Int16Array(sounds.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const sound of sounds) {
    all.set(sound, at)
    at += sound.length
  }
  return all
}

export const spoken = Effect.fnUntraced(function*(text: string, voice: Voice = "rms") {
  const sound = yield* (yield* CallerSpeech).speak(text, voice)
  const first = sound.findIndex((sample) => Math.abs(sample) > voiced)
  const last = sound.findLastIndex((sample) => Math.abs(sample) > voiced)
  return Mulaw.decode(Mulaw.encode(join(silence(leadingSilence), sound.subarray(Math.max(0, first), last + 1), silence(trailingSilence))))
})

/** Frames of 20 ms. */
export const frames = (sound: Pcm<8000>): ReadonlyArray<Pcm<8000>> =>
  Array.from({ length: Math.ceil(sound.length / 160) }, (_, index) => sound.slice(index * 160, (index + 1) * 160))
