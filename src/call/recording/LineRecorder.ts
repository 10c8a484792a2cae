/**
 * Hears a media stream and gives its sound for a recording: the caller left, the agent right, in the line's time.
 *
 * - The caller's sound counts media time: each piece follows the piece before. The recorder waits for sound that the network holds up.
 * - The agent's sound stands where it is played. Sound that a `clear` cut is left out.
 */
import type { LineListener } from "../media/LineListener.ts"
import { StereoBuffer, type Taken } from "./StereoBuffer.ts"

const samplesPerMilli = 8

const [callerChannel, agentChannel] = [0, 1] as const

/** How late (ms) sound is given, so that a late piece still finds its place. */
const delayMillis = 250

/** The agent's sound is put directly behind the sound before it if it would begin at most so many samples later. */
const maxSeam = 16

/** For an agent that gets no silence for missing sound: how late (ms) the caller's sound must be to show a gap. */
const maxLagMillis = 200

/** Four seconds of sound, which an undisturbed recording needs at most. */
const bufferedSamples = 2 ** 15

/** How long (ms) the disk may take to write, in addition to the network's backlog. */
const diskMillis = 8000

export interface LineRecorder extends LineListener {
  /** The sound that is settled at this moment (monotonic ms) and was not taken before; in `memory` if it fits there. */
  readonly take: (at: number, memory?: Uint8Array) => Taken
  /** The stream has ended at this moment (monotonic ms). Gives all remaining sound, in order. */
  readonly finish: (at: number) => ReadonlyArray<Taken>
  /** ms of sound that were lost. */
  readonly lostMillis: () => number
}

export const make = (options: {
  /** The recording's beginning, monotonic ms. */
  readonly beginsAt: number
  /** Monotonic ms. */
  readonly now: () => number
  /** How long (ms) the network may hold up the caller's sound; unset: the caller's sound has gaps, see `LineListener.onCallerSound`. */
  readonly backlog: number | undefined
}): LineRecorder => {
  const { backlog, beginsAt, now } = options
  const maxSamples = 2 ** Math.ceil(Math.log2(((backlog ?? 0) + diskMillis) * samplesPerMilli))
  const buffer = new StereoBuffer(bufferedSamples, Math.max(bufferedSamples, maxSamples))
  /** Positions behind each side's last sound. */
  let callerEnd = 0
  let agentEnd = 0

  const positionOf = (at: number) => Math.max(0, Math.round((at - beginsAt) * samplesPerMilli))

  /** Sound before this position is settled: the network holds up no sound for longer than the backlog. */
  const waitsFor = (at: number) => backlog === undefined ? Number.POSITIVE_INFINITY : Math.max(callerEnd, at - backlog * samplesPerMilli)

  const cut = (position: number) => {
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
      if (position - agentEnd > maxSeam) agentEnd = position
      buffer.write(agentChannel, agentEnd, mulaw)
      agentEnd += mulaw.length
    },
    onClear: (at) => cut(positionOf(at)),
    take: (at, memory) => {
      const position = positionOf(at - delayMillis)
      return buffer.take(Math.min(position, waitsFor(position)), memory)
    },
    finish: (at) => {
      const position = positionOf(at)
      cut(position)
      const end = Math.max(position, callerEnd)
      // The second one has the silence that lies behind the end of the buffer.
      return [buffer.take(end), buffer.take(end)]
    },
    lostMillis: () => buffer.lost / samplesPerMilli
  }
}
