/** The owner fiber of one call: it carries out the call's commands in order, and runs the call's timers. */
import { Duration, Effect, FiberMap, Queue } from "effect"
import type { StreamSid } from "../domain/Sid.ts"
import * as ProcessHalt from "../twilio/media/ProcessHalt.ts"
import type { CallControl, CallLimits } from "./CallInfo.ts"
import type { CallLifecycle } from "./CallLifecycle.ts"
import { CallEvent, type Command, type EndReason, type Timer } from "./CallState.ts"

/** How long to wait for the call's answer. Twilio rings for a minute. Before that, the call may wait in Twilio's queue. */
const answerTimeout = Duration.minutes(5)

/** How long to wait for Twilio's final status after a stream has ended. */
const endingTimeout = Duration.seconds(3)

/** How long to wait for Twilio's next request for TwiML after a lost socket. Twilio sends it at once. */
const resumingTimeout = Duration.seconds(10)

/** How long a transferred call counts as live if no status reports its end. Twilio ends each call after four hours. */
const transferredTimeout = Duration.hours(4)

const timeoutOf = (timer: Timer, limits: CallLimits): Duration.Duration => {
  switch (timer) {
    case "answer":
      return answerTimeout
    case "start":
      return limits.startTimeout
    case "duration":
      return limits.callDuration
    case "ending":
      return endingTimeout
    case "resuming":
      return resumingTimeout
    case "transferred":
      return transferredTimeout
  }
}

/** Runs until the call has ended. */
export const run = Effect.fnUntraced(function*(
  lifecycle: CallLifecycle,
  limits: CallLimits,
  control: CallControl,
  streams: { readonly close: (streamSid: StreamSid, reason: EndReason) => Effect.Effect<void> }
) {
  const timers = yield* FiberMap.make<Timer>()

  /** A halt of the process extends a timer, because what the timer waits for may have come during the halt. */
  const arm = (timer: Timer) =>
    FiberMap.run(
      timers,
      timer,
      Effect.andThen(ProcessHalt.sleep(timeoutOf(timer, limits)), lifecycle.dispatch(CallEvent.TimerFired({ timer }))),
      // A further stream does not extend the call, so a running `duration` timer is not restarted.
      { onlyIfMissing: timer === "duration" }
    )

  const execute = (command: Command): Effect.Effect<unknown> => {
    switch (command._tag) {
      case "Arm":
        return arm(command.timer)
      case "Disarm":
        return FiberMap.remove(timers, command.timer)
      case "CloseStream":
        return streams.close(command.streamSid, command.reason)
      case "HangUp":
        return control.hangUp
    }
  }

  yield* lifecycle.begin
  yield* arm("answer")
  yield* Effect.ignore(Effect.forever(Effect.flatMap(Queue.take(lifecycle.commands), execute)))
}, Effect.scoped)
