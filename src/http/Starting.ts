/**
 * Answers requests while the service starts: the port is open, but agents and engines take some seconds to be ready.
 *
 * - `/health` says that the process lives.
 * - Twilio's webhooks wait until the service is ready, at most 100 of them and 10 s each. Twilio does not repeat a webhook, so the caller
 *   would hear an error. Only requests with a signature wait. When a hundred wait, a request that Twilio did not sign makes room.
 * - All other requests get 503 with the reason, and when to come back.
 *
 * When the start fails, the waiting requests get 503 at once, so that they do not keep the process from ending.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { clearTimeout, setTimeout } from "node:timers"
import * as Signature from "../twilio/webhook/Signature.ts"
import type { IsSigned } from "./webhooks/EarlySignature.ts"

const maxWaiting = 100

/** Twilio gives up a webhook after 15 s. */
const patienceMillis = 10_000

const waitingFor = "The service is starting: it waits for its engines and agents to be ready."

interface Starting {
  /** Answers the request, or keeps it and calls `serve` when the service is ready; `false`: the service is ready and answers itself. */
  readonly take: (request: IncomingMessage, response: ServerResponse, serve: () => void) => boolean
  /** The service is ready: serves the waiting requests. */
  readonly end: () => void
  /** The service will not be ready: refuses the waiting requests. */
  readonly giveUp: () => void
}

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly serve: () => void
  readonly timer: NodeJS.Timeout
  /** Whether Twilio signed it; unset until it was checked. */
  isSigned?: boolean
}

/** The path in lower case and with single slashes, as the router reads it. */
const pathOf = (request: IncomingMessage) =>
  `/${(request.url ?? "").split(/[?#]/, 1)[0].split("/").filter((part) => part !== "").join("/")}`.toLowerCase()

const isWebhook = (path: string, { headers }: IncomingMessage) => {
  const signature = headers[Signature.header]
  return /^\/tw(?:iml$|ilio\/)/.test(path) && typeof signature === "string" && Signature.isShaped(signature)
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
  // Reading an empty body would emit its end, and a later reader would wait for that in vain.
  if (request.readableLength === 0) return new Uint8Array()
  const body = request.read() as Buffer
  request.unshift(body)
  return body
}

interface Options {
  /** How long (ms) a request waits for the start. */
  readonly patience?: number
  readonly isSigned?: IsSigned | undefined
}

export const make = (options: Options = {}): Starting => {
  const waiting = new Set<Waiting>()
  let state: "starting" | "ready" | "over" = "starting"

  const leave = (one: Waiting) => {
    clearTimeout(one.timer)
    waiting.delete(one)
  }

  /** Makes room for one more request by refusing a waiting one: one that Twilio did not sign, or else the oldest whose body is not complete. */
  const makeRoom = (): boolean => {
    if (waiting.size < maxWaiting) return true
    const { isSigned } = options
    if (isSigned === undefined) return false
    let refused: Waiting | undefined
    for (const one of waiting) {
      if (one.request.complete) one.isSigned ??= isSigned(one.request, bodyOf(one.request))
      if (one.isSigned === false) {
        refused = one
        break
      }
      if (one.isSigned === undefined) refused ??= one
    }
    if (refused === undefined) return false
    leave(refused)
    refuse(refused.response, waitingFor)
    return true
  }

  const wait = (request: IncomingMessage, response: ServerResponse, serve: () => void) => {
    const timer = setTimeout(() => {
      leave(one)
      refuse(response, waitingFor)
    }, options.patience ?? patienceMillis)
    const one: Waiting = { request, response, serve, timer }
    waiting.add(one)
    response.once("close", () => leave(one))
  }

  return {
    take: (request, response, serve) => {
      if (state === "ready") return false
      const path = pathOf(request)
      if (state === "over") refuse(response, "The service could not start, or is stopping.")
      else if (path === "/health") answer(response, 200, "application/json", { status: "starting", detail: waitingFor })
      else if (isWebhook(path, request) && makeRoom()) wait(request, response, serve)
      else refuse(response, waitingFor)
      return true
    },
    end: () => {
      if (state !== "starting") return
      state = "ready"
      // The service's own listener is added after this, in the same tick.
      process.nextTick(() => {
        for (const one of waiting) {
          leave(one)
          one.serve()
        }
      })
    },
    giveUp: () => {
      if (state === "starting") state = "over"
      for (const one of waiting) {
        leave(one)
        refuse(one.response, "The service could not start, or is stopping.")
      }
    }
  }
}
