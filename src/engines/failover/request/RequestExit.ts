/** How a request to an engine ended. Pure. */
import { Cause, Exit, Option } from "effect"
import { EngineFailed, isAnswer } from "../../../conversation/ports/Engine.ts"

/** The failure of a request; `undefined` for success, interruption and defects. */
export const errorOf = (exit: Exit.Exit<unknown, EngineFailed>): EngineFailed | undefined =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined

/** The engine works: it answered the request, or the failure is a refusal or an empty answer. */
export const isWell = (exit: Exit.Exit<unknown, EngineFailed>): boolean => {
  const error = errorOf(exit)
  return Exit.isSuccess(exit) || error !== undefined && isAnswer(error)
}

export const isInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** Marks failures as `isSpent`, so that the turn does not repeat the request. */
export const markedSpent = (cause: Cause.Cause<EngineFailed>): Cause.Cause<EngineFailed> =>
  Cause.map(cause, (error) =>
    isAnswer(error) || error.isSpent === true
      ? error
      : new EngineFailed({ stage: error.stage, reason: error.reason, advice: error.advice, cause: error.cause, isSpent: true }))
