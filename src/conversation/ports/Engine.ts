/**
 * The types that the four engine ports share: the stages of a turn, and the failures and states of an engine.
 */
import { Cause, Data, type Effect, Result } from "effect"

/** The stages of a turn. An engine does the work of each. */
export type Stage = "voiceActivity" | "speechToText" | "replyModel" | "textToSpeech"

/** An engine could not do its work. The request is lost, and the call continues. */
export class EngineFailed extends Data.TaggedError("EngineFailed")<{
  readonly stage: Stage
  /**
   * - `timeout`: no answer in time;
   * - `unavailable`: the engine can't be reached, or is not running;
   * - `refused`: the engine does not accept the request, and would refuse the same request again;
   * - `empty`: the answer is empty;
   * - `broken`: the engine stopped in the middle of its answer, or the answer can't be read.
   *
   * With `refused` and `empty` the engine has answered, so it works and may get the next request.
   */
  readonly reason: "timeout" | "unavailable" | "refused" | "empty" | "broken"
  /** Advice to the operator, in whole sentences. It contains no secret, no telephone number and no words of the caller. */
  readonly advice: string
  readonly cause?: unknown
  /** The request was already repeated, so the turn machine does not repeat it again. Default false. */
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
   * - `up`: the engine answered its last request;
   * - `failing`: the last request failed;
   * - `down`: the engine failed so often that it gets no requests for a while;
   * - `unknown`: the engine has had no request yet.
   */
  readonly state: "up" | "failing" | "down" | "unknown"
}

export interface EngineStates {
  /** The states of a stage's engines. Unset: the engines run in this process and report no state. */
  readonly engines?: Effect.Effect<ReadonlyArray<EngineState>>
}

/** Whether the engine answered the request, with a refusal or an empty answer. An engine that answers is working. */
export const isAnswer = ({ reason }: Pick<EngineFailed, "reason">): boolean => reason === "refused" || reason === "empty"

/** Why an engine failed. A defect or an interruption counts as `broken`. */
export const reasonOf = (cause: Cause.Cause<EngineFailed>): EngineFailed["reason"] =>
  Result.match(Cause.findError(cause), { onSuccess: ({ reason }) => reason, onFailure: () => "broken" })

/** The failure's fields in a turn event. `isSpent`: the turn machine does not repeat the request (`RetryWorth`). */
export const failureOf = (cause: Cause.Cause<EngineFailed>): { readonly reason: EngineFailed["reason"]; readonly isSpent?: true } =>
  Result.match(Cause.findError(cause), {
    onSuccess: ({ isSpent, reason }) => isSpent === true ? { reason, isSpent } : { reason },
    onFailure: () => ({ reason: "broken" })
  })
