/**
 * Receives both directions of a media stream as they sound on the line, for a recording.
 *
 * `MediaSession` calls the listener for each piece of sound. So the listener must not wait. The bytes are valid only until it returns.
 */
export interface LineListener {
  /**
   * The caller's next sound, μ-law at 8 kHz, as the agent gets it. Missing sound is filled with silence, so that the bytes count media time.
   * For an agent with `maxBacklogFrames`, missing sound is not filled, and old sound is skipped.
   */
  readonly onCallerSound: (mulaw: Uint8Array) => void
  /** The agent's next frames, μ-law at 8 kHz. `playsAt` is when their playback begins (monotonic ms), unless a clear comes before. */
  readonly onAgentSound: (mulaw: Uint8Array, playsAt: number) => void
  /** From this moment (monotonic ms) on, the agent's earlier sound is no longer played. */
  readonly onClear: (at: number) => void
}
