/** How a request to an engine ended. Pure. */
import { Cause, Exit, Option } from "effect"
import { EngineFailed, isAnswer } from "../../../conversation/ports/Engine.ts"

/** The failure of a request; `undefined` for success, interruption and defects. */
export const errorOf = (exit: Exit.Exit<unknown, EngineFailed>): EngineFailed | undefined =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined

/** The engine did its work, or refused something that it does not do. */
export const isWell = (exit: Exit.Exit<unknown, EngineFailed>): boolean => {
  const error = errorOf(exit)
  return Exit.isSuccess(exit) || error !== undefined && isAnswer(error)
}

/** The request was interrupted. */
export const isCalledOff = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** Marks failures as final, so that no caller repeats the request. */
export const spent = (cause: Cause.Cause<EngineFailed>): Cause.Cause<EngineFailed> =>
  Cause.map(cause, (error) =>
    isAnswer(error) || error.isSpent === true
      ? error
      : new EngineFailed({ stage: error.stage, reason: error.reason, advice: error.advice, cause: error.cause, isSpent: true }))
