/**
 * Who spoke when on a call, and how soon the answers came, by what the caller said and heard.
 *
 * These figures are the caller's: they are taken from the sound, on one time axis, and know nothing of what
 * the service says about itself.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { samplesPerMilli } from "./Timeline.ts"

/** A stretch of speech, in ms since the call was answered. */
export interface Speech {
  readonly from: number
  readonly to: number
}

/** 5 ms. */
const step = 5 * samplesPerMilli

/** About -46 dBFS: quieter than any voice, louder than a line's noise. */
const audible = 160

/** Pauses that belong to one stretch, ms: between words, and between the sentences of one answer. */
const pause = 450

/** Steps in a row that make speech: a click is none. */
const least = 4

/** Finds the stretches of speech in a sound. */
export const speeches = (sound: Pcm<8000>): ReadonlyArray<Speech> => {
  const found: Array<{ from: number; to: number }> = []
  let loud = 0
  for (let at = 0; at + step <= sound.length; at += step) {
    let sum = 0
    for (let index = at; index < at + step; index++) sum += sound[index] * sound[index]
    loud = Math.sqrt(sum / step) >= audible ? loud + 1 : 0
    if (loud < least) continue
    const from = (at - (loud - 1) * step) / samplesPerMilli
    const to = (at + step) / samplesPerMilli
    const last = found.at(-1)
    if (last !== undefined && from - last.to < pause) last.to = to
    else found.push({ from, to })
  }
  return found
}

/** An utterance of the caller's and what came of it. */
export interface Exchange {
  readonly said: Speech
  /** From its last sound to the first sound of an answer, ms; unset when there was none before the next one. */
  readonly voiceToVoice: number | undefined
  /** It began while the agent spoke. */
  readonly isInterruption: boolean
}

/** The caller's utterances in their order, each with its answer. */
export const exchanges = (said: Pcm<8000>, heard: Pcm<8000>): ReadonlyArray<Exchange> => {
  const answers = speeches(heard)
  const utterances = speeches(said)
  return utterances.map((one, index) => {
    const next = utterances[index + 1]?.from ?? Infinity
    const answer = answers.find(({ from }) => from > one.to)
    return {
      said: one,
      voiceToVoice: answer === undefined || answer.from > next ? undefined : answer.from - one.to,
      isInterruption: answers.some(({ from, to }) => from < one.from && to > one.from)
    }
  })
}
