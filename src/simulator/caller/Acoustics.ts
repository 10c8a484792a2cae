/**
 * The room from which a person telephones: the sound that reaches the microphone besides the voice.
 */
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm } from "../../audio/Pcm.ts"

export interface Acoustics {
  /** A loudspeaker: the agent's voice comes back into the microphone. */
  readonly echo?: {
    /** How much weaker the echo is than the sound at the person's ear, in dB. */
    readonly attenuation: number
    /** The time from the sound at the person's ear to the moment when its echo is sent, in ms. Telephones have 50 to 500. */
    readonly delayMillis: number
  }
  /** White noise of this level, dBFS (a quiet room is at -60, a café at -35). */
  readonly noise?: number
}

export const quiet: Acoustics = {}

/** Makes noise with a fixed seed (Park and Miller, 1988), so that the same call always sounds the same. `level`: in dBFS. */
const makeNoise = (level: number) => {
  // Uniform noise of this amplitude has the level as its root mean square.
  const amplitude = 32_768 * 10 ** (level / 20) * Math.sqrt(3)
  let state = 20_261
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 1_073_741_823.5 - 1) * amplitude
  }
}

/**
 * Mixes the caller's voice (μ-law; `undefined` is silence) with echo and noise, frame by frame. `heard`: the sound that was at the person's
 * ear `delayMillis` before this frame.
 */
export const makeMicrophone = ({ echo, noise }: Acoustics) => {
  const gain = echo === undefined ? 0 : 10 ** (-echo.attenuation / 20)
  const hiss = noise === undefined ? undefined : makeNoise(noise)
  return (voice: Uint8Array | undefined, heard: Pcm<8000>): Uint8Array | undefined => {
    if (gain === 0 && hiss === undefined) return voice
    const mixed = new Int16Array(heard.length)
    const spoken = voice === undefined ? undefined : Mulaw.decode(voice)
    for (let index = 0; index < mixed.length; index++) {
      const sum = (spoken?.[index] ?? 0) + gain * heard[index] + (hiss?.() ?? 0)
      mixed[index] = Math.max(-32_768, Math.min(32_767, Math.round(sum)))
    }
    return Mulaw.encode(mixed)
  }
}
