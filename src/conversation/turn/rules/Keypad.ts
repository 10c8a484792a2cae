/**
 * Handles keys that the caller presses. Keys are collected until a pause or `#`, and then answered like words.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, startTimer, publish } from "../Draft.ts"
import { isMediaSent } from "../ReplyState.ts"
import { stopIdle } from "./Ending.ts"
import { endpointReached } from "./Endpointing.ts"
import { cutFiller } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { isPastAnswering } from "./Interruption.ts"
import { pauseReply } from "./Playback.ts"
import { dropPreemptive, releaseSound } from "./Speech.ts"
import { digitsDue } from "./TurnEnd.ts"

/** After this time (ms) without a further key, the keys are answered. `#` ends the wait earlier. */
const digitPauseMillis = 1500

export const keyPressed = (draft: Draft, digit: string): void => {
  const { active, filler, utterance, voice } = draft.state
  if (isPastAnswering(draft)) return
  cancelTimer(draft, "hangUp")
  if (digit === "#" && draft.state.digits.length === 0 && active === undefined && utterance !== undefined && !voice.isOn) {
    // `#` ends a spoken number in the same way as pressed keys.
    cancelTimer(draft, "endpoint")
    return endpointReached(draft)
  }
  stopIdle(draft)
  if (filler !== undefined && (active === undefined || !isMediaSent(active))) {
    cutFiller(draft)
    publish(draft, active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: 0 })
    if (active !== undefined) releaseSound(draft, active)
  }
  if (active !== undefined && isMediaSent(active) && !mustBeHeard(draft, active)) {
    pauseReply(draft, active)
    publish(draft, active.id, { _tag: "BargeIn", clearAfter: 0 })
  }
  if (digit !== "#") {
    // The preemptive reply was requested without this key.
    dropPreemptive(draft)
    draft.state.digits = Words.join(draft.state.digits, digit)
  }
  draft.state.areDigitsDue = false
  if (digit === "#" && draft.state.digits.length > 0) {
    cancelTimer(draft, "digits")
    digitsDue(draft)
  } else {
    startTimer(draft, "digits", draft.at + digitPauseMillis)
  }
}
