/**
 * The failure of a request that a server has answered with an error. It says what the error means and what the operator can do. Pure.
 *
 * The advice quotes the server's words as far as `ServerWords` allows.
 */
import { Data, type Duration, Option, Redacted } from "effect"
import { EngineFailed, type Stage } from "../../../conversation/ports/Engine.ts"
import * as RequestRefusal from "./RequestRefusal.ts"
import * as ServerWords from "./ServerWords.ts"

/** The server of an engine. */
export interface EngineServer {
  readonly stage: Stage
  /** The configured address. */
  readonly url: URL
}

/** The cause of an `EngineFailed`: a status that is not 2xx, or an error in the middle of an answer. */
export class ServerError extends Data.TaggedError("ServerError")<{
  /** The HTTP status, or the error's own code if that is a number; 0 if there is neither. */
  readonly status: number
  /** The pause that the server asks for. */
  readonly retryAfter: Option.Option<Duration.Duration>
  /** The server's own words. They may quote the caller's words. */
  readonly detail: Redacted.Redacted
  /** The whole error, parsed. It may hold figures that are not in the words. */
  readonly body: Redacted.Redacted<unknown>
}> {
  override get message() {
    return `The server answered with ${this.status === 0 ? "an error" : `the error ${this.status}`}. Look into its log.`
  }
}

/** The beginning of the names of a stage's environment variables. */
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
  if (status >= 300 && status < 400) return `Set ${prefix}_URL to the address that the server redirects to.`
  switch (status) {
    case 401:
    case 403:
      return `Set ${prefix}_API_KEY to a key that the server accepts.`
    case 404:
    case 405:
      return `Check that ${prefix}_URL ends with the version, such as /v1, and that the server has the model of ${prefix}_MODEL.`
    case 413:
      return "Raise the server's limit for the size of a request."
    case 429:
      return "Let the server take more requests at once, or use more servers."
    case 503:
      return "Wait until the server has loaded its model, or let it take more requests at once."
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
  /** The text of the request. Its words are not shown. */
  readonly sent: string
  readonly retryAfter?: Option.Option<Duration.Duration>
}): EngineFailed => {
  const detail = ServerWords.messageOf(body)
  const words = ServerWords.forLog(detail, sent)
  const quotation = words === "" ? "" : `: ${words.replace(/[.\s]+$/, "")}`
  return new EngineFailed({
    stage,
    reason: RequestRefusal.isRefusal(status, body) ? "refused" : reasonOf(status),
    advice: `${url.origin} answered ${status === 0 ? "an error" : status}${quotation}. ${adviceFor(stage, status)}`,
    cause: new ServerError({ status, retryAfter, detail: Redacted.make(detail), body: Redacted.make(body) })
  })
}

/** The failure of a request whose answer can't be read. An OpenAI-compatible server would not send it. */
export const unreadable = ({ stage, url }: EngineServer): EngineFailed =>
  new EngineFailed({
    stage,
    reason: "broken",
    advice: `${url.origin} sent an answer that can't be read. Check that ${variablePrefixes[stage]}_URL names an OpenAI-compatible server.`
  })

/** The pause that the server asked for. */
export const retryAfterOf = ({ cause }: EngineFailed): Option.Option<Duration.Duration> =>
  cause instanceof ServerError ? cause.retryAfter : Option.none()

/** The status of the answer; `undefined` if there was no answer, or if an error in the middle of an answer had no code. */
export const statusOf = ({ cause }: EngineFailed): number | undefined =>
  cause instanceof ServerError && cause.status > 0 ? cause.status : undefined

/** Whether the server refuses something in the request. It may accept a request with fewer fields. */
export const isInvalidRequest = ({ cause }: EngineFailed): boolean =>
  cause instanceof ServerError && (cause.status === 400 || cause.status === 422)

/** Whether the request refers to something that the server no longer has (409). */
export const isConflict = ({ cause }: EngineFailed): boolean => cause instanceof ServerError && cause.status === 409

/** Whether the server's own words match `words`. */
export const mentions = ({ cause }: EngineFailed, words: RegExp): boolean =>
  cause instanceof ServerError && words.test(Redacted.value(cause.detail))
