/**
 * A minimal service with real sockets, which the simulator calls. The test sets its TwiML and its answers to stream messages. It collects
 * all requests and messages, and checks every signature with the `twilio` package.
 */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import twilio from "twilio"
import { type WebSocket, WebSocketServer } from "ws"

export interface Hook {
  readonly path: string
  readonly parameters: Record<string, string>
  readonly signed: boolean
  readonly headers: IncomingMessage["headers"]
}

export interface StreamMessage {
  readonly event: string
  readonly streamSid?: string
  readonly sequenceNumber?: string
  readonly start?: {
    readonly callSid: string
    readonly streamSid: string
    readonly accountSid: string
    readonly tracks: ReadonlyArray<string>
    readonly mediaFormat: unknown
    readonly customParameters: Record<string, string>
  }
  readonly media?: { readonly payload: string; readonly chunk: string; readonly timestamp: string }
  readonly mark?: { readonly name: string }
  readonly dtmf?: { readonly digit: string }
}

export interface FakeService {
  readonly url: string
  readonly streamUrl: string
  readonly hooks: Array<Hook>
  /** The messages of all streams, in order. A frame that is not JSON has the event `not JSON`. */
  readonly frames: Array<StreamMessage>
  readonly raw: Array<string>
  readonly upgrades: Array<{ readonly signed: boolean }>
  /** Close codes of the streams, as this side saw them. */
  readonly closes: Array<number>
  /** Sets the answer to requests for a path. Other paths get 404; `null`: the request is never answered. */
  readonly answer: (path: string, body: string | null, contentType?: string) => void
  readonly onMessage: (handler: (socket: WebSocket, message: StreamMessage) => void) => void
}

export const connectTwiml = (service: FakeService, attributes = "", parameters = ""): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response><Connect ${attributes}><Stream url="${service.streamUrl}">` +
  `<Parameter name="token" value="t-1"/>${parameters}</Stream></Connect></Response>`

/** Sends every sound back as it came. */
export const echo = (socket: WebSocket, message: StreamMessage): void => {
  if (message.event === "media") {
    socket.send(JSON.stringify({ event: "media", streamSid: message.streamSid, media: { payload: message.media!.payload } }))
  }
}

const ignore = (_socket: WebSocket, _message: StreamMessage): void => {}

const parse = (text: string): StreamMessage => {
  try {
    return JSON.parse(text) as StreamMessage
  } catch {
    return { event: "not JSON" }
  }
}

export const make = (authToken: string) =>
  Effect.acquireRelease(
    Effect.callback<{ service: FakeService; close: () => void }>((resume) => {
      const answers = new Map<string, { body: string | null; contentType: string }>()
      let handler = ignore
      const hooks: Array<Hook> = []
      const frames: Array<StreamMessage> = []
      const raw: Array<string> = []
      const upgrades: Array<{ signed: boolean }> = []
      const closes: Array<number> = []
      const server = createServer((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () => {
          const path = request.url ?? "/"
          const url = `${base()}${path}`
          const isGet = request.method === "GET"
          const parameters = Object.fromEntries(isGet ? new URL(url).searchParams : new URLSearchParams(body))
          hooks.push({
            path: new URL(url).pathname,
            parameters,
            signed: twilio.validateRequest(
              authToken,
              String(request.headers["x-twilio-signature"] ?? ""),
              url,
              isGet ? {} : parameters
            ),
            headers: request.headers
          })
          const answer = answers.get(new URL(url).pathname)
          if (answer?.body === null) return
          response.writeHead(answer === undefined ? 404 : 200, { "content-type": answer?.contentType ?? "text/plain" })
          response.end(answer?.body ?? "no such page")
        })
      })
      const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 })
      server.on("upgrade", (request, socket, head) => {
        const url = base().replace("http", "ws") + request.url
        const signed = twilio.validateRequest(authToken, String(request.headers["x-twilio-signature"] ?? ""), url, {})
        upgrades.push({ signed })
        if (!signed) {
          socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
          return
        }
        sockets.handleUpgrade(request, socket, head, (webSocket) => {
          webSocket.on("error", () => {})
          webSocket.on("close", (code) => closes.push(code))
          webSocket.on("message", (data, isBinary) => {
            raw.push(isBinary ? "<binary>" : String(data))
            const message = parse(isBinary ? "" : String(data))
            frames.push(message)
            handler(webSocket, message)
          })
        })
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({
          service: {
            url: base(),
            streamUrl: `${base().replace("http", "ws")}/ws`,
            hooks,
            frames,
            raw,
            upgrades,
            closes,
            answer: (path, body, contentType = "text/xml") => {
              answers.set(path, { body, contentType })
            },
            onMessage: (next) => {
              handler = next
            }
          },
          close: () => {
            for (const socket of sockets.clients) socket.terminate()
            server.closeAllConnections()
            server.close()
          }
        })))
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ service }) => service))
