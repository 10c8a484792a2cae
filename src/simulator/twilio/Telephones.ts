/** The telephones that the service calls, or to which it transfers a caller. */
import { Duration } from "effect"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import type { TerminalStatus } from "../report/SimulatedCallEvent.ts"
import * as Caller from "../caller/Caller.ts"
import { PhoneBehaviour } from "./CallLife.ts"
import type { DialResult } from "./twiml/TwimlRunner.ts"

/** How the telephone with this number behaves when it is dialled. */
export type Phones = (to: PhoneNumber) => PhoneBehaviour

/** Everybody answers after a second and says nothing. */
export const everybodyAnswers: Phones = () => PhoneBehaviour.Answers({ caller: Caller.silent })

/** The final status of a `<Dial>` to a telephone with this behaviour. */
const dialStatus: Readonly<Record<PhoneBehaviour["_tag"], TerminalStatus>> = {
  Answers: "completed",
  Busy: "busy",
  NoAnswer: "no-answer",
  Failed: "failed",
  Canceled: "canceled"
}

/** The result of a `<Dial>` to a telephone. A person who answers talks for a second and hangs up. */
export const dialResult = (phone: PhoneBehaviour): DialResult => ({
  status: dialStatus[phone._tag],
  ringTime: Duration.fromInputUnsafe(phone.after ?? (phone._tag === "NoAnswer" ? "10 minutes" : "1 second")),
  talkTime: Duration.seconds(1)
})
