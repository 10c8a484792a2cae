/**
 * Seals the words of each write before the write waits in the queue, so that neither the database nor the journal gets plain words. Opens
 * sealed words for readers.
 *
 * Each field is sealed separately, and opens only as the same field of the same row and call. In a column of JSON the sealed text is a JSON
 * string. Empty texts stay empty.
 */
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import type { CallSid } from "../../domain/Sid.ts"
import * as SampledLog from "../../observability/SampledLog.ts"
import type { StoreWrite } from "../StoreWrite.ts"
import { looksSealed, type Sealer, Sealing, textPrefix, type Unopenable } from "./Sealing.ts"

/** `unreadable`: why the words of a row can't be read. Unset: they can be read. */
export interface Unreadable {
  readonly unreadable?: Unopenable["why"]
}

/** Names of the places of sealed texts. A text opens only with the name of its own place. */
export const places = {
  turnText: (callSid: string, turn: number) => `${callSid} turns.text ${turn}`,
  turnWords: (callSid: string, turn: number) => `${callSid} turns.words ${turn}`,
  actionArguments: (callSid: string, id: string) => `${callSid} actions.arguments ${id}`,
  actionAnswer: (callSid: string, id: string) => `${callSid} actions.answer ${id}`,
  event: (callSid: string, sequence: number) => `${callSid} events.event ${sequence}`,
  memory: (callSid: string) => `${callSid} conversations.memory`,
  webhook: (callSid: string, id: string) => `${callSid} deliveries.payload ${id}`
}

const readString = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.String))

/** Seals a text. A text that could not be opened when it was read is sealed already, and stays as it is. */
const sealText = (sealer: Sealer, text: string, place: string): string => text === "" || looksSealed(text) ? text : sealer.sealText(text, place)

const sealWrite = (sealer: Sealer, write: StoreWrite): StoreWrite => {
  const { callSid } = write
  switch (write._tag) {
    case "TurnWritten": {
      const { text, turn, words } = write
      return {
        ...write,
        text: sealText(sealer, text, places.turnText(callSid, turn)),
        ...(words.length === 0 ? {} : { words: [], sealedWords: sealer.sealText(JSON.stringify(words), places.turnWords(callSid, turn)) })
      }
    }
    case "ActionWritten": {
      const { answer, arguments: plainArguments, id } = write
      return {
        ...write,
        arguments: sealText(sealer, plainArguments, places.actionArguments(callSid, id)),
        ...(answer === undefined ? {} : { answer: sealText(sealer, answer, places.actionAnswer(callSid, id)) })
      }
    }
    case "EventTold":
      return { ...write, event: sealer.sealText(JSON.stringify(write.event), places.event(callSid, write.sequence)) }
    case "ConversationSaved":
      return { ...write, memory: sealer.sealText(JSON.stringify(write.memory), places.memory(callSid)) }
    default:
      return write
  }
}

export class SealedWords extends Context.Service<SealedWords, {
  /** Whether words are sealed. The database can't search sealed words. */
  readonly isSealing: boolean
  /** Seals the words of a write, if there is a key. */
  readonly sealWrite: (write: StoreWrite) => StoreWrite
  /** Seals the body of a webhook, if there is a key. */
  readonly sealWebhook: (body: string, callSid: CallSid, id: string) => string
  /** Opens a text of the database. Returns an unsealed text unchanged. Logs a failure. */
  readonly open: (text: string, place: string) => Effect.Effect<Result.Result<string, Unopenable>>
  /** Opens a column of JSON. Returns unsealed JSON unchanged. Logs a failure. */
  readonly openJson: (column: string, place: string) => Effect.Effect<Result.Result<string, Unopenable>>
}>()("client-caller/store/encryption/SealedWords") {
  static readonly layerNoDeps = Layer.effect(SealedWords, Effect.suspend(() => make))

  static readonly layer = SealedWords.layerNoDeps.pipe(Layer.provideMerge(Sealing.layer))

  /** For tests: seals nothing. */
  static readonly layerNone = SealedWords.layerNoDeps.pipe(Layer.provideMerge(Sealing.layerOf([])))
}

const make = Effect.gen(function*() {
  const { openText, sealer } = yield* Sealing
  const failureLog = yield* SampledLog.make

  const open: SealedWords["Service"]["open"] = (text, place) =>
    Effect.suspend((): Effect.Effect<Result.Result<string, Unopenable>> => {
      const opened = openText(text, place)
      if (Result.isSuccess(opened)) return Effect.succeed(opened)
      const { keyId, message, why } = opened.failure
      return Effect.as(failureLog.write(`${why} ${keyId}`, Effect.logError(`A text of the call history can't be read. ${message}`)), opened)
    })

  return SealedWords.of({
    isSealing: sealer !== undefined,
    sealWrite: (write) => sealer === undefined ? write : sealWrite(sealer, write),
    sealWebhook: (body, callSid, id) => sealer === undefined ? body : sealer.sealText(body, places.webhook(callSid, id)),
    open,
    openJson: (column, place) =>
      Option.match(column.startsWith(`"${textPrefix}`) ? readString(column) : Option.none(), {
        onNone: () => Effect.succeed(Result.succeed(column)),
        onSome: (text) => open(text, place)
      })
  })
})
