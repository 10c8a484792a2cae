/**
 * Reads a call anew when it comes back from another process. This process may have had the call before, or may have read it when Twilio
 * requested TwiML. Since then another process may have gone on with the conversation.
 */
import { Duration, Effect, Option } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import type { CallStore, StoredCall } from "../../store/CallStore.ts"
import type { Call } from "../Call.ts"

/** How long a new stream waits for the store to say whether another process had the call. */
const elsewhereTimeout = Duration.millis(250)

/**
 * The owner learns that its stream was lost at about the time at which Twilio requests TwiML from another process. Its last writes reach the
 * store some 30 ms later. So the call is read again after this pause, until two reads in a row find the same.
 */
const readPause = Duration.millis(100)

/** After this many reads, the last one is used, even if it differs from the one before. */
const maxReads = 4

/** The newest numbers of a call in the store. They are the same as long as nothing is written. */
const newestOf = (stored: StoredCall | "unreachable" | undefined): string => {
  if (stored === undefined || stored === "unreachable") return String(stored)
  const { memory, nextEvent, nextTurn, parts } = stored
  return [parts, nextEvent, nextTurn, Option.getOrUndefined(memory)?.version].join()
}

/** Reads a call again and again until its owner, which has just lost the stream, writes nothing more. */
const findSettled = Effect.fnUntraced(function*(find: Effect.Effect<StoredCall | "unreachable" | undefined>) {
  let stored = yield* find
  for (let read = 1; read < maxReads; read++) {
    yield* Effect.sleep(readPause)
    const before = stored
    stored = yield* find
    if (newestOf(before) === newestOf(stored)) break
  }
  return stored
})

interface Options {
  readonly store: Pick<CallStore["Service"], "isShared" | "isElsewhere" | "takeOwnership">
  readonly find: (callSid: CallSid) => Effect.Effect<StoredCall | "unreachable" | undefined>
  /** Runs before the call is read anew, if another process had it. */
  readonly onElsewhere: Effect.Effect<void>
}

/** Reads the call anew if another process had it since its last stream here. Must run before a stream of the call begins. */
export const renew = Effect.fnUntraced(function*(call: Pick<Call, "info" | "renew">, { find, onElsewhere, store }: Options) {
  const { callSid } = call.info
  if (!store.isShared || !(yield* Effect.orElseSucceed(Effect.timeout(store.isElsewhere(callSid), elsewhereTimeout), () => false))) return
  yield* onElsewhere
  // First the ownership, then the read: a process to which the call moves meanwhile sees that the call was here.
  yield* Effect.ignore(store.takeOwnership(callSid))
  const stored = yield* findSettled(find(callSid))
  if (stored !== undefined && stored !== "unreachable" && stored.parts > 0) yield* call.renew(stored)
})
