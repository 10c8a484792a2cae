/**
 * The speech engines of a stage as one: a text is spoken by the first that begins to. A voice that an engine does not
 * have is left to its own choice, so that another voice speaks rather than none.
 */
import { Effect, Schedule, type Scope, Stream } from "effect"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import { type SpeechRequest, TextToSpeech } from "../../conversation/ports/TextToSpeech.ts"
import * as Failover from "./Failover.ts"
import type { Member } from "./Member.ts"

type Engine = TextToSpeech["Service"]

/** Until fixed lines are ready on an engine that is not there yet. */
const again = Schedule.spaced("5 seconds")

/** A request as this engine can take it. */
const fitted = ({ contextMillis, voices }: Engine, { context, voice, ...request }: SpeechRequest): SpeechRequest => ({
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

  /** A server that is still loading its model must not keep the service from starting: its lines are made later. */
  const prepareOne = ({ engine, name }: Member<Engine>, requests: ReadonlyArray<SpeechRequest>): Effect.Effect<void, EngineFailed> => {
    const prepare = engine.prepare(requests.map((request) => fitted(engine, request)))
    return Effect.catchIf(prepare, ({ reason }) => reason !== "refused", (error) =>
      Effect.logWarning("An engine is not ready to speak; its fixed lines are made as soon as it is").pipe(
        Effect.annotateLogs({ engine: name, reason: error.reason }),
        Effect.andThen(prepare.pipe(Effect.retry({ schedule: again, while: ({ reason }) => reason !== "refused" }), Effect.ignore, Effect.forkIn(scope)))
      ))
  }

  const prepare: Engine["prepare"] = Effect.fnUntraced(function*(requests) {
    const exits = yield* Effect.forEach(members, (member) => Effect.exit(prepareOne(member, requests)), { concurrency: "unbounded" })
    yield* Failover.checked(members, "textToSpeech", exits)
  })

  const everyVoice = members.every(({ engine }) => engine.voices.length > 0)
  const contextMillis = Math.max(0, ...members.map(({ engine }) => engine.contextMillis ?? 0))

  /** An engine that has this line here; whether its server is well does not matter then, nor tell anything about it. */
  const having = (request: SpeechRequest) => members.find(({ engine }) => engine.isReady?.(fitted(engine, request)) === true)?.engine

  return TextToSpeech.of({
    speak: (request) =>
      Stream.suspend(() => {
        const ready = having(request)
        return ready === undefined
          ? Stream.unwrap(failover.run((engine) => Failover.opened(engine.speak(fitted(engine, request)))))
          : ready.speak(fitted(ready, request))
      }),
    isReady: (request) => having(request) !== undefined,
    prepare,
    voices: everyVoice ? [...new Set(members.flatMap(({ engine }) => engine.voices))] : [],
    ...(contextMillis > 0 ? { contextMillis } : {}),
    engines: failover.states
  })
})
