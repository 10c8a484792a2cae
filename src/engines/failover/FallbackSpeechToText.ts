/**
 * Combines the speech recognizers of a stage into one. The first recognizer that works gets the caller's sound.
 *
 * An engine that is asked later gets the sound of the utterance from its beginning. An engine that is asked again gets the sound up to the
 * first request, without the silence after it.
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
    const recognizers = yield* Failover.prepareEach(members, "speechToText", ({ engine }) => engine.prepare(hints))

    const begin: Recognizer["begin"] = Effect.gen(function*() {
      const scope = yield* Effect.scope
      const sound: Array<Pcm<8000>> = []
      /** The utterance of each engine that gets the sound as it arrives, by the engine's index. */
      const utterances = new Map<number, Utterance>()

      /** The utterance of this engine. An engine that has no utterance yet gets all sound so far. */
      const utteranceOf = Effect.fnUntraced(function*(index: number): Effect.fn.Return<Utterance, EngineFailed> {
        const known = utterances.get(index)
        if (known !== undefined) return known
        const recognizer = recognizers[index]
        if (Exit.isFailure(recognizer)) return yield* Effect.failCause(recognizer.cause)
        const utterance = yield* Scope.provide(recognizer.value.begin, scope)
        // More sound may arrive while this loop runs.
        for (let at = 0; at < sound.length; at++) yield* utterance.push(sound[at])
        utterances.set(index, utterance)
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
      const preferredUtterance = yield* Effect.exit(utteranceOf(preferred))
      const partials = Exit.isSuccess(preferredUtterance) ? preferredUtterance.value.partials : undefined
      return {
        push: (pcm) =>
          Effect.suspend(() => {
            sound.push(pcm)
            // An engine that fails on a piece loses its utterance. When it is asked, `utteranceOf` begins another one with all the sound.
            const pushTo = (index: number, utterance: Utterance) =>
              Effect.catch(utterance.push(pcm), () => Effect.sync(() => void utterances.delete(index)))
            // `utteranceOf` reads this piece from `sound` for an engine that is just beginning. In most calls only the preferred engine
            // has an utterance.
            const onlyUtterance = utterances.size === 1 ? utterances.get(preferred) : undefined
            return onlyUtterance === undefined
              ? Effect.forEach([...utterances], ([index, utterance]) => pushTo(index, utterance), { discard: true })
              : pushTo(preferred, onlyUtterance)
          }),
        transcribe: Effect.suspend(() => {
          const pieces = sound.length
          return Effect.scoped(failover.run((_, index, tries) =>
            Effect.flatMap(tries === 1 ? utteranceOf(index) : beginAgain(index, pieces), (utterance) => utterance.transcribe)))
        }),
        ...(partials === undefined ? {} : { partials })
      } satisfies Utterance
    })
    return { begin }
  })

  return SpeechToText.of({
    prepare,
    // The operator's first engine should know all words. The other engines need not.
    unknownWords: (hints) => members[0].engine.unknownWords(hints),
    engines: failover.states
  })
})
