/**
 * The speech recognizers of a stage as one: the first that works hears the caller.
 *
 * An engine that stands in gets the sound of the utterance from its beginning. An engine that is asked again gets the sound up to the
 * first request, without the silence since.
 */
import { Effect, Exit, Scope } from "effect"
import type { Pcm } from "../../audio/Pcm.ts"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import { type Recognizer, SpeechToText, type Utterance } from "../../conversation/ports/SpeechToText.ts"
import * as Failover from "./Failover.ts"
import type { Member } from "./Member.ts"

type Engine = SpeechToText["Service"]

export const make = Effect.fnUntraced(function*(
  members: ReadonlyArray<Member<Engine>>,
  options: Omit<Failover.MakeOptions, "stage">
): Effect.fn.Return<Engine, never, Scope.Scope> {
  if (members.length === 1 && members[0].probe === undefined) return members[0].engine
  const failover = yield* Failover.make(members, { ...options, stage: "speechToText" })

  const prepare: Engine["prepare"] = Effect.fnUntraced(function*(hints) {
    const recognizers = yield* Failover.prepared(members, "speechToText", ({ engine }) => engine.prepare(hints))

    const begin: Recognizer["begin"] = Effect.gen(function*() {
      const scope = yield* Effect.scope
      const sound: Array<Pcm<8000>> = []
      /** The utterance of each engine that hears the sound as it comes, by the engine's index. */
      const hearing = new Map<number, Utterance>()

      /** The utterance of this engine. An engine that does not hear the sound yet gets all of it so far. */
      const listen = Effect.fnUntraced(function*(index: number): Effect.fn.Return<Utterance, EngineFailed> {
        const known = hearing.get(index)
        if (known !== undefined) return known
        const recognizer = recognizers[index]
        if (Exit.isFailure(recognizer)) return yield* Effect.failCause(recognizer.cause)
        const utterance = yield* Scope.provide(recognizer.value.begin, scope)
        // More sound may come while the engine catches up.
        for (let at = 0; at < sound.length; at++) yield* utterance.push(sound[at])
        hearing.set(index, utterance)
        return utterance
      })

      /** Another utterance of this engine, with only the first `pieces` pieces of sound. */
      const beginAgain = Effect.fnUntraced(function*(index: number, pieces: number): Effect.fn.Return<Utterance, EngineFailed, Scope.Scope> {
        const recognizer = recognizers[index]
        if (Exit.isFailure(recognizer)) return yield* Effect.failCause(recognizer.cause)
        const utterance = yield* recognizer.value.begin
        for (let at = 0; at < pieces; at++) yield* utterance.push(sound[at])
        return utterance
      })

      const preferred = yield* failover.preferred
      const listening = yield* Effect.exit(listen(preferred))
      const partials = Exit.isSuccess(listening) ? listening.value.partials : undefined
      return {
        push: (pcm) =>
          Effect.suspend(() => {
            sound.push(pcm)
            const hear = (index: number, utterance: Utterance) =>
              Effect.catch(utterance.push(pcm), () => Effect.sync(() => void hearing.delete(index)))
            // An engine that is just beginning takes the piece from `sound`. In most calls only the preferred engine hears.
            const only = hearing.size === 1 ? hearing.get(preferred) : undefined
            return only === undefined
              ? Effect.forEach([...hearing], ([index, utterance]) => hear(index, utterance), { discard: true })
              : hear(preferred, only)
          }),
        transcribe: Effect.suspend(() => {
          const pieces = sound.length
          return Effect.scoped(failover.run((_, index, tries) =>
            Effect.flatMap(tries === 1 ? listen(index) : beginAgain(index, pieces), (utterance) => utterance.transcribe)))
        }),
        ...(partials === undefined ? {} : { partials })
      } satisfies Utterance
    })
    return { begin }
  })

  return SpeechToText.of({
    prepare,
    // The operator's first choice should know all words; the others do what they can.
    unknownWords: (hints) => members[0].engine.unknownWords(hints),
    engines: failover.states
  })
})
