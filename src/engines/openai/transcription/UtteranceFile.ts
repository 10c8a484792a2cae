/** Speech as the file of a transcription request: WAV of 16 kHz, the rate of Whisper. */
import * as Pcm from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import * as Wav from "../../../audio/Wav.ts"
import type { Speech } from "./UtteranceSound.ts"

/** Scratch memory for one resampled piece, which is copied at once, so all calls share it. */
let resampled: Pcm.Pcm<16000> = new Int16Array(2048)

/** For `Multipart.encode`. The sound is resampled for each request: kept at 16 kHz it would cost more memory than that costs time. */
export const of = ({ length, pieces }: Pick<Speech, "pieces" | "length">) => {
  const size = 2 * 2 * length
  return {
    field: "file",
    name: "utterance.wav",
    type: "audio/wav",
    length: Wav.headerBytes + size,
    write: (bytes: Uint8Array) => {
      const resampler = Resampler.make(8000, 16000)
      Wav.writeHeader(bytes, { sampleRate: 16_000, channels: 1, size })
      let at = Wav.headerBytes
      for (const piece of pieces) {
        if (resampled.length < 2 * piece.length) resampled = new Int16Array(2 * piece.length)
        const count = resampler.processInto(piece, resampled)
        Pcm.writeBytes(resampled.subarray(0, count), bytes, at)
        at += 2 * count
      }
    }
  }
}
