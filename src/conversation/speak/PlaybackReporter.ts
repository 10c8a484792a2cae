/**
 * The last step of the agent's sound before the line. It tells the echo canceller when each sound will be played. It reports when a
 * segment's first sound has left, and when all sound of a filler has.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import type { CallerSound } from "../listen/CallerSound.ts"
import { markName } from "../turn/TurnCommand.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import type { Outgoing } from "./Outgoing.ts"

interface MakeOptions {
  /** The conversation's clock, ms. */
  readonly now: () => number
  readonly callerSound: Pick<CallerSound, "played" | "cleared">
  readonly report: ReportTurnEvent
}

export interface PlaybackReporter {
  /** Converts the next item that leaves for the line, in order. */
  readonly toOutboundItem: (
    item: Outgoing
  ) => Pcm<8000> | { readonly _tag: "Mark"; readonly name: string } | { readonly _tag: "Sent"; readonly notify: () => void }
  /** The line threw away the sound that it had not played. */
  readonly cleared: () => void
}

const samplesPerMilli = 8

export const make = ({ callerSound, now, report }: MakeOptions): PlaybackReporter => {
  /** When the playback of all sound that has left is expected to end; ms of the conversation's clock. */
  let playedUntil = 0

  return {
    toOutboundItem: (item) => {
      const { reply, segment } = item
      switch (item._tag) {
        case "Sound":
          playedUntil = Math.max(playedUntil, now())
          callerSound.played(item.pcm, playedUntil)
          playedUntil += item.pcm.length / samplesPerMilli
          return item.pcm
        case "Sent":
          return {
            _tag: "Sent",
            notify: () => {
              if (item.isWanted()) report({ _tag: "MediaSent", reply, segment })
            }
          }
        case "Mark":
          if (item.isFiller) report({ _tag: "FillerLeft", reply })
          return { _tag: "Mark", name: markName(reply, segment) }
      }
    },
    cleared: () => {
      const at = now()
      callerSound.cleared(at)
      playedUntil = Math.min(playedUntil, at)
    }
  }
}
