/** Why the body of a speech answer can't be played. A fault is found before the first sample of the answer is played. */
import { Data } from "effect"
import * as Pcm from "../../../audio/Pcm.ts"
import type { EngineFailed } from "../../../conversation/ports/Engine.ts"
import type * as RawPcmFormat from "./RawPcmFormat.ts"

export class SpeechFault extends Data.TaggedError("SpeechFault")<{
  readonly reason: Extract<EngineFailed["reason"], "refused" | "broken">
  /** Advice for the operator, without the server's words. */
  readonly advice: string
  /** The body is sound in a format that can't be read. The server may have another format. */
  readonly isCompressed?: true
  /** The first 4096 bytes of the body, if it is text. They are the server's own words, which may quote the request. */
  readonly text?: string
}> {
  override get message() {
    return this.advice
  }
}

/** `format`: the format in words for the operator. */
export const compressed = (format: string): SpeechFault =>
  new SpeechFault({
    reason: "refused",
    advice: `The speech engine sends ${format} where PCM was asked for. Use a server that has response_format "pcm" or "wav".`,
    isCompressed: true
  })

/** `sound`: the sound in words for the operator. */
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
    advice: "The speech engine sent an answer that is not sound. Check that TTS_URL names an OpenAI-compatible server.",
    ...(text === undefined ? {} : { text })
  })

/** The fault of a body without a known signature whose HTTP head shows that it can't be raw samples. */
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
