/**
 * Collects the sound of a media stream for a recording, as it sounds on the line. The caller is on the left channel, the agent on the right.
 *
 * - The caller's sound counts media time: each piece directly follows the piece before. The recorder waits for sound that the network delays.
 * - The agent's sound is placed at the time of its playback. Sound that a `clear` dropped is left out.
 */
import type { LineListener } from "../media/LineListener.ts"
import { StereoBuffer, type Taken } from "./StereoBuffer.ts"

const samplesPerMilli = 8

const [callerChannel, agentChannel] = [0, 1] as const

/** Sound is taken this long (ms) after its time, so that a piece that comes late still gets its place. */
const delayMillis = 250

/** A gap of at most this many samples between two pieces of the agent's sound is closed: the second piece directly follows the first. */
const maxJoinedGap = 16

/** For an agent with `maxBacklogFrames`: if the caller's next piece is later than this (ms), the recording gets a gap before it. */
const maxLagMillis = 200

/** The buffer's first size: four seconds of sound. A recording without delays needs no more. */
const bufferedSamples = 2 ** 15

/** How long (ms) the buffer can hold sound for a slow disk, in addition to the network's backlog. */
const diskMillis = 8000

export interface LineRecorder extends LineListener {
  /**
   * Takes the sound that is settled at this moment (monotonic ms): sound that comes later can't change it. The sound is returned in `target`,
   * if it fits there.
   */
  readonly take: (at: number, target?: Uint8Array) => Taken
  /** Takes all remaining sound, in order. `at`: when the stream ended, monotonic ms. */
  readonly finish: (at: number) => ReadonlyArray<Taken>
  /** How much sound was lost, ms. */
  readonly lostMillis: () => number
}

export const make = (options: {
  /** The recording's beginning, monotonic ms. */
  readonly beginsAt: number
  /** Monotonic ms. */
  readonly now: () => number
  /** How long (ms) the network may delay the caller's sound. Unset: the caller's sound has gaps, see `LineListener.onCallerSound`. */
  readonly backlog: number | undefined
}): LineRecorder => {
  const { backlog, beginsAt, now } = options
  const maxSamples = 2 ** Math.ceil(Math.log2(((backlog ?? 0) + diskMillis) * samplesPerMilli))
  const buffer = new StereoBuffer(bufferedSamples, Math.max(bufferedSamples, maxSamples))
  /** The positions after the newest sound of each side. */
  let callerEnd = 0
  let agentEnd = 0

  const positionOf = (at: number) => Math.max(0, Math.round((at - beginsAt) * samplesPerMilli))

  /** The end of the caller's settled sound when the recording is at `position`: the network delays no sound for longer than `backlog`. */
  const callerSettledUntil = (position: number) =>
    backlog === undefined ? Number.POSITIVE_INFINITY : Math.max(callerEnd, position - backlog * samplesPerMilli)

  const silenceAgentFrom = (position: number) => {
    if (position >= agentEnd) return
    buffer.silence(agentChannel, position, agentEnd)
    agentEnd = position
  }

  return {
    onCallerSound: (mulaw) => {
      if (backlog === undefined) {
        const position = positionOf(now()) - mulaw.length
        if (position - callerEnd > maxLagMillis * samplesPerMilli) callerEnd = position
      }
      buffer.write(callerChannel, callerEnd, mulaw)
      callerEnd += mulaw.length
    },
    onAgentSound: (mulaw, playsAt) => {
      const position = positionOf(playsAt)
      if (position - agentEnd > maxJoinedGap) agentEnd = position
      buffer.write(agentChannel, agentEnd, mulaw)
      agentEnd += mulaw.length
    },
    onClear: (at) => silenceAgentFrom(positionOf(at)),
    take: (at, target) => {
      const position = positionOf(at - delayMillis)
      return buffer.take(Math.min(position, callerSettledUntil(position)), target)
    },
    finish: (at) => {
      const position = positionOf(at)
      silenceAgentFrom(position)
      const end = Math.max(position, callerEnd)
      // The first `take` stops at the buffer's end. If `end` is later, the second `take` returns the silence from there to `end`.
      return [buffer.take(end), buffer.take(end)]
    },
    lostMillis: () => buffer.lost / samplesPerMilli
  }
}
