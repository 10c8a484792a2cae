/** Speech as the file of a transcription request: WAV at 16 kHz, Whisper's rate. */
import * as Pcm from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import * as Wav from "../../../audio/Wav.ts"
import type { Speech } from "./UtteranceSound.ts"

/** Memory for one resampled piece. The piece is copied at once, so all calls share this memory. */
let resampled: Pcm.Pcm<16000> = new Int16Array(2048)

/** The file for `Multipart.encode`. The sound is resampled again for each request, which takes little time and saves memory. */
export const of = ({ length, pieces }: Pick<Speech, "pieces" | "length">) => {
  // Twice as many samples, of two bytes each.
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
