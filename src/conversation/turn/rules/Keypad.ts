/**
 * Keys that the caller presses: gathered until a pause or `#`, then answered like words.
 */
import * as Words from "../../../definition/languages/Words.ts"
import { type Draft, cancelTimer, startTimer, tell } from "../Draft.ts"
import { commit } from "./AgentTurn.ts"
import { startIdle } from "./Ending.ts"
import { endpointReached } from "./Endpointing.ts"
import { cutFiller } from "./Filler.ts"
import { mustBeHeard } from "./Greeting.ts"
import { goOn, pauseReply } from "./Playback.ts"
import { dropPreemptive, releaseSound } from "./Speech.ts"

/** A further key is waited for this long (ms); `#` ends the waiting. */
export const digitPause = 1500

export const keyPressed = (draft: Draft, digit: string): void => {
  const { active, farewell, filler, transferring, utterance, voice } = draft.state
  if (active?.isFinal === true || transferring !== undefined || farewell?.mayBeAnswered === false) return
  cancelTimer(draft, "hangUp")
  if (digit === "#" && draft.state.digits.length === 0 && active === undefined && utterance !== undefined && !voice.isOn) {
    // It ends a number that was said, as it ends one that was pressed.
    cancelTimer(draft, "endpoint")
    return endpointReached(draft)
  }
  cancelTimer(draft, "idle")
  cancelTimer(draft, "idleHangUp")
  if (filler !== undefined && active?.isMediaSent !== true) {
    cutFiller(draft)
    tell(draft, active?.id ?? filler.id, { _tag: "BargeIn", clearAfter: 0 })
    if (active !== undefined) releaseSound(draft, active)
  }
  if (active !== undefined && active.rest === undefined && active.isMediaSent && !mustBeHeard(draft, active)) {
    pauseReply(draft, active)
    tell(draft, active.id, { _tag: "BargeIn", clearAfter: 0 })
  }
  if (digit !== "#") {
    // It is a part of what is to be answered.
    dropPreemptive(draft)
    draft.state.digits = Words.join(draft.state.digits, digit)
  }
  draft.state.areDigitsDue = false
  if (digit === "#" && draft.state.digits.length > 0) {
    cancelTimer(draft, "digits")
    digitsDue(draft)
  } else {
    startTimer(draft, "digits", draft.at + digitPause)
  }
}

export const digitsDue = (draft: Draft): void => {
  const { active, carry, digits, utterance } = draft.state
  if (digits.length === 0 && utterance !== undefined) return
  if (digits.length === 0) return active === undefined ? startIdle(draft) : goOn(draft, active)
  draft.state.areDigitsDue = true
  if (active !== undefined && mustBeHeard(draft, active)) return
  // Words that are being said come first.
  if (utterance === undefined) commit(draft, carry.length > 0 ? [carry, digits] : [digits], undefined)
}
