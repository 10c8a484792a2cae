/**
 * Combines the reply models of a stage into one. A reply comes from the first model that begins to answer.
 *
 * The replies of a call may come from several engines. All engines get the whole history, but each engine gets only its own state.
 */
import { Effect, Exit, Schema, type Scope, Stream } from "effect"
import type { EngineFailed } from "../../conversation/ports/Engine.ts"
import { type DialogueState, type Replier, ReplyModel, type ReplyPart, type ReplyRequest } from "../../conversation/ports/ReplyModel.ts"
import * as Failover from "./Failover.ts"
import type { Member } from "./Member.ts"

type Engine = ReplyModel["Service"]

const NamedState = Schema.Struct({ engine: Schema.String, state: Schema.Json })
const isNamedState = Schema.is(NamedState)

/** The state, if this engine wrote it; null if another engine wrote it. */
const stateFor = (name: string, state: DialogueState): DialogueState => isNamedState(state) && state.engine === name ? state.state : null

export const make = Effect.fnUntraced(function*(
  members: ReadonlyArray<Member<Engine>>,
  options: Omit<Failover.MakeOptions, "stage">
): Effect.fn.Return<Engine, never, Scope.Scope> {
  if (members.length === 1 && members[0].probe === undefined) return members[0].engine
  const failover = yield* Failover.make(members, { ...options, stage: "replyModel" })

  const prepare: Engine["prepare"] = Effect.fnUntraced(function*(definition) {
    const repliers = yield* Failover.prepareEach(members, "replyModel", ({ engine }) => engine.prepare(definition))

    const replyOf = (index: number, request: ReplyRequest): Effect.Effect<Stream.Stream<ReplyPart, EngineFailed>, EngineFailed, Scope.Scope> => {
      const replier = repliers[index]
      if (Exit.isFailure(replier)) return Effect.failCause(replier.cause)
      const { name } = members[index]
      const parts = replier.value.reply({ ...request, state: stateFor(name, request.state) }).pipe(
        Stream.map((part): ReplyPart => part._tag === "State" ? { _tag: "State", state: { engine: name, state: part.state } } : part)
      )
      // Thinking does not count as the beginning of an answer, because another engine may be quicker.
      return Failover.startStream(members.length === 1 ? parts : Stream.filter(parts, ({ _tag }) => _tag !== "Thinking"))
    }

    const replier: Replier = {
      reply: (request) => Stream.unwrap(failover.run((_, index) => replyOf(index, request))),
      // The first engine decides, because it gives the answers as long as it works.
      answersUnintelligible: Exit.isSuccess(repliers[0]) && repliers[0].value.answersUnintelligible === true
    }
    return replier
  })

  return ReplyModel.of({ prepare, engines: failover.states })
})
