/** A fake of Twilio's REST host: a real HTTP server on a free port. The test gives one answer for each request. */
import { Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Received {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly form: URLSearchParams
}

export type Answer = (response: ServerResponse) => void

/** JSON with this HTTP status. */
export const json = (status: number, body: object): Answer => (response) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

/** An error as Twilio writes it. */
export const refusal = (status: number, code: number, message = "refused"): Answer =>
  json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status })

/** Never answers the request. */
export const silence: Answer = () => undefined

/** Cuts the connection after the request was read. */
export const cut: Answer = (response) => {
  response.socket?.destroy()
}

const read = async (request: IncomingMessage): Promise<string> => {
  let body = ""
  for await (const chunk of request) body += String(chunk)
  return body
}

/** Answers in order; the last answer is given to every further request. */
export const make = (...answers: readonly [Answer, ...Array<Answer>]) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly received: ReadonlyArray<Received>; readonly stop: () => void }>(
      (resume) => {
        const received: Array<Received> = []
        const server = createServer((request, response) => {
          void read(request).then((body) => {
            const answer = answers[Math.min(received.length, answers.length - 1)]
            received.push({
              method: request.method ?? "",
              path: request.url ?? "",
              authorization: request.headers.authorization ?? "",
              form: new URLSearchParams(body)
            })
            answer(response)
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          const stop = () => {
            server.closeAllConnections()
            server.close()
          }
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, received, stop }))
        })
      }
    ),
    ({ stop }) => Effect.sync(stop)
  )
