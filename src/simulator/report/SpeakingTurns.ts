/**
 * Finds when the caller and the agent spoke on a call, and how soon the answers came.
 *
 * The figures come from the sound that the caller said and heard, on one time axis, and not from the service's reports.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import { samplesPerMilli } from "./Timeline.ts"

/** A stretch of speech, in ms since the call was answered. */
interface Speech {
  readonly from: number
  readonly to: number
}

const stepSamples = 5 * samplesPerMilli

/** Sound of this root mean square (about -46 dBFS) or more is audible. The limit is below any voice and above the noise of a line. */
const audibleLevel = 160

/** A shorter pause does not end a stretch of speech: it is a pause between words, or between the sentences of one answer. */
const maxPauseMillis = 450

/** A sound with fewer loud steps in a row is not speech but a click. */
const minLoudSteps = 4

/** The stretches of speech in a sound, in order. */
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

/** An utterance of the caller, and the answer to it. */
interface Exchange {
  readonly said: Speech
  /** The time from the utterance's last sound to the answer's first sound, in ms. Unset if there was no answer before the next utterance. */
  readonly voiceToVoice: number | undefined
  /** Whether the utterance began while the agent spoke. */
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
