/**
 * Servers of `POST /audio/transcriptions` and `POST /audio/speech` on the loopback, in each dialect. Latencies and faults can be set, and
 * requests are recorded. Like real servers they check each request, and refuse a wrong one with 400.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import type { SampleRate } from "../../../src/audio/Pcm.ts"
import * as Wav from "../../../src/audio/Wav.ts"
import * as FakeHttpServer from "./FakeHttpServer.ts"

const { event, refusal } = FakeHttpServer

export interface Common {
  /** What `GET /models` lists. */
  readonly model?: string
  /** A request without this key is answered with 401. Unset: no key is needed. */
  readonly key?: string
}

interface Routes {
  readonly [path: string]: (exchange: FakeHttpServer.Exchange) => Promise<FakeHttpServer.Reply> | FakeHttpServer.Reply
}

const bad = (message: string) => refusal(400, { error: { message, type: "invalid_request_error", code: 400 } })

/** Faults and latencies apply to the main path only, so that a warm-up does not use them up. */
const serve = Effect.fnUntraced(function*(
  { key, model }: Common,
  main: { readonly path: string; readonly answer: Routes[string]; readonly latency: () => FakeHttpServer.Latency },
  routes: Routes = {}
) {
  const faults = FakeHttpServer.faults()
  const server: FakeHttpServer.FakeHttpServer = yield* FakeHttpServer.make(async (exchange) => {
    if (key !== undefined && exchange.headers.authorization !== `Bearer ${key}`) {
      return FakeHttpServer.send(exchange, refusal(401, { error: { message: "Incorrect API key provided." } }))
    }
    if (exchange.path === main.path) {
      const fault = faults.take()
      const answer = await main.answer(exchange)
      server.changed()
      return FakeHttpServer.send(exchange, answer, main.latency(), fault)
    }
    if (exchange.path === "/v1/models") {
      return FakeHttpServer.send(exchange, refusal(200, { object: "list", data: model === undefined ? [] : [{ id: model }] }))
    }
    const route = routes[exchange.path]
    return FakeHttpServer.send(exchange, route === undefined ? refusal(404, { detail: "Not Found" }) : await route(exchange))
  })
  return { ...server, faults }
})

// ---------------------------------------------------------------------------------------------
// Transcription
// ---------------------------------------------------------------------------------------------

/** A request as a server reads it. */
export interface Asked {
  readonly exchange: FakeHttpServer.Exchange
  readonly fields: Readonly<Record<string, string>>
  /** Name and type of the file part. */
  readonly file: { readonly name: string; readonly type: string }
  /** 16 kHz, mono. */
  readonly sound: Int16Array
}

/** The transcript. The scores are sent in `verbose_json` only. */
export interface Heard {
  readonly text: string
  readonly noSpeech?: number
  readonly logProbability?: number
  readonly compression?: number
}

/** How a transcript is sent: in the requested format, or as events. */
export type TranscriptDialect = "asked" | "openai" | "speaches" | "vllm"

export interface TranscriptionOptions extends Common {
  readonly hears: (asked: Asked) => Heard | string
  readonly dialect?: TranscriptDialect
  /** Formats that are refused with 400. OpenAI's newer models have no `verbose_json`. */
  readonly refuses?: ReadonlyArray<string>
  /** ms to the transcript. */
  readonly latency?: () => number
  /** While it is true, requests are refused with 503. */
  readonly isLoading?: () => boolean
}

const readForm = async (exchange: FakeHttpServer.Exchange): Promise<Asked | string> => {
  const form = await new Response(new Uint8Array(exchange.body), {
    headers: { "content-type": exchange.headers["content-type"] ?? "" }
  }).formData().catch(() => undefined)
  if (form === undefined) return "The body is no form."
  const file = form.get("file")
  if (!(file instanceof File)) return "Field required: file"
  const wav = Wav.decode(new Uint8Array(await file.arrayBuffer()))
  if (wav._tag === "WavError" || wav.sampleRate !== 16_000 || wav.channels.length !== 1 || wav.channels[0].length === 0) {
    return "Invalid or unsupported audio file."
  }
  return {
    exchange,
    fields: Object.fromEntries([...form].flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : [])),
    file: { name: file.name, type: file.type },
    sound: wav.channels[0]
  }
}

const json = (body: object): FakeHttpServer.Reply => refusal(200, body)

const stream = (pieces: ReadonlyArray<string>): FakeHttpServer.Reply => ({
  headers: { "content-type": "text/event-stream; charset=utf-8" },
  pieces
})

const transcript = (heard: Heard, dialect: TranscriptDialect, format: string, sound: Int16Array): FakeHttpServer.Reply => {
  const { text } = heard
  const words = text.split(/(?<= )/)
  switch (dialect) {
    case "openai":
      return stream([
        ...words.map((delta) => event({ type: "transcript.text.delta", delta })),
        event({ type: "transcript.text.done", text })
      ])
    // No `[DONE]`, and a last event without text: speaches has used up its segments by then.
    case "speaches":
      return stream([
        ...words.map((delta) => event({ type: "transcript.text.delta", delta })),
        event({ type: "transcript.text.done", text: "" })
      ])
    case "vllm": {
      const chunk = (choices: ReadonlyArray<object>) =>
        event({ id: "trsc-1", object: "transcription.chunk", created: 0, model: "whisper", choices })
      return stream([
        ...words.map((content) => chunk([{ delta: { content }, finish_reason: null }])),
        chunk([{ delta: { content: "" }, finish_reason: "stop" }]),
        chunk([]),
        event("[DONE]")
      ])
    }
    case "asked":
      break
  }
  const duration = sound.length / 16_000
  if (format === "text") return { headers: { "content-type": "text/plain; charset=utf-8" }, pieces: [`${text}\n`] }
  if (format === "json") return json({ text, usage: { type: "duration", seconds: Math.ceil(duration) } })
  return json({
    task: "transcribe",
    language: "english",
    duration,
    text,
    segments: text === "" ? [] : [{
      id: 0,
      seek: 0,
      start: 0,
      end: duration,
      text: ` ${text}`,
      temperature: 0,
      avg_logprob: heard.logProbability ?? -0.2,
      compression_ratio: heard.compression ?? 0.9,
      no_speech_prob: heard.noSpeech ?? 0.01
    }]
  })
}

export const transcription = Effect.fnUntraced(function*(options: TranscriptionOptions) {
  const asked: Array<Asked> = []
  const server = yield* serve(options, {
    path: "/v1/audio/transcriptions",
    latency: () => ({ head: options.latency?.() ?? 0 }),
    answer: async (exchange) => {
      const read = await readForm(exchange)
      if (typeof read === "string") return bad(read)
      asked.push(read)
      if (options.isLoading?.() === true) return FakeHttpServer.refusal(503, { error: "The model is being loaded." })
      const format = read.fields.response_format ?? "json"
      if (options.refuses?.includes(format) === true) return bad(`response_format '${format}' is not compatible with model`)
      const heard = options.hears(read)
      return transcript(typeof heard === "string" ? { text: heard } : heard, options.dialect ?? "asked", format, read.sound)
    }
  })
  return { ...server, asked }
})

/** Loudness of steps of 20 ms. */
const envelope = (sound: Int16Array, sampleRate: number): Float64Array => {
  const step = sampleRate / 50
  return Float64Array.from({ length: Math.floor(sound.length / step) }, (_, index) => {
    let sum = 0
    for (let at = index * step; at < (index + 1) * step; at++) sum += sound[at] * sound[at]
    return Math.sqrt(sum / step)
  })
}

/** How alike two sounds are when `heard` begins `lag` steps before `known`. 1: they differ in loudness alone. */
const likeness = (heard: Float64Array, known: Float64Array, lag: number): number => {
  const length = Math.min(heard.length - lag, known.length)
  let both = 0
  let first = 0
  let second = 0
  for (let index = 0; index < length; index++) {
    both += heard[index + lag] * known[index]
    first += heard[index + lag] ** 2
    second += known[index] ** 2
  }
  return length < 5 || first === 0 || second === 0 ? 0 : both / Math.sqrt(first * second)
}

/** How many steps (2 s) may come before the words. */
const maxLag = 100

/**
 * A recognizer for calls with known sentences: it finds the sentence whose loudness rises and falls like the heard sound. If a sentence
 * was heard in part, the transcript has the words of that part.
 */
export const bySound = (
  sentences: ReadonlyArray<{ readonly text: string; readonly sound: Int16Array; readonly sampleRate: SampleRate }>
) => {
  const known = sentences.map(({ sampleRate, sound, text }) => ({ text, envelope: envelope(sound, sampleRate) }))
  return ({ sound }: Pick<Asked, "sound">): string => {
    const heard = envelope(sound, 16_000)
    let best = { likeness: 0, text: "" }
    for (const { envelope, text } of known) {
      for (let lag = 0; lag <= Math.min(maxLag, heard.length); lag++) {
        // Sound that the sentence does not cover counts against it.
        const covered = Math.min(heard.length - lag, envelope.length) / Math.max(heard.length - lag, 1)
        const found = likeness(heard, envelope, lag) * (0.5 + 0.5 * covered)
        if (found <= best.likeness) continue
        const words = text.split(" ")
        const part = Math.min(1, (heard.length - lag + 5) / envelope.length)
        best = { likeness: found, text: words.slice(0, Math.ceil(words.length * part)).join(" ") }
      }
    }
    return best.text
  }
}

// ---------------------------------------------------------------------------------------------
// Speech
// ---------------------------------------------------------------------------------------------

/** How sound is sent; `openEnded` and `largest` are WAV files with a length of 0 and of 0xffffffff. */
export type SpeechDialect = "pcm" | "wav" | "openEnded" | "largest" | "events" | "speaches"

export interface SpeechOptions extends Common {
  readonly dialect?: SpeechDialect
  /** Hz, sent in `X-Sample-Rate` (or in the file) unless `isRateSilent`. Default 24000. */
  readonly sampleRate?: number
  readonly isRateSilent?: boolean
  /** Fields that are refused with 400; OpenAI takes no `stream`. */
  readonly refuses?: ReadonlyArray<string>
  readonly voices?: ReadonlyArray<string | object>
  /** ms to the first sound. */
  readonly latency?: () => number
  /** ms of work for each ms of sound after the first piece. Default 0. */
  readonly realTimeFactor?: number
  /** Bytes of a piece. Default 80 ms of sound, as CSM's frames. */
  readonly pieceBytes?: number
  readonly sound?: (input: string, sampleRate: number) => Int16Array
  /** A request for `pcm` is answered with 400, or with MP3 under the type of raw samples. A request for `wav` is answered with WAV. */
  readonly lacksPcm?: "refuses" | "sendsMp3"
  /** Keeps the sound of contexts, and its own sound, by its hash, as deploy/engines/csm does. */
  readonly keepsSound?: boolean
}

export interface Spoken {
  readonly exchange: FakeHttpServer.Exchange
  readonly input: string
  readonly body: Readonly<Record<string, unknown>>
}

/** A tone of 60 ms for each character, so that speech differs from silence. */
export const tone = (input: string, sampleRate: number): Int16Array =>
  Int16Array.from(
    { length: Math.round(input.length * 0.06 * sampleRate) },
    (_, index) => 8000 * Math.sin(2 * Math.PI * 300 * index / sampleRate)
  )

/** A real MP3 file: 3.5 s of speech, with an ID3 tag. */
export const mp3: Uint8Array = new Uint8Array(readFileSync(new URL("../../fixtures/speech.mp3", import.meta.url)))

/** Little-endian, as every machine that runs Node (but s390x). */
const bytesOf = ({ buffer, byteLength, byteOffset }: Int16Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

const cut = (bytes: Uint8Array, length: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) => bytes.subarray(index * length, (index + 1) * length))

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** A WAV file whose header claims this many bytes of samples. */
export const wavOf = (samples: Int16Array, sampleRate: number, size?: number): Uint8Array => {
  const bytes = Wav.encode({ sampleRate, channels: [samples] })
  if (size !== undefined) {
    const view = new DataView(bytes.buffer)
    view.setUint32(4, size, true)
    view.setUint32(40, size, true)
  }
  return bytes
}

const spoken = (options: SpeechOptions, input: string): FakeHttpServer.Reply => {
  const rate = options.sampleRate ?? 24_000
  const samples = (options.sound ?? tone)(input, rate)
  const length = options.pieceBytes ?? Math.round(rate * 0.08) * 2
  const named: Record<string, string> = options.isRateSilent === true ? {} : { "x-sample-rate": String(rate) }
  const wav = (size?: number): FakeHttpServer.Reply => ({
    headers: { "content-type": "audio/wav" },
    pieces: cut(wavOf(samples, rate, size), length)
  })
  switch (options.dialect ?? "pcm") {
    case "pcm":
      return { headers: { "content-type": "audio/pcm", ...named }, pieces: cut(bytesOf(samples), length) }
    case "wav":
      return wav()
    case "openEnded":
      return wav(0)
    case "largest":
      return wav(0xffff_ffff)
    case "events":
      return {
        headers: { "content-type": "text/event-stream", ...named },
        pieces: [
          ...cut(bytesOf(samples), length).map((piece) =>
            `event: speech.audio.delta\n${event({ type: "speech.audio.delta", audio: Buffer.from(piece).toString("base64") })}`
          ),
          `event: speech.audio.done\n${event({ type: "speech.audio.done", usage: { total_tokens: 1 } })}`
        ]
      }
    case "speaches":
      return {
        headers: { "content-type": "text/event-stream", ...named },
        pieces: [
          ...cut(bytesOf(samples), length).map((piece) =>
            event({ type: "speech.audio.delta", audio: Buffer.from(piece).toString("base64") })
          ),
          event({ type: "speech.audio.done" })
        ]
      }
  }
}

interface ContextSegment {
  readonly sample_rate?: number
  readonly audio?: string
  readonly sha256?: string
}

export const speech = Effect.fnUntraced(function*(options: SpeechOptions = {}) {
  const asked: Array<Spoken> = []
  const kept = new Set<string>()
  const hashes: Record<string, string> = options.keepsSound === true ? { "x-context-hashes": "1" } : {}

  /** Keeps the sound that a context has. Gives the index of the first segment whose sound is unknown, or −1. */
  const unknownOf = (context: ReadonlyArray<ContextSegment>): number => {
    for (const { audio, sha256 } of context) {
      if (audio !== undefined && sha256 === hashOf(Buffer.from(audio, "base64"))) kept.add(sha256)
    }
    return context.findIndex(({ audio, sha256 }) => audio === undefined && !kept.has(sha256 ?? ""))
  }
  const rate = options.sampleRate ?? 24_000
  const pieceMillis = options.pieceBytes === undefined ? 80 : options.pieceBytes * 500 / rate
  const server = yield* serve(options, {
    path: "/v1/audio/speech",
    latency: () => ({ first: options.latency?.() ?? 0, each: (options.realTimeFactor ?? 0) * pieceMillis }),
    answer: ({ body: bytes, ...rest }) => {
      const exchange = { body: bytes, ...rest }
      const body = JSON.parse(bytes.toString()) as Record<string, unknown>
      const { input } = body
      if (typeof input !== "string" || input === "") return bad("input is required")
      asked.push({ exchange, input, body })
      const unknown = Object.keys(body).find((field) => options.refuses?.includes(field))
      if (unknown !== undefined) return bad(`Unknown parameter: '${unknown}'.`)
      const forgotten = options.keepsSound === true ? unknownOf((body.context ?? []) as ReadonlyArray<ContextSegment>) : -1
      if (forgotten >= 0) {
        return refusal(409, { error: { message: "The sound of a context segment is not known here any more. Send its audio again.", code: "unknown_audio", param: `context.${forgotten}.sha256` } })
      }
      const wrong = ((body.context ?? []) as ReadonlyArray<ContextSegment>).findIndex(({ sample_rate = 24_000 }) => sample_rate !== 8000 && sample_rate !== 24_000)
      if (wrong >= 0) return refusal(422, { error: { message: "sample_rate is 8000 or 24000", param: `context.${wrong}.sample_rate` } })
      if (options.lacksPcm !== undefined && body.response_format !== "wav") {
        return options.lacksPcm === "refuses"
          ? bad("response_format: Input should be 'mp3', 'opus', 'flac' or 'wav'")
          : { headers: { "content-type": "audio/pcm" }, pieces: cut(mp3, 500) }
      }
      const answer = spoken(options.lacksPcm === undefined ? options : { ...options, dialect: "wav" }, input)
      if (options.keepsSound === true) kept.add(hashOf(bytesOf((options.sound ?? tone)(input, rate))))
      return { ...answer, headers: { ...answer.headers, ...hashes } }
    }
  }, options.voices === undefined ? {} : { "/v1/audio/voices": () => ({ ...json({ voices: options.voices }), headers: { "content-type": "application/json", ...hashes } }) })
  return { ...server, asked, forget: () => kept.clear() }
})
