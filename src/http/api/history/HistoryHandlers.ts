/**
 * The endpoints for live and past calls.
 */
import { Effect, Option, Redacted, Stream } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { CallRegistry } from "../../../call/CallRegistry.ts"
import { Credentials } from "../../../config/Credentials.ts"
import type { CallSid } from "../../../domain/Sid.ts"
import { SealedWords } from "../../../store/encryption/SealedWords.ts"
import { StoredCalls } from "../../../store/history/StoredCalls.ts"
import { CallRecordings } from "../../../store/recording/CallRecordings.ts"
import { CallErasure } from "../../../store/retention/CallErasure.ts"
import { NumberHash } from "../../../store/retention/NumberHash.ts"
import { Api } from "../Api.ts"
import { countRefusal } from "../CountedRefusal.ts"
import * as Problems from "../Problems.ts"
import { withHeader } from "../ResponseHeader.ts"
import * as ByteRange from "./ByteRange.ts"
import * as CallViews from "./CallViews.ts"
import * as Cursor from "./Cursor.ts"
import * as EventFeed from "./EventFeed.ts"
import * as EventStream from "./EventStream.ts"
import * as ListQuery from "./ListQuery.ts"
import { OpenEventStreams } from "./OpenEventStreams.ts"
import * as TranscriptText from "./TranscriptText.ts"
import { historyUnreachable } from "./Unreachable.ts"

const noSuchCall = () => new Problems.NoSuchCall({ detail: "The history has no call of this SID." })

/** Whether the client wants plain text rather than JSON, by the parameter, else by the header `Accept`. */
const wantsText = Effect.fnUntraced(function*(format: string | undefined, accept: string) {
  if (format !== undefined && format !== "json" && format !== "text") return yield* new Problems.InvalidRequest({ detail: "\"format\" must be json or text." })
  return format === undefined ? /(?:^|,)\s*text\/plain\b/i.test(accept) && !/application\/json/i.test(accept) : format === "text"
})

/**
 * The range that a request asks for. `Range` counts only for GET (RFC 9110, section 14.2). `If-Range` asks for a range only if the client
 * has the current version of the sound. Our answers name no version, so the whole sound is sent to a request with `If-Range`.
 */
const rangeOf = ({ headers, method }: HttpServerRequest.HttpServerRequest): string | undefined =>
  method === "GET" && headers["if-range"] === undefined ? headers.range : undefined

/** The number of the last event that the client has; -1: it has none. */
const readLastEventId = Effect.fnUntraced(function*(header: string | undefined) {
  if (header === undefined || header.trim() === "") return -1
  if (!/^\d{1,9}$/.test(header.trim())) return yield* new Problems.InvalidRequest({ detail: "Last-Event-ID must be the ID of an event of this call." })
  return Number(header)
})

export const layer = HttpApiBuilder.group(
  Api,
  "calls",
  Effect.fn(function*(handlers) {
    const stored = yield* StoredCalls
    const registry = yield* CallRegistry
    const recordings = yield* CallRecordings
    const erasure = yield* CallErasure
    const streams = yield* OpenEventStreams
    const numbers = yield* NumberHash
    const { isSealing } = yield* SealedWords
    const cursors = Cursor.make(Redacted.value((yield* Credentials).apiKey))

    const find = (callSid: CallSid) =>
      stored.find(callSid).pipe(
        Effect.mapError(historyUnreachable),
        Effect.flatMap(Option.match({ onNone: () => Effect.fail(noSuchCall()), onSome: Effect.succeed }))
      )

    /**
     * The events of a call that this process has in memory. The history decides whether an ended call still has words: another process may
     * have erased the call, or its words may have expired.
     */
    const eventsHere = Effect.fnUntraced(function*(callSid: CallSid) {
      const events = yield* registry.events(callSid)
      if (Option.isSome(yield* registry.find(callSid))) return events
      const { words } = yield* find(callSid)
      if (words === "kept" || words === "never") return events
      yield* registry.forget(callSid)
      return Option.none()
    })

    const list = Effect.fn("GET /calls")(function*({ query }: { readonly query: ListQuery.Query }) {
      const request = yield* ListQuery.read(query, cursors, { variantsOf: numbers.variants, isSealing })
      const { calls, next } = yield* Effect.mapError(stored.list(request.filters, request.limit, request.after), historyUnreachable)
      return { calls: calls.map(CallViews.listItem), next: next === undefined ? null : cursors.write(next, request.fingerprint) }
    }, Effect.tapError(countRefusal))

    const erase = Effect.fn("DELETE /calls/{callSid}")(function*({ params: { callSid } }: { readonly params: { readonly callSid: CallSid } }) {
      const { isLive } = yield* find(callSid)
      if (isLive || Option.isSome(yield* registry.find(callSid))) {
        return yield* new Problems.CallIsLive({ detail: "A call that goes on can't be erased. Wait for its end, or end it, and ask again." })
      }
      yield* registry.forget(callSid)
      yield* Effect.mapError(erasure.erase(callSid), historyUnreachable)
    }, Effect.tapError(countRefusal))

    return handlers
      .handle("list", list)
      .handle("find", Effect.fn("GET /calls/{callSid}")(function*({ params: { callSid } }) {
        const call = yield* find(callSid)
        return CallViews.details(call, yield* Effect.orElseSucceed(recordings.find(callSid), () => Option.none()))
      }, Effect.tapError(countRefusal)))
      .handle("erase", erase)
      .handle("transcript", Effect.fn("GET /calls/{callSid}/transcript")(function*({ params: { callSid }, query, request }) {
        const isText = yield* wantsText(query.format, request.headers.accept ?? "")
        yield* find(callSid)
        const [turns, actions] = yield* Effect.mapError(Effect.all([stored.turns(callSid), stored.actions(callSid)]), historyUnreachable)
        yield* withHeader("cache-control", "no-store")
        yield* withHeader("vary", "accept")
        return isText ? TranscriptText.of(turns, actions) : CallViews.transcript(callSid, turns, actions)
      }, Effect.tapError(countRefusal)))
      .handleRaw("recording", Effect.fn("GET /calls/{callSid}/recording.wav")(function*({ params: { callSid }, request }) {
        yield* find(callSid)
        const found = yield* Effect.mapError(recordings.find(callSid), historyUnreachable)
        if (Option.isNone(found)) return yield* new Problems.NoRecording({ detail: "This call was not recorded, or its sound is kept no longer." })
        const { length, read } = found.value
        const range = ByteRange.read(rangeOf(request), length)
        if (range === "none") {
          yield* withHeader("content-range", `bytes */${length}`)
          return yield* new Problems.RangeNotSatisfiable({ detail: `The recording has ${length} bytes.` })
        }
        const { from, to } = range === "all" ? { from: 0, to: length } : range
        const bytes = yield* Effect.mapError(read(from, to), (error) => error._tag === "RecordingGone" ? new Problems.NoRecording({ detail: error.message }) : historyUnreachable(error))
        return HttpServerResponse.stream(Stream.orDie(bytes), {
          status: range === "all" ? 200 : 206,
          contentType: "audio/wav",
          contentLength: to - from,
          headers: { "accept-ranges": "bytes", "cache-control": "no-store", ...(range === "all" ? {} : { "content-range": `bytes ${from}-${to - 1}/${length}` }) }
        })
      }, Effect.tapError(countRefusal)))
      .handleRaw("events", Effect.fn("GET /calls/{callSid}/events")(function*({ headers, params: { callSid } }) {
        const after = yield* readLastEventId(headers["last-event-id"])
        const here = yield* eventsHere(callSid)
        if (Option.isSome(here)) yield* streams.countUntilClosed
        return EventStream.response(EventFeed.make(stored, callSid, after, here))
      }, Effect.tapError(countRefusal)))
  })
)
