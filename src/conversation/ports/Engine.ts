/**
 * What the four engine ports have in common: the stages of a turn, and how an engine fails.
 */
import { Cause, Data, type Effect, Result } from "effect"

/** The stages of a turn. An engine does the work of each. */
export type Stage = "voiceActivity" | "speechToText" | "replyModel" | "textToSpeech"

/** An engine could not do its work. The request is lost, and the call goes on. */
export class EngineFailed extends Data.TaggedError("EngineFailed")<{
  readonly stage: Stage
  /**
   * - `timeout`: no answer in time;
   * - `unavailable`: it can't be reached, or is not running;
   * - `refused`: it does not accept the request, and would refuse the same request again;
   * - `empty`: its answer holds nothing;
   * - `broken`: it stopped in the middle, or its answer can't be read.
   *
   * `refused` and `empty` are answers: the engine works, and may do the next request.
   */
  readonly reason: "timeout" | "unavailable" | "refused" | "empty" | "broken"
  /** A sentence that tells the operator what to do. It holds no secret, no number and no caller's words. */
  readonly advice: string
  readonly cause?: unknown
  /** The request was repeated already, so the turn does not repeat it. Default false. */
  readonly isSpent?: boolean
}> {
  override get message() {
    return `${this.stage}: ${this.reason}. ${this.advice}`
  }
}

/** The state of one of a stage's engines. */
export interface EngineState {
  readonly stage: Stage
  readonly name: string
  /**
   * - `up`: its last request was answered;
   * - `failing`: its last request failed;
   * - `down`: it failed so often that it gets no requests for a while;
   * - `unknown`: it has had no request yet.
   */
  readonly state: "up" | "failing" | "down" | "unknown"
}

export interface Observed {
  /** The states of a stage's engines. Unset: the engines run in this process and have no state to tell. */
  readonly engines?: Effect.Effect<ReadonlyArray<EngineState>>
}

/** Whether the failure is an answer, so the engine works. */
export const isAnswer = ({ reason }: Pick<EngineFailed, "reason">): boolean => reason === "refused" || reason === "empty"

/** Why an engine failed. A defect, or an interruption from within, counts as `broken`. */
export const reasonOf = (cause: Cause.Cause<EngineFailed>): EngineFailed["reason"] =>
  Result.match(Cause.findError(cause), { onSuccess: ({ reason }) => reason, onFailure: () => "broken" })

/** The failure in the form of a turn event. `isSpent`: the turn does not repeat the request (`RetryWorth`). */
export const failureOf = (cause: Cause.Cause<EngineFailed>): { readonly reason: EngineFailed["reason"]; readonly isSpent?: true } =>
  Result.match(Cause.findError(cause), {
    onSuccess: ({ isSpent, reason }) => isSpent === true ? { reason, isSpent } : { reason },
    onFailure: () => ({ reason: "broken" })
  })
