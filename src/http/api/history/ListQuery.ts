/**
 * Reads and checks the query parameters of `GET /calls`.
 */
import { DateTime, Effect, Option, Result, Schema } from "effect"
import type { EndReason } from "../../../call/CallState.ts"
import { AgentName } from "../../../domain/AgentName.ts"
import { nearest } from "../../../domain/DidYouMean.ts"
import * as PhoneNumber from "../../../domain/PhoneNumber.ts"
import type { CallFilters, Position } from "../../../store/history/CallFilters.ts"
import * as TextSearch from "../../../store/history/TextSearch.ts"
import { maxMetadataLength } from "../../../store/StoreWrite.ts"
import * as Problems from "../Problems.ts"
import type { Cursors } from "./Cursor.ts"

export type Query = Readonly<Record<string, string | undefined>>

interface ListRequest {
  readonly filters: Omit<CallFilters, "accountSid">
  readonly limit: number
  readonly after?: Position
  /** Identifies the filters. A cursor is accepted only with the filters for which it was issued. */
  readonly fingerprint: string
}

const defaultLimit = 50
const maxLimit = 200

/** The most characters that `text` may have. */
const maxText = 200

const metadataPrefix = "metadata."

/** The most metadata filters of a request. Each of them adds one search per call. */
const maxMetadata = 16

/** A record, so that the compiler finds a missing reason. */
const reasons: Readonly<Record<EndReason, true>> = {
  completed: true, busy: true, noAnswer: true, failed: true, canceled: true, callerLeft: true, agentLeft: true, agentFailed: true, transferred: true,
  noStream: true, streamLost: true, mediaTimeout: true, tooLong: true, badMessages: true, mediaAhead: true, oversizedMessage: true, slowPeer: true,
  requested: true, shutdown: true
}
const outcomes = [...Object.keys(reasons), "no-answer", "live"]

const refuse = (detail: string) => Result.fail(new Problems.InvalidRequest({ detail }))

type Read<A> = Result.Result<A | undefined, Problems.InvalidRequest>

/** Reads a filter if the request has it. An absent filter excludes nothing. */
const readIfGiven = <A>(text: string | undefined, read: (text: string) => Read<A>): Read<A> => text === undefined ? Result.succeed(undefined) : read(text)

/** The space in `[+ -]` is a `+` that the client did not escape. */
const timeForm = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+ -]\d\d:\d\d))?$/

/** Whether the calendar has the day: JavaScript reads February 30 as March 2. */
const isDay = (day: string): boolean => Option.exists(DateTime.make(day), (when) => DateTime.formatIsoDateUtc(when) === day)

const readTime = (name: string) => (text: string): Read<number> => {
  const at = timeForm.test(text) && isDay(text.slice(0, 10)) ? DateTime.make(text.replace(" ", "+")) : Option.none()
  return Option.match(at, {
    onNone: () => refuse(`"${name}" must be a time in ISO 8601 with its time zone, such as 2026-05-01T00:00:00Z or 2026-05-01.`),
    onSome: (when) => Result.succeed(DateTime.toEpochMillis(when))
  })
}

const readNumber = (text: string): Read<string> => {
  // A blank before the digits is a `+` that the client did not escape.
  const read = PhoneNumber.read(/^ \d/.test(text) ? `+${text.slice(1)}` : text)
  return Result.isSuccess(read)
    ? Result.succeed(read.success)
    : refuse(`"number" must be a phone number with its country code, such as %2B14155550100. ${read.failure.message}`)
}

const readDirection = (text: string): Read<"inbound" | "outbound"> =>
  text === "inbound" || text === "outbound" ? Result.succeed(text) : refuse("\"direction\" must be inbound or outbound.")

const readOutcome = (text: string): Read<string> => {
  if (outcomes.includes(text)) return Result.succeed(text)
  const meant = nearest(text, outcomes)
  return refuse(`"outcome" must be one of: ${outcomes.join(", ")}.${meant === undefined ? "" : ` Did you mean ${meant}?`}`)
}

const isAgentName = Schema.is(AgentName)

const readAgent = (text: string): Read<string> =>
  isAgentName(text) ? Result.succeed(text) : refuse("\"agent\" must be the name of an agent: a lower-case letter, then letters, digits, - or _.")

const readCampaign = (text: string): Read<string> =>
  /[^\s\p{C}]/u.test(text) ? Result.succeed(text) : refuse("\"campaign\" must be the name of a campaign, as a request gave it.")

const readWords = (text: string): Read<string> => {
  if (text.length > maxText) return refuse(`"text" may have at most ${maxText} characters.`)
  return TextSearch.hasWords(text) ? Result.succeed(text) : refuse("\"text\" must have a letter or a digit to look for.")
}

const readLimit = (text: string): Read<number> => {
  const read = /^\d{1,3}$/.test(text) ? Number(text) : 0
  return read >= 1 && read <= maxLimit ? Result.succeed(read) : refuse(`"limit" must be a whole number from 1 to ${maxLimit}.`)
}

/** The metadata filters, cut as the store cuts what it searches. */
const metadataOf = (query: Query) =>
  Object.entries(query).flatMap(([name, value]) => name.startsWith(metadataPrefix) && value !== undefined ? [[name.slice(metadataPrefix.length).slice(0, maxMetadataLength), value.slice(0, maxMetadataLength)] as const] : [])

const fingerprintOf = (query: Query): string =>
  JSON.stringify(Object.entries(query).filter(([name, value]) => value !== undefined && name !== "cursor" && name !== "limit").toSorted(([one], [other]) => one < other ? -1 : 1))

/** Leaves out the fields that are `undefined`. */
const withoutUndefined = <A extends object>(fields: A): { readonly [Name in keyof A]?: Exclude<A[Name], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { readonly [Name in keyof A]?: Exclude<A[Name], undefined> }

/** How the store keeps telephone numbers and words. */
interface StoreForms {
  /** The forms in which the store may have a telephone number: plain and hashed. */
  readonly variantsOf: (number: string) => ReadonlyArray<string>
  /** Whether the words of calls are sealed. */
  readonly isSealing: boolean
}

export const read = Effect.fnUntraced(function*(query: Query, cursors: Cursors, { isSealing, variantsOf }: StoreForms) {
  if (isSealing && query.text !== undefined) {
    return yield* new Problems.WordsSealed({
      detail: "The words are sealed (STORE_ENCRYPTION_KEYS), so they can't be searched. Leave out \"text\" and select by other fields, such as metadata."
    })
  }
  const asked = {
    from: yield* Effect.fromResult(readIfGiven(query.from, readTime("from"))),
    to: yield* Effect.fromResult(readIfGiven(query.to, readTime("to"))),
    direction: yield* Effect.fromResult(readIfGiven(query.direction, readDirection)),
    outcome: yield* Effect.fromResult(readIfGiven(query.outcome, readOutcome)),
    text: yield* Effect.fromResult(readIfGiven(query.text, readWords)),
    agent: yield* Effect.fromResult(readIfGiven(query.agent, readAgent)),
    campaign: yield* Effect.fromResult(readIfGiven(query.campaign, readCampaign))
  }
  const number = yield* Effect.fromResult(readIfGiven(query.number, readNumber))
  const limit = (yield* Effect.fromResult(readIfGiven(query.limit, readLimit))) ?? defaultLimit
  const metadata = metadataOf(query)
  if (metadata.length > maxMetadata) {
    return yield* new Problems.InvalidRequest({ detail: `At most ${maxMetadata} members of the metadata may be asked for at once.` })
  }
  const fingerprint = fingerprintOf(query)
  const after = query.cursor === undefined ? Option.none() : cursors.read(query.cursor, fingerprint)
  if (query.cursor !== undefined && Option.isNone(after)) {
    return yield* new Problems.InvalidRequest({
      detail: "\"cursor\" was not given out for these filters. Send \"next\" of the previous page with the same filters, or begin without a cursor."
    })
  }
  return {
    filters: withoutUndefined({
      ...asked,
      numbers: number === undefined ? undefined : variantsOf(number),
      metadata: metadata.length === 0 ? undefined : metadata
    }),
    limit,
    fingerprint,
    ...(Option.isSome(after) ? { after: after.value } : {})
  } satisfies ListRequest
})
