/**
 * Who spoke when on a call, and how soon the answers came.
 *
 * These figures are taken from what the caller said and heard, on one time axis, and not from what the service reports.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { samplesPerMilli } from "./Timeline.ts"

/** A stretch of speech, in ms since the call was answered. */
interface Speech {
  readonly from: number
  readonly to: number
}

const stepSamples = 5 * samplesPerMilli

/** Root mean square, about -46 dBFS: quieter than any voice, louder than a line's noise. */
const audibleLevel = 160

/** Shorter pauses are part of a stretch: between words, and between the sentences of one answer. */
const maxPauseMillis = 450

/** Loud steps in a row from which on a sound is speech, and not a click. */
const minLoudSteps = 4

/** Finds the stretches of speech in a sound. */
export const speeches = (sound: Pcm<8000>): ReadonlyArray<Speech> => {
  const found: Array<{ from: number; to: number }> = []
  let loudSteps = 0
  for (let at = 0; at + stepSamples <= sound.length; at += stepSamples) {
    let sum = 0
    for (let index = at; index < at + stepSamples; index++) sum += sound[index] * sound[index]
    loudSteps = Math.sqrt(sum / stepSamples) >= audibleLevel ? loudSteps + 1 : 0
    if (loudSteps < minLoudSteps) continue
    const from = (at - (loudSteps - 1) * stepSamples) / samplesPerMilli
    const to = (at + stepSamples) / samplesPerMilli
    const last = found.at(-1)
    if (last !== undefined && from - last.to < maxPauseMillis) last.to = to
    else found.push({ from, to })
  }
  return found
}

/** An utterance of the caller's and its answer. */
interface Exchange {
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
  return utterances.map((utterance, index) => {
    const next = utterances[index + 1]?.from ?? Infinity
    const answer = answers.find(({ from }) => from > utterance.to)
    return {
      said: utterance,
      voiceToVoice: answer === undefined || answer.from > next ? undefined : answer.from - utterance.to,
      isInterruption: answers.some(({ from, to }) => from < utterance.from && to > utterance.from)
    }
  })
}
