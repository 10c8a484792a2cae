/** Moments of a call at which tests of the turn machine begin, and durations that the machine uses. */
import type { TurnSettings } from "../../../src/conversation/turn/TurnState.ts"
import * as Turns from "./Turns.ts"

/** Both sides are silent for this long (ms) before the agent hangs up. */
export const silenceBeforeHangUpMillis = 200

/** After this time (ms) a missing mark counts as returned. */
export const markGraceMillis = 5000

type Moment = ReturnType<typeof Turns.make>

/** The caller has asked a question, and the agent's answer is being made. */
export const asked = (text = "when are you open", overrides: Partial<TurnSettings> = {}): Moment => {
  const turns = Turns.make(overrides)
  turns.greeted()
  turns.voice(800)
  turns.pass(120)
  turns.transcribed(text)
  return turns
}

/** The agent is in the middle of its answer. */
export const answering = (answer = "We are open from nine to five on every day of the week."): Moment => {
  const turns = asked()
  turns.answers(answer)
  turns.pass(300)
  turns.play(4000)
  return turns
}

export const historyOf = (turns: Moment): ReadonlyArray<string> => turns.state.history.map(({ role, text }) => `${role}: ${text}`)
