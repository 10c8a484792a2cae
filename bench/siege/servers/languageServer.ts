/**
 * Language servers with extreme answers: a delta of millions of characters, dozens of tool calls. Stand-ins give transcripts and speech
 * at once, so that a call requests as many answers as it can.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Attack } from "../Attack.ts"
import { agentNumber, converse } from "../callers.ts"
import { serve } from "../attackerServer.ts"

const calls = 8

const event = (document: object): string => `data: ${JSON.stringify(document)}\n\n`

const answerOf = (deltas: ReadonlyArray<object>): Buffer =>
  Buffer.from([
    ...deltas.map((delta) => event({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: null }] })),
    event({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    "data: [DONE]\n\n"
  ].join(""))

/** The speech for every text: a tone of 0.3 s at 24 kHz. */
const tone = (() => {
  const samples = Int16Array.from({ length: 7200 }, (_, at) => 8000 * Math.sin(2 * Math.PI * 300 * at / 24_000))
  return Buffer.from(samples.buffer)
})()

/** The number of requested answers. Each attack has its own process, so this number is for one attack. */
let asked = 0

/** Starts the servers. The language server gives the answers in rotation. */
const host = async (answers: ReadonlyArray<Buffer>): Promise<Readonly<Record<string, string>>> => {
  const url = await serve((request, response) => {
    switch (request.url) {
      case "/v1/audio/transcriptions":
        return void response.setHeader("content-type", "application/json").end(JSON.stringify({ text: "Can you tell me more about it?" }))
      case "/v1/audio/speech":
        return void response.setHeader("content-type", "audio/pcm").setHeader("x-sample-rate", "24000").end(tone)
      case "/v1/chat/completions":
        return void response.setHeader("content-type", "text/event-stream").end(answers[asked++ % answers.length])
      case "/tool":
        return void response.setHeader("content-type", "application/json").end(JSON.stringify({ found: true }))
      default:
        return void response.setHeader("content-type", "application/json").end(JSON.stringify({ data: [{ id: "google/gemma-3-27b-it" }] }))
    }
  })
  const folder = mkdtempSync(join(tmpdir(), "client-caller-siege-agent-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const agent = join(folder, "shop.yaml")
  writeFileSync(agent, [
    "name: shop",
    "greeting: Hello.",
    "instructions: You tell callers about the goods of a shop.",
    "tools:",
    "  look-up:",
    "    description: What there is of a thing.",
    `    url: ${url}/tool`,
    "    repeatable: true",
    "    parameters:",
    "      properties:",
    "        name: { type: string }"
  ].join("\n"))
  const base = `${url}/v1`
  return { STT_URL: base, LLM_URL: base, TTS_URL: base, AGENT_NUMBERS: `${agentNumber}=${agent}` }
}

const attack = (name: string, answers: () => ReadonlyArray<Buffer>): Attack => ({
  name: `language server: ${name}`,
  strength: `answers to ${calls} calls, again and again`,
  seconds: 12,
  host: () => host(answers()),
  run: async (siege) => {
    asked = 0
    const { dialled, heard } = await converse(siege, calls)
    if (asked === 0) throw new Error(`the service requested no answer; ${dialled} calls, ${heard} frames heard`)
    return `${asked} answers, ${dialled} calls, ${heard} frames heard`
  }
})

/** An answer repeats one of these: sentences, words, letters, figures, or the beginnings of tool calls, JSON and thoughts. */
const texts = [
  "We are open on Monday from eight to five, and on Friday until noon. ",
  "word ",
  "a",
  "1234567 ",
  "Dr. ",
  "[[look-up(",
  "<tool_call>{\"name\":\"look-up\",\"arguments\":{",
  "```json\n{\"a\":",
  "<think>so ",
  "\n"
]

const hugeDelta = (characters: number) => () =>
  texts.map((text) => answerOf([{ content: text.repeat(Math.ceil(characters / text.length)).slice(0, characters) }]))

const toolCall = (index: number, argument: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name: "look-up", arguments: JSON.stringify({ name: argument }) }
})

/** Tool calls of three kinds: all in one delta, each in its own delta with long arguments, and as text. */
const manyToolCalls = () => [
  answerOf([{ tool_calls: Array.from({ length: 64 }, (_, index) => toolCall(index, `thing ${index}`)) }]),
  answerOf(Array.from({ length: 64 }, (_, index) => ({ tool_calls: [toolCall(index, "x".repeat(40_000))] }))),
  answerOf([{ content: Array.from({ length: 2000 }, (_, index) => `<tool_call>{"name":"look-up","arguments":{"name":"thing ${index}"}}</tool_call>\n`).join("") }])
]

export const languageServers = [
  attack("600 KB in a delta", hugeDelta(600_000)),
  attack("3 MB in a delta", hugeDelta(3_000_000)),
  attack("64 tool calls", manyToolCalls)
]
