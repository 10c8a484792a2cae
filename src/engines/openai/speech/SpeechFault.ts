/** Why the body of a speech answer can't be played. A fault is found before the first sample is given. */
import { Data } from "effect"
import * as Pcm from "../../../audio/Pcm.ts"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type * as RawPcmFormat from "./RawPcmFormat.ts"

export class SpeechFault extends Data.TaggedError("SpeechFault")<{
  readonly reason: Extract<EngineFailed["reason"], "refused" | "broken">
  /** For the operator; without the server's words. */
  readonly advice: string
  /** The body is sound in a format that can't be read: the server may have another format. */
  readonly isCompressed?: true
  /** The body if it is text, up to 4096 bytes: the server's own words, which may quote the request. */
  readonly text?: string
}> {
  override get message() {
    return this.advice
  }
}

/** `format` in the operator's words. */
export const compressed = (format: string): SpeechFault =>
  new SpeechFault({
    reason: "refused",
    advice: `The speech engine sends ${format} where PCM was asked for. Use a server that has response_format "pcm" or "wav".`,
    isCompressed: true
  })

/** `sound` in the operator's words. */
export const unreadable = (sound: string): SpeechFault =>
  new SpeechFault({
    reason: "refused",
    advice: `The speech engine sends ${sound}, which can't be played. Choose a model or a voice in TTS_MODEL or TTS_VOICE that sends PCM of ` +
      `${Pcm.lowestRate} to ${Pcm.highestRate} Hz.`
  })

/** `text`: the body, if it is text. */
export const notSound = (text?: string): SpeechFault =>
  new SpeechFault({
    reason: "broken",
    advice: "The speech engine answered something that is no sound. Check that TTS_URL names an OpenAI-compatible server.",
    ...(text === undefined ? {} : { text })
  })

/** Why a body without a known signature can't be raw samples: its head says so. */
export const ofHead = (raw: Exclude<RawPcmFormat.RawPcmFormat, { readonly _tag: "Samples" }>): SpeechFault => {
  switch (raw._tag) {
    case "Compressed":
      return compressed(raw.name)
    case "NoSound":
      return notSound()
    case "Unreadable":
      return unreadable(raw.reason)
  }
}
