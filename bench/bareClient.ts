/**
 * A turn without the service: the requests for a transcript, a reply and speech, one after the other, from Node's own HTTP client. Unlike
 * the service, it sends no earlier sound of the conversation with the request for speech. Its time beyond the engines' latencies is what
 * the machine, the connections and the stand-in servers cost.
 *
 * It runs in its own process. The parent sends `Turns` and gets back the duration of each turn.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { Agent, type IncomingMessage, request } from "node:http"
import { fileURLToPath } from "node:url"
import * as Wav from "../src/audio/Wav.ts"
import type { Urls } from "./engineServers.ts"
import { moveToCore, pause } from "./line/processes.ts"

export interface Turns {
  readonly urls: Urls
  readonly turns: number
  /** The rate at which turns begin, whether or not earlier ones have ended. */
  readonly perSecond: number
  /** ms of sound in each utterance. */
  readonly utterance: number
  /** The reply's tokens until its first clause can be spoken. */
  readonly tokensToClause: number
}

/** The number of first turns that do not count: compilation and new connections make them slow. */
const warmUp = 20

/** ms from each turn's first request to the first sound of its answer, on this core. */
export const measure = (core: number, turns: Turns): Promise<ReadonlyArray<number>> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: [] })
    moveToCore(core, child.pid!)
    child.once("message", (times) => resolve(times as ReadonlyArray<number>))
    child.once("exit", (code) => reject(new Error(`The bare client's process ended with ${code}.`)))
    child.send(turns)
  })

const agent = new Agent({ keepAlive: true })

const post = async (url: string, contentType: string, body: Buffer): Promise<IncomingMessage> => {
  const asked = request(url, { agent, method: "POST", headers: { "content-type": contentType, "content-length": body.length } })
  asked.end(body)
  const [answer] = await once(asked, "response") as [IncomingMessage]
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}.`)
  return answer
}

const postJson = (url: string, body: unknown) => post(url, "application/json", Buffer.from(JSON.stringify(body)))

const boundary = "bare-client"

const formOf = (utterance: number): Buffer =>
  Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="response_format"\r\n\r\nverbose_json\r\n--${boundary}\r\n`
        + "Content-Disposition: form-data; name=\"file\"; filename=\"utterance.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
    ),
    Wav.encode({ sampleRate: 16_000, channels: [new Int16Array(16 * utterance)] }),
    Buffer.from(`\r\n--${boundary}--\r\n`)
  ])

/** Resolves with the reply's first clause. The rest of the answer is read afterwards. */
const clauseOf = (answer: IncomingMessage, tokens: number): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    let rest = ""
    let seen = 0
    answer.setEncoding("utf8")
    answer.on("data", (piece: string) => {
      const events = (rest + piece).split("\n\n")
      rest = events.pop() ?? ""
      for (const event of events) {
        if (!event.startsWith("data: {")) continue
        const { choices } = JSON.parse(event.slice(6)) as { readonly choices: ReadonlyArray<{ readonly delta: { readonly content?: string } }> }
        const content = choices.at(0)?.delta.content ?? ""
        if (content === "") continue
        text += content
        if (++seen === tokens) resolve(text)
      }
    })
    answer.once("end", () => reject(new Error("The reply ended before its first clause.")))
  })

const turn = async ({ tokensToClause, urls, utterance }: Turns) => {
  const began = performance.now()
  const heard = await post(`${urls.STT_URL}/audio/transcriptions`, `multipart/form-data; boundary=${boundary}`, formOf(utterance))
  const pieces: Array<Buffer> = []
  for await (const piece of heard) pieces.push(piece as Buffer)
  const { text } = JSON.parse(Buffer.concat(pieces).toString()) as { readonly text: string }
  const messages = [{ role: "user", content: `You answer the telephone.\n\n${text}` }]
  const reply = await postJson(`${urls.LLM_URL}/chat/completions`, { messages, stream: true })
  const input = await clauseOf(reply, tokensToClause)
  const speech = await postJson(`${urls.TTS_URL}/audio/speech`, { input, response_format: "pcm", stream: true })
  await once(speech, "data")
  const took = performance.now() - began
  const ended = once(speech, "end")
  speech.resume()
  return { took, ended }
}

const run = async (turns: Turns): Promise<ReadonlyArray<number>> => {
  const begun: Array<ReturnType<typeof turn>> = []
  for (let index = 0; index < warmUp + turns.turns; index++) {
    begun.push(turn(turns))
    await pause(1000 / turns.perSecond)
  }
  const taken = await Promise.all(begun)
  // The remaining sound is read before the next measurement.
  await Promise.all(taken.map(({ ended }) => ended))
  return taken.slice(warmUp).map(({ took }) => took)
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("message", (turns: Turns) => void run(turns).then((times) => process.send!(times, () => process.exit(0))))
}
