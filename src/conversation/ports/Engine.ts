/**
 * What the four engine ports have in common: the stages of a turn, and how an engine fails.
 */
import { Cause, Data, type Effect, Result } from "effect"

/** The stages of a turn that an engine does. */
export type Stage = "voiceActivity" | "speechToText" | "replyModel" | "textToSpeech"

/** An engine could not do its work; what was asked of it is lost, the call is not. */
export class EngineFailed extends Data.TaggedError("EngineFailed")<{
  readonly stage: Stage
  /**
   * - `timeout`: no answer in time;
   * - `unavailable`: it can't be reached, or is not running;
   * - `refused`: it does not take what it was given; the same again would be refused too;
   * - `empty`: it answered, and nothing was in the answer;
   * - `broken`: it stopped in the middle, or answered what can't be read.
   *
   * `refused` and `empty` are answers: they say something about this request, and nothing about the next.
   */
  readonly reason: "timeout" | "unavailable" | "refused" | "empty" | "broken"
  /** What to do about it, in a sentence for the operator. Holds no secret, no number and no caller's words. */
  readonly advice: string
  readonly cause?: unknown
  /** It was asked again already, as often as is of use; whoever is told need not. Default false. */
  readonly isSpent?: boolean
}> {
  override get message() {
    return `${this.stage}: ${this.reason}. ${this.advice}`
  }
}

/** How one of a stage's engines does. */
export interface EngineState {
  readonly stage: Stage
  readonly name: string
  /**
   * - `up`: its last answer was one;
   * - `failing`: its last answer was none;
   * - `down`: it failed so often that it is left alone for a moment;
   * - `unknown`: it was not asked yet.
   */
  readonly state: "up" | "failing" | "down" | "unknown"
}

/** What a service of a stage can tell of its engines; one that runs in this process has nothing to tell. */
export interface Observed {
  readonly engines?: Effect.Effect<ReadonlyArray<EngineState>>
}

/** Whether the engine did its work, though this request got nothing of it. */
export const isAnswer = ({ reason }: Pick<EngineFailed, "reason">): boolean => reason === "refused" || reason === "empty"

/** Why an engine failed; one that dies, or is interrupted from within, is broken. */
export const reasonOf = (cause: Cause.Cause<EngineFailed>): EngineFailed["reason"] =>
  Result.match(Cause.findError(cause), { onSuccess: ({ reason }) => reason, onFailure: () => "broken" })

/** The same for an event: with what tells whether the request is made once more (`Repetition`). */
export const failureOf = (cause: Cause.Cause<EngineFailed>): { readonly reason: EngineFailed["reason"]; readonly isSpent?: true } =>
  Result.match(Cause.findError(cause), {
    onSuccess: ({ isSpent, reason }) => isSpent === true ? { reason, isSpent } : { reason },
    onFailure: () => ({ reason: "broken" })
  })
