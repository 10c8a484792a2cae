/**
 * The last step of the agent's sound before the line. This step passes each piece of sound to the echo canceller, with the time at which it
 * will be played. It also reports that a segment's first sound was sent, and that all sound of a filler was passed to the line.
 */
import type { Pcm } from "../../audio/Pcm.ts"
import type { CallerSound } from "../listen/CallerSound.ts"
import { markName } from "../turn/TurnCommand.ts"
import type { ReportTurnEvent } from "../turn/TurnEvent.ts"
import type { Outgoing } from "./Outgoing.ts"

interface MakeOptions {
  /** The conversation's clock, ms. */
  readonly now: () => number
  readonly callerSound: Pick<CallerSound, "onPlayback" | "onClear">
  readonly report: ReportTurnEvent
}

export interface PlaybackReporter {
  /** Converts the next item for the line. Call it in the order in which the items are sent. */
  readonly toOutboundItem: (
    item: Outgoing
  ) => Pcm<8000> | { readonly _tag: "Mark"; readonly name: string } | { readonly _tag: "Sent"; readonly notify: () => void }
  /** The line discarded the sound that it had not played. */
  readonly onClear: () => void
}

const samplesPerMilli = 8

export const make = ({ callerSound, now, report }: MakeOptions): PlaybackReporter => {
  /** When the playback of all sound so far is expected to end, ms of the conversation's clock. */
  let playedUntil = 0

  return {
    toOutboundItem: (item) => {
      const { reply, segment } = item
      switch (item._tag) {
        case "Sound":
          playedUntil = Math.max(playedUntil, now())
          callerSound.onPlayback(item.pcm, playedUntil)
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
    onClear: () => {
      const at = now()
      callerSound.onClear(at)
      playedUntil = Math.min(playedUntil, at)
    }
  }
}
