/**
 * A server's answer that is an error: what it says about the request, and what the operator can do about it. Pure.
 *
 * The advice holds the server's own words as far as `ServerWords` shows them.
 */
import { Data, type Duration, Option, Redacted } from "effect"
import { EngineFailed, type Stage } from "../../../conversation/ports/Engine.ts"
import * as RequestRefusal from "./RequestRefusal.ts"
import * as ServerWords from "./ServerWords.ts"

/** An engine's server, as the operator knows it. */
export interface EngineServer {
  readonly stage: Stage
  /** The configured address. */
  readonly url: URL
}

/** The cause of an `EngineFailed`: a status that is not 2xx, or an error in the middle of an answer. */
export class ServerError extends Data.TaggedError("ServerError")<{
  /** The HTTP status, or the error's own code if that is a number; 0 if there is neither. */
  readonly status: number
  /** How long the server asks to be left alone. */
  readonly retryAfter: Option.Option<Duration.Duration>
  /** The server's own words; they may quote the caller's. */
  readonly detail: Redacted.Redacted
  /** The whole error, parsed: it may hold figures beside the words. */
  readonly body: Redacted.Redacted<unknown>
}> {
  override get message() {
    return `The server answered with ${this.status === 0 ? "an error" : `the error ${this.status}`}. Look into its log.`
  }
}

/** What the variables of a stage begin with. */
export const variablePrefixes: Record<Stage, string> = {
  voiceActivity: "VAD",
  speechToText: "STT",
  replyModel: "LLM",
  textToSpeech: "TTS"
}

const reasonOf = (status: number): EngineFailed["reason"] => {
  if (status === 408) return "timeout"
  if (status === 429 || status === 502 || status === 503 || status === 504) return "unavailable"
  return status >= 300 && status < 500 ? "refused" : "broken"
}

const adviceFor = (stage: Stage, status: number): string => {
  const prefix = variablePrefixes[stage]
  if (status >= 300 && status < 400) return `Set ${prefix}_URL to where the server redirects to.`
  switch (status) {
    case 401:
    case 403:
      return `Set ${prefix}_API_KEY to a key that the server takes.`
    case 404:
    case 405:
      return `Check that ${prefix}_URL ends with the version, as /v1, and that the server has the model of ${prefix}_MODEL.`
    case 413:
      return "Raise the server's limit of a request's size."
    case 429:
      return "Give the server room for more requests at once, or use more of them."
    case 503:
      return "Wait until the server has loaded its model, or give it room for more requests at once."
  }
  return status >= 500 ? "Look into the server's log." : `Check that the server has the model of ${prefix}_MODEL and look into its log.`
}

/** The failure of a request that the server answered with an error. */
export const failure = ({ body, retryAfter = Option.none(), sent, server: { stage, url }, status }: {
  readonly server: EngineServer
  /** The HTTP status, or the error's own code; 0 if there is neither. */
  readonly status: number
  /** The error, parsed if it is JSON. */
  readonly body: unknown
  /** The text of the request: its words are not shown. */
  readonly sent: string
  readonly retryAfter?: Option.Option<Duration.Duration>
}): EngineFailed => {
  const detail = ServerWords.messageOf(body)
  const words = ServerWords.shown(detail, sent)
  const quotation = words === "" ? "" : `: ${words.replace(/[.\s]+$/, "")}`
  return new EngineFailed({
    stage,
    reason: RequestRefusal.isAbout(status, body) ? "refused" : reasonOf(status),
    advice: `${url.origin} answered ${status === 0 ? "an error" : status}${quotation}. ${adviceFor(stage, status)}`,
    cause: new ServerError({ status, retryAfter, detail: Redacted.make(detail), body: Redacted.make(body) })
  })
}

/** The failure of a request whose answer no OpenAI-compatible server would send. */
export const unreadable = ({ stage, url }: EngineServer): EngineFailed =>
  new EngineFailed({
    stage,
    reason: "broken",
    advice: `${url.origin} sent an answer that can't be read. Check that ${variablePrefixes[stage]}_URL names an OpenAI-compatible server.`
  })

/** How long the server asked to be left alone. */
export const retryAfterOf = ({ cause }: EngineFailed): Option.Option<Duration.Duration> =>
  cause instanceof ServerError ? cause.retryAfter : Option.none()

/** The status of the answer; `undefined` if there was no answer, or an error without a code in the middle of one. */
export const statusOf = ({ cause }: EngineFailed): number | undefined =>
  cause instanceof ServerError && cause.status > 0 ? cause.status : undefined

/** Whether the server refuses something in the request. It may take a request with fewer fields. */
export const isInvalidRequest = ({ cause }: EngineFailed): boolean =>
  cause instanceof ServerError && (cause.status === 400 || cause.status === 422)

/** Whether the request refers to something that the server does not have. */
export const isConflict = ({ cause }: EngineFailed): boolean => cause instanceof ServerError && cause.status === 409

/** Whether the server's own words match. */
export const mentions = ({ cause }: EngineFailed, words: RegExp): boolean =>
  cause instanceof ServerError && words.test(Redacted.value(cause.detail))
