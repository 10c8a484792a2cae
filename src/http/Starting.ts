/**
 * What is answered while the service starts: its port is open, and its agents and engines are being made ready, for some seconds.
 *
 * - `/health` says that the process lives.
 * - Twilio's webhooks wait for the service, at most 10 s and 100 of them: Twilio does not ask again, and the caller would hear an error.
 *   What bears no signature does not wait. Where a hundred wait, those go first that Twilio did not sign.
 * - All else is told to come back (503), and what is waited for.
 *
 * When the start comes to nothing, those that wait are told so: a start that fails must end, whoever is connected.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { clearTimeout, setTimeout } from "node:timers"
import * as Signature from "../twilio/webhook/Signature.ts"
import type { IsSigned } from "./webhooks/EarlySignature.ts"

const maxWaiting = 100

/** ms. Twilio gives up a webhook after 15 s. */
const patience = 10_000

const waitingFor = "The service is starting: it waits for its engines and agents to be ready."

export interface Starting {
  /** Whether the request is taken here: answered now, or kept and served by `serve` when the service is there. */
  readonly take: (request: IncomingMessage, response: ServerResponse, serve: () => void) => boolean
  /** The service is there. */
  readonly end: () => void
  /** It will not be. */
  readonly giveUp: () => void
}

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly serve: () => void
  readonly timer: NodeJS.Timeout
  /** Whether Twilio signed it; unset: not known yet. */
  isSigned?: boolean
}

/** The router takes upper case and doubled slashes, too. */
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

/** The body of a request that has come whole; it is there to be read again. */
const bodyOf = (request: IncomingMessage): Uint8Array => {
  // To read where nothing is tells the end of the body, which then nobody is told of later.
  if (request.readableLength === 0) return new Uint8Array()
  const body = request.read() as Buffer
  request.unshift(body)
  return body
}

interface Options {
  /** ms. */
  readonly patience?: number
  readonly isSigned?: IsSigned | undefined
}

export const make = (options: Options = {}): Starting => {
  const waiting = new Set<Waiting>()
  let state: "starting" | "there" | "over" = "starting"

  const leave = (one: Waiting) => {
    clearTimeout(one.timer)
    waiting.delete(one)
  }

  /** Makes room for one more: of a stranger's that has come whole, else of the one that has been coming for longest. */
  const makeRoom = (): boolean => {
    if (waiting.size < maxWaiting) return true
    const { isSigned } = options
    if (isSigned === undefined) return false
    let last: Waiting | undefined
    for (const one of waiting) {
      if (one.request.complete) one.isSigned ??= isSigned(one.request, bodyOf(one.request))
      if (one.isSigned === false) {
        last = one
        break
      }
      if (one.isSigned === undefined) last ??= one
    }
    if (last === undefined) return false
    leave(last)
    refuse(last.response, waitingFor)
    return true
  }

  const wait = (request: IncomingMessage, response: ServerResponse, serve: () => void) => {
    const timer = setTimeout(() => {
      leave(one)
      refuse(response, waitingFor)
    }, options.patience ?? patience)
    const one: Waiting = { request, response, serve, timer }
    waiting.add(one)
    response.once("close", () => leave(one))
  }

  return {
    take: (request, response, serve) => {
      if (state === "there") return false
      const path = pathOf(request)
      if (state === "over") refuse(response, "The service could not start, or is stopping.")
      else if (path === "/health") answer(response, 200, "application/json", { status: "starting", detail: waitingFor })
      else if (isWebhook(path, request) && makeRoom()) wait(request, response, serve)
      else refuse(response, waitingFor)
      return true
    },
    end: () => {
      if (state !== "starting") return
      state = "there"
      // The listener that comes is there in the next tick.
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
