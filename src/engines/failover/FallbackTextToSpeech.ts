/**
 * Combines the speech engines of a stage into one. The first engine that begins to speak a text speaks all of it. An engine that does not
 * have the wanted voice uses its own voice, because that is better than no speech.
 */
import { Effect, Schedule, type Scope, Stream } from "effect"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import { type SpeechRequest, TextToSpeech } from "../../conversation/ports/TextToSpeech.ts"
import * as Failover from "./Failover.ts"
import type { Member } from "./Member.ts"

type Engine = TextToSpeech["Service"]

/** The time between tries to prepare the fixed lines on a server that is not ready yet. */
const prepareInterval = Schedule.spaced("5 seconds")

/** The request as this engine can take it: without a voice that the engine does not have, and without a context if it takes none. */
const requestFor = ({ contextMillis, voices }: Engine, { context, voice, ...request }: SpeechRequest): SpeechRequest => ({
  ...request,
  ...(voice === undefined || (voices.length > 0 && !voices.includes(voice)) ? {} : { voice }),
  ...(context === undefined || contextMillis === undefined ? {} : { context })
})

export const make = Effect.fnUntraced(function*(
  members: ReadonlyArray<Member<Engine>>,
  options: Omit<Failover.MakeOptions, "stage">
): Effect.fn.Return<Engine, never, Scope.Scope> {
  if (members.length === 1 && members[0].probe === undefined) return members[0].engine
  const failover = yield* Failover.make(members, { ...options, stage: "textToSpeech" })
  const scope = yield* Effect.scope

  /** A server that is still loading its model must not delay the start of the service. Its lines are prepared later. */
  const prepareOne = ({ engine, name }: Member<Engine>, requests: ReadonlyArray<SpeechRequest>): Effect.Effect<void, EngineFailed> => {
    const prepare = engine.prepare(requests.map((request) => requestFor(engine, request)))
    const prepareLater = prepare.pipe(
      Effect.retry({ schedule: prepareInterval, while: ({ reason }) => reason !== "refused" }),
      Effect.catch(({ advice }) => Effect.logWarning("An engine refuses the fixed lines", advice).pipe(Effect.annotateLogs({ engine: name })))
    )
    return Effect.catchIf(prepare, ({ reason }) => reason !== "refused", (error) =>
      Effect.logWarning("An engine is not ready to speak; its fixed lines are prepared as soon as it is").pipe(
        Effect.annotateLogs({ engine: name, reason: error.reason }),
        Effect.andThen(Effect.forkIn(prepareLater, scope))
      ))
  }

  const prepare: Engine["prepare"] = Effect.fnUntraced(function*(requests) {
    const exits = yield* Effect.forEach(members, (member) => Effect.exit(prepareOne(member, requests)), { concurrency: "unbounded" })
    yield* Failover.failIfNoneCanServe(members, "textToSpeech", exits)
  })

  /** If one engine can't list its voices, any voice may be right. */
  const allListVoices = members.every(({ engine }) => engine.voices.length > 0)
  const contextMillis = Math.max(0, ...members.map(({ engine }) => engine.contextMillis ?? 0))

  /** The engine that has the sound of this line in memory. It can speak the line even if its server is down. */
  const engineWithLine = (request: SpeechRequest) => members.find(({ engine }) => engine.isReady?.(requestFor(engine, request)) === true)?.engine

  return TextToSpeech.of({
    speak: (request) =>
      Stream.suspend(() => {
        const ready = engineWithLine(request)
        return ready === undefined
          ? Stream.unwrap(failover.run((engine) => Failover.startStream(engine.speak(requestFor(engine, request)))))
          : ready.speak(requestFor(ready, request))
      }),
    isReady: (request) => engineWithLine(request) !== undefined,
    prepare,
    voices: allListVoices ? [...new Set(members.flatMap(({ engine }) => engine.voices))] : [],
    ...(contextMillis > 0 ? { contextMillis } : {}),
    engines: failover.states
  })
})
