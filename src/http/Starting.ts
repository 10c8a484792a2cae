/**
 * Answers requests while the service starts: the port is open, but agents and engines take some seconds to be ready.
 *
 * - `/health` says that the process lives.
 * - Up to 100 webhooks from Twilio wait until the service is ready, each for up to 10 s. By default, Twilio does not repeat a webhook that
 *   got an answer, so without the wait the caller would hear an error. Only requests with a signature wait. When 100 requests wait and one
 *   more comes, a waiting request that Twilio did not sign is refused.
 * - All other requests get 503 with the reason and a `Retry-After`.
 *
 * When the start fails, the waiting requests get 503 at once, so that they do not keep the process from ending.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { clearTimeout, setTimeout } from "node:timers"
import * as Signature from "../twilio/webhook/Signature.ts"
import * as RequestTarget from "./connections/RequestTarget.ts"
import type { IsSigned } from "./webhooks/EarlySignature.ts"

const maxWaiting = 100

/** Twilio waits 15 s for the answer to a webhook. */
const maxWaitMillis = 10_000

const waitingFor = "The service is starting: it waits for its engines and agents to be ready."

interface Starting {
  /**
   * Answers the request, or keeps it and calls `serve` when the service is ready. Returns `false`, and does nothing, if the service is ready
   * already.
   */
  readonly take: (request: IncomingMessage, response: ServerResponse, serve: () => void) => boolean
  /** Serves the waiting requests. Call it when the service is ready. */
  readonly end: () => void
  /** Refuses the waiting requests. Call it when the start has failed, or when the service stops. */
  readonly giveUp: () => void
}

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly serve: () => void
  readonly timer: NodeJS.Timeout
  /** Whether Twilio signed the request. Unset until the signature is checked. */
  isSigned?: boolean
}

/** The path in lower case and with single slashes, as the router reads it. */
const pathOf = (request: IncomingMessage) =>
  `/${RequestTarget.of(request).split(/[?#]/, 1)[0].split("/").filter((part) => part !== "").join("/")}`.toLowerCase()

const isWebhook = (path: string, { headers }: IncomingMessage) => {
  const signature = headers[Signature.header]
  return /^\/tw(?:iml$|ilio\/)/.test(path) && typeof signature === "string" && Signature.isWellFormed(signature)
}

const answer = (response: ServerResponse, status: number, type: string, body: object) => {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 503 ? { "retry-after": "2" } : {})
  })
  response.end(JSON.stringify(body))
}

const refuse = (response: ServerResponse, detail: string) =>
  answer(response, 503, "application/problem+json", {
    type: "urn:client-caller:problem:starting",
    title: "The service is not ready yet",
    status: 503,
    detail,
    retry_after: 2
  })

/** The body of a request that has arrived whole. The body can be read again. */
const bodyOf = (request: IncomingMessage): Uint8Array => {
  // Reading an empty body would emit `end`. A later reader would then wait for `end` for ever.
  if (request.readableLength === 0) return new Uint8Array()
  const body = request.read() as Buffer
  request.unshift(body)
  return body
}

interface Options {
  /** How long a request waits for the start. */
  readonly maxWaitMillis?: number
  readonly isSigned?: IsSigned | undefined
}

export const make = (options: Options = {}): Starting => {
  const waiting = new Set<Waiting>()
  let state: "starting" | "ready" | "stopped" = "starting"

  const remove = (entry: Waiting) => {
    clearTimeout(entry.timer)
    waiting.delete(entry)
  }

  /**
   * Whether one more request may wait. When 100 requests wait, refuses one that Twilio did not sign. If there is none, refuses the oldest
   * request whose body is incomplete.
   */
  const makeRoom = (): boolean => {
    if (waiting.size < maxWaiting) return true
    const { isSigned } = options
    if (isSigned === undefined) return false
    let refused: Waiting | undefined
    for (const entry of waiting) {
      if (entry.request.complete) entry.isSigned ??= isSigned(entry.request, bodyOf(entry.request))
      if (entry.isSigned === false) {
        refused = entry
        break
      }
      if (entry.isSigned === undefined) refused ??= entry
    }
    if (refused === undefined) return false
    remove(refused)
    refuse(refused.response, waitingFor)
    return true
  }

  const wait = (request: IncomingMessage, response: ServerResponse, serve: () => void) => {
    const timer = setTimeout(() => {
      remove(entry)
      refuse(response, waitingFor)
    }, options.maxWaitMillis ?? maxWaitMillis)
    const entry: Waiting = { request, response, serve, timer }
    waiting.add(entry)
    response.once("close", () => remove(entry))
  }

  return {
    take: (request, response, serve) => {
      if (state === "ready") return false
      const path = pathOf(request)
      if (state === "stopped") refuse(response, "The service could not start, or is stopping.")
      else if (path === "/health") answer(response, 200, "application/json", { status: "starting", detail: waitingFor })
      else if (isWebhook(path, request) && makeRoom()) wait(request, response, serve)
      else refuse(response, waitingFor)
      return true
    },
    end: () => {
      if (state !== "starting") return
      state = "ready"
      // The service's listener for requests is added after this call, in the same tick.
      process.nextTick(() => {
        for (const entry of waiting) {
          remove(entry)
          entry.serve()
        }
      })
    },
    giveUp: () => {
      if (state === "starting") state = "stopped"
      for (const entry of waiting) {
        remove(entry)
        refuse(entry.response, "The service could not start, or is stopping.")
      }
    }
  }
}
