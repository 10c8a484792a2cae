/**
 * Speech by any server with `POST /audio/speech`: Sesame CSM, Kokoro, speaches, vLLM-Omni, OpenAI.
 *
 * They differ in what they take and in how they send sound, so a request begins with all that helps and leaves out
 * what the server refuses; and an answer is read by its own bytes. A server that has no PCM, or sends something else for
 * it, is asked for WAV. Sound is passed on as it comes. An agent's fixed
 * lines are kept in memory, so that they are there when the server is not.
 */
import { createHash } from "node:crypto"
import { Array as Arr, Cause, Effect, Layer, Option, Pull, Result, Schema, type Scope, Stream } from "effect"
import { Base64 } from "effect/encoding"
import { HttpBody, type HttpClient } from "effect/http"
import * as Pcm from "../../../audio/Pcm.ts"
import * as Resampler from "../../../audio/resample/Resampler.ts"
import type { EngineSettings } from "../../../config/EngineSettings.ts"
import { EngineFailed } from "../../../conversation/ports/Engine.ts"
import { millisOf, type SpeechChunk, type SpeechRequest, type SpokenTurn, TextToSpeech } from "../../../conversation/ports/TextToSpeech.ts"
import * as OpenAiClient from "../client/OpenAiClient.ts"
import * as RawPcmFormat from "./RawPcmFormat.ts"
import * as SpeechBody from "./SpeechBody.ts"
import * as Sse from "../client/Sse.ts"

export interface Options {
  /** Whether the server takes the sound of what was said before. Default: where the model's name holds "csm". */
  readonly takesContext?: boolean
}

/**
 * ms of the conversation before; CSM has room for 160 s, but each second of it is 64 KB in a request: in every one, unless
 * the server keeps sound by its hash as ours does (docs/adr/0008).
 */
const contextMillis = 10_000

/**
 * Told by a server that takes sound of 8 kHz too and keeps by its hash what it was sent and what it has said, so that of
 * the caller's it need be sent once, and of its own not at all: deploy/engines/csm.
 */
const hashesHeader = "x-context-hashes"

/** Hashes that are remembered of what such a server has, the newest: some hours of speech. */
const hashesKept = 10_000

/** Samples of fixed lines that are kept at most: 64 MB, 22 minutes at 24 kHz. */
const cacheLimit = 32_000_000

/** Lines that are made at once. */
const linesAtOnce = 4

/** ms that the start waits for a server's voices. */
const voicesTimeout = 2000

/** ms of sound: CSM does not always know its end, so it is told the longest that a text may take. Digits are words. */
const longest = (text: string): number => {
  const digits = text.match(/[\p{N}\p{S}]/gu)?.length ?? 0
  return 2000 + 120 * text.length + 480 * digits
}

/** In the order in which they are left out. Without `pcm` the sound is asked for as WAV. */
const optional = ["context", "stream", "streamFormat", "pcm"] as const
type Optional = typeof optional[number]

/** Words of a refusal that is about the format of the sound, and not about any other field. */
const namesFormat = /response_?format|\bpcm\b/i

const Spoken = Schema.Struct({ audio: Schema.String, response_format: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const Other = Schema.Struct({ type: Schema.String })

const Voices = Schema.Struct({
  voices: Schema.Array(Schema.Union([
    Schema.String,
    Schema.Struct({ id: Schema.String }),
    Schema.Struct({ voice_id: Schema.String }),
    Schema.Struct({ name: Schema.String })
  ]))
})
const decodeVoices = Schema.decodeUnknownOption(Voices)

const failed = (reason: EngineFailed["reason"], advice: string) => new EngineFailed({ stage: "textToSpeech", reason, advice })

const noSound = failed("empty", "The speech engine answered without sound. Look into its log, and check TTS_MODEL and TTS_VOICE.")

const cutSound = failed("broken", "The speech engine broke off before its first sound. Look into its log.")

const badEvent = failed("broken", "The speech engine answered sound that can't be read. Look into its log.")

/** A turn's sound in one piece: read before the next one's is made, so all calls share it. */
let work = Buffer.alloc(0)

/** The sound of a turn as it is sent, at this rate; good until the next one's. */
const soundBytes = ({ sampleRate, sound }: SpokenTurn, rate: Pcm.SampleRate): Buffer => {
  const resampler = Resampler.make<Pcm.SampleRate, Pcm.SampleRate>(sampleRate, rate)
  let length = 0
  for (const piece of sound) {
    const samples = resampler.process(piece)
    if (work.length < length + samples.byteLength) {
      const larger = Buffer.alloc(2 * (length + samples.byteLength))
      larger.set(work.subarray(0, length))
      work = larger
    }
    Pcm.writeBytes(samples, work, length)
    length += samples.byteLength
  }
  return work.subarray(0, length)
}

/** A turn as it stands in the body of a request, as JSON. */
interface Part {
  readonly speaker: string
  /** With its sound, as UTF-8. */
  readonly whole: () => Uint8Array
  /** With nothing but the sound's hash; only for a server that keeps sound. */
  readonly short: { readonly hash: string; readonly json: string } | undefined
}

/**
 * Pieces of JSON in one, as UTF-8. Sound is put in as bytes, or as the one string that it is made of: as text it would be
 * copied with each brace around it, and lie in the heap for as long as the request.
 */
const joined = (pieces: ReadonlyArray<string | Uint8Array>): Uint8Array => {
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0))
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === "string") at += bytes.write(piece, at)
    else {
      bytes.set(piece, at)
      at += piece.length
    }
  }
  return bytes
}

/** An object as JSON, with a member at its end whose value is JSON already. */
const withMember = (object: string, name: string, value: ReadonlyArray<string | Uint8Array>): Uint8Array =>
  joined([object.slice(0, -1), `,"${name}":`, ...value, "}"])

/** The newest turns that fit, oldest first. */
const recent = (turns: ReadonlyArray<SpokenTurn>): ReadonlyArray<SpokenTurn> => {
  let millis = 0
  let from = turns.length
  while (from > 0) {
    millis += millisOf(turns[from - 1])
    if (millis > contextMillis) break
    from--
  }
  return turns.slice(from)
}

export const make = Effect.fnUntraced(function*(
  settings: EngineSettings,
  options: Options = {}
): Effect.fn.Return<TextToSpeech["Service"], never, HttpClient.HttpClient | Scope.Scope> {
  const endpoint = yield* OpenAiClient.make("textToSpeech", settings)
  const events = Sse.decoder(endpoint, Schema.Union([Spoken, Other]))
  const configuredRate = settings.sampleRate ?? 24_000
  const encoded = new WeakMap<SpokenTurn, Part>()
  /** Whether the server keeps sound by its hash. */
  let keepsSound = false
  /** The hashes of the sound that it has then, the newest last. */
  const known = new Set<string>()
  const lines = new Map<string, ReadonlyArray<SpeechChunk>>()
  let kept = 0
  /** What this server was seen to take or to refuse. */
  const taken = new Map<Optional, boolean>()
  /** Whether an answer was sound that could be read. */
  let hasSpoken = false

  const noteKnown = (hash: string) => {
    known.delete(hash)
    known.add(hash)
    for (const oldest of known) {
      if (known.size <= hashesKept) break
      known.delete(oldest)
    }
  }

  const noteHashes = ({ headers }: OpenAiClient.Answer) => {
    keepsSound = headers[hashesHeader] !== undefined
  }

  const told = yield* Effect.all({
    voices: endpoint.get("/audio/voices").pipe(
      Effect.tap((answer) => Effect.sync(() => noteHashes(answer))),
      Effect.flatMap(OpenAiClient.json(endpoint, decodeVoices)),
      Effect.map(({ voices }) =>
        voices.map((voice) =>
          typeof voice === "string" ? voice : "id" in voice ? voice.id : "voice_id" in voice ? voice.voice_id : voice.name
        )
      ),
      Effect.scoped,
      // Most servers can't tell.
      Effect.orElseSucceed((): ReadonlyArray<string> => [])
    ),
    model: Option.isSome(settings.model) ? Effect.as(endpoint.warm(), settings.model) : endpoint.model
  }, { concurrency: 2 }).pipe(
    Effect.timeoutOrElse({
      duration: voicesTimeout,
      orElse: () => Effect.succeed({ voices: [] as ReadonlyArray<string>, model: settings.model })
    })
  )
  const takesContext = options.takesContext ?? Option.exists(told.model, (model) => /csm/i.test(model))
  if (!takesContext) taken.set("context", false)

  /** Several requests have a turn: its sound is looked through once. */
  const partOf = (turn: SpokenTurn, speaker: string): Part => {
    const before = encoded.get(turn)
    if (before?.speaker === speaker && (before.short !== undefined) === keepsSound) return before
    const part = keepsSound ? shortOf(turn, speaker) : longOf(turn, speaker)
    encoded.set(turn, part)
    return part
  }

  /** Effect's own base64 is a loop; a turn has up to half a megabyte. */
  const withSound = (said: string, turn: SpokenTurn, rate: Pcm.SampleRate): Uint8Array =>
    withMember(said, "audio", ["\"", soundBytes(turn, rate).toString("base64"), "\""])

  const shortOf = (turn: SpokenTurn, speaker: string): Part => {
    const rate = turn.sampleRate === 8000 ? 8000 : 24_000
    const hash = createHash("sha256").update(soundBytes(turn, rate)).digest("hex")
    const json = JSON.stringify({ speaker, text: turn.text, ...(rate === 8000 ? { sample_rate: rate } : {}), sha256: hash })
    // Asked for once as a rule, so it is not kept.
    return { speaker, whole: () => withSound(json, turn, rate), short: { hash, json } }
  }

  const longOf = (turn: SpokenTurn, speaker: string): Part => {
    const json = withSound(JSON.stringify({ speaker, text: turn.text }), turn, 24_000)
    return { speaker, whole: () => json, short: undefined }
  }

  const bodyOf = (request: SpeechRequest, model: Option.Option<string>, parts: ReadonlyArray<Optional>): HttpBody.HttpBody => {
    const voice = Option.orElse(Option.fromUndefinedOr(request.voice), () => settings.voice)
    const speaker = Option.getOrElse(voice, () => "0")
    const body = {
      ...(Option.isSome(model) ? { model: model.value } : {}),
      input: request.text,
      ...(Option.isSome(voice) ? { voice: voice.value } : {}),
      response_format: parts.includes("pcm") ? "pcm" : "wav",
      ...(parts.includes("stream") ? { stream: true } : {}),
      ...(parts.includes("streamFormat") ? { stream_format: "audio" } : {}),
      ...(parts.includes("context") ? { max_audio_ms: longest(request.text) } : {})
    }
    if (!parts.includes("context")) return HttpBody.jsonUnsafe(body)
    const context = recent(request.context ?? []).map((turn) => {
      const { short, whole } = partOf(turn, turn.role === "agent" ? speaker : speaker === "1" ? "0" : "1")
      return short !== undefined && known.has(short.hash) ? short.json : whole()
    })
    return HttpBody.uint8Array(
      withMember(JSON.stringify(body), "context", ["[", ...Arr.intersperse(context, ","), "]"]),
      "application/json"
    )
  }

  /** The server has this context now. */
  const noteContext = (turns: ReadonlyArray<SpokenTurn>) => {
    for (const turn of recent(turns)) {
      const hash = encoded.get(turn)?.short?.hash
      if (hash !== undefined) noteKnown(hash)
    }
  }

  /** Asks with all that the server may take; each refusal leaves out one thing that it was not yet seen to take. */
  const ask = Effect.fnUntraced(function*(request: SpeechRequest): Effect.fn.Return<OpenAiClient.Answer, EngineFailed, Scope.Scope> {
    const model = yield* endpoint.model
    let parts: ReadonlyArray<Optional> = optional.filter((part) => taken.get(part) !== false)
    const post = (parts: ReadonlyArray<Optional>) =>
      Effect.suspend(() =>
        endpoint.post("/audio/speech", bodyOf(request, model, parts), { accept: "audio/pcm, audio/wav, text/event-stream" })
      ).pipe(
        // The server has forgotten some sound, or is another one: all is sent again.
        Effect.retry({
          times: 1,
          while: (error) => {
            if (!keepsSound || !OpenAiClient.isConflict(error)) return false
            known.clear()
            return true
          }
        })
      )
    while (true) {
      const doubts = parts.filter((part) => taken.get(part) === undefined)
      let doubtful = doubts.at(0)
      const answer = yield* Effect.map(post(parts), Option.some).pipe(
        Effect.catchIf(
          (error) => doubtful !== undefined && OpenAiClient.isNotTaken(error),
          (error) => {
            if (doubts.includes("pcm") && OpenAiClient.isAbout(error, namesFormat)) doubtful = "pcm"
            return Effect.succeedNone
          }
        )
      )
      if (Option.isSome(answer)) {
        for (const part of optional) {
          if (!taken.has(part)) taken.set(part, parts.includes(part))
        }
        if (keepsSound && parts.includes("context")) noteContext(request.context ?? [])
        noteHashes(answer.value)
        return answer.value
      }
      parts = parts.filter((part) => part !== doubtful)
    }
  })

  const fault = ({ advice, reason, text }: SpeechBody.Fault, sent: string): EngineFailed =>
    text === undefined || text.trimStart().startsWith("<")
      ? failed(reason, advice)
      : OpenAiClient.refusal({ stage: "textToSpeech", url: settings.url, status: 0, body: OpenAiClient.parsed(text), sent })

  /** The bytes of sound in an answer, without the events around them. */
  const bytesOf = (answer: OpenAiClient.Answer, sent: string): Stream.Stream<Uint8Array, EngineFailed | SpeechBody.Fault> =>
    answer.contentType !== "text/event-stream" ? answer.body : events(answer, sent).pipe(
      Stream.mapEffect((event): Effect.Effect<Uint8Array, EngineFailed | SpeechBody.Fault> => {
        if (!("audio" in event)) return event.type.endsWith("error") ? Effect.fail(badEvent) : Effect.succeed(new Uint8Array(0))
        const format = event.response_format ?? "pcm"
        if (format !== "pcm" && format !== "wav") return Effect.fail(SpeechBody.compressed(format))
        return Effect.mapError(Effect.fromResult(Base64.decode(event.audio)), () => badEvent)
      })
    )

  const soundOf = (request: SpeechRequest): Stream.Stream<SpeechChunk, EngineFailed | SpeechBody.Fault> =>
    Stream.unwrap(Effect.map(ask(request), (answer) => {
      const isEvents = answer.contentType === "text/event-stream"
      const raw = RawPcmFormat.read({ contentType: isEvents ? "audio/pcm" : answer.contentType, headers: answer.headers }, configuredRate)
      return Stream.transformPull(bytesOf(answer, request.text), (pull) => Effect.sync(() => chunksOf(pull, raw, request.text)))
    }))

  const synthesise = (request: SpeechRequest): Stream.Stream<SpeechChunk, EngineFailed> =>
    soundOf(request).pipe(
      Stream.catch((error) => {
        if (error instanceof EngineFailed) return Stream.fail(error)
        // A fault comes before any sound, so the same can be asked for once more.
        const mayHaveWav = error.isCompressed === true && !hasSpoken && taken.get("pcm") !== false
        if (!mayHaveWav) return Stream.fail(fault(error, request.text))
        taken.set("pcm", false)
        return Stream.catch(soundOf(request), (again) => Stream.fail(again instanceof EngineFailed ? again : fault(again, request.text)))
      })
    )

  /** Pulls bytes and gives what of the sound is complete with them. */
  const chunksOf = <E>(
    pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, E>,
    raw: RawPcmFormat.RawPcmFormat,
    text: string
  ): Pull.Pull<Arr.NonEmptyReadonlyArray<SpeechChunk>, E | EngineFailed | SpeechBody.Fault> => {
    const reader = SpeechBody.make(raw)
    const hash = takesContext && keepsSound ? createHash("sha256") : undefined
    /** Twice, for a slow voice: what goes on then is noise, and is cut off. */
    const most = 2 * longest(text)
    let millis = 0
    let hasBytes = false
    let hasEnded = false

    const finish = Effect.suspend((): Pull.Pull<never, EngineFailed> => {
      if (millis === 0) return Effect.fail(hasBytes ? cutSound : noSound)
      if (hash !== undefined) noteKnown(hash.digest("hex"))
      return Cause.done()
    })

    /** The next bytes; none: the body has ended. */
    const bytes: Pull.Pull<ReadonlyArray<Uint8Array>, E> = Pull.catchDone(pull, () => {
      hasEnded = true
      return Effect.succeed<ReadonlyArray<Uint8Array>>([])
    })

    const take = (read: ReadonlyArray<SpeechChunk>, chunks: Array<SpeechChunk>) => {
      for (const chunk of read) {
        if (millis >= most) break
        millis += chunk.pcm.length * 1000 / chunk.sampleRate
        hash?.update(chunk.pcm)
        chunks.push(chunk)
      }
    }

    const next: Pull.Pull<Arr.NonEmptyReadonlyArray<SpeechChunk>, E | EngineFailed | SpeechBody.Fault> = Effect.suspend(() => {
      if (hasEnded) return finish
      // The server does not keep what was broken off.
      if (millis >= most) return Cause.done()
      return Effect.flatMap(bytes, (pieces) => {
        const chunks: Array<SpeechChunk> = []
        for (const piece of pieces) {
          hasBytes ||= piece.length > 0
          const read = reader.push(piece)
          if (Result.isFailure(read)) return Effect.fail(read.failure)
          take(read.success, chunks)
        }
        if (hasEnded) {
          const read = reader.end()
          if (Result.isFailure(read)) return Effect.fail(read.failure)
          take(read.success, chunks)
        }
        if (!Arr.isReadonlyArrayNonEmpty(chunks)) return next
        hasSpoken = true
        return Effect.succeed(chunks)
      })
    })
    return next
  }

  const isSound = ({ text }: SpeechRequest) => /[\p{L}\p{N}]/u.test(text)

  const keyOf = ({ language, text, voice = "" }: SpeechRequest) => `${voice}\n${language}\n${text}`

  const keep = (key: string, chunks: ReadonlyArray<SpeechChunk>) => {
    const lengthOf = (chunks: ReadonlyArray<SpeechChunk>) => chunks.reduce((sum, { pcm }) => sum + pcm.length, 0)
    lines.set(key, chunks)
    kept += lengthOf(chunks)
    for (const [oldest, chunks] of lines) {
      if (kept <= cacheLimit) break
      lines.delete(oldest)
      kept -= lengthOf(chunks)
    }
  }

  return TextToSpeech.of({
    isReady: (request) => lines.has(keyOf(request)),
    voices: told.voices,
    ...(takesContext ? { contextMillis } : {}),
    speak: (request) =>
      Stream.suspend(() => {
        if (!isSound(request)) return Stream.empty
        const line = lines.get(keyOf(request))
        return line === undefined ? synthesise(request) : Stream.fromArray(line)
      }),
    prepare: (requests) =>
      Effect.forEach(
        requests.filter((request) => isSound(request) && !lines.has(keyOf(request))),
        (request) => Effect.map(Stream.runCollect(synthesise(request)), (chunks) => keep(keyOf(request), chunks)),
        { concurrency: linesAtOnce, discard: true }
      )
  })
})

export const layer = (settings: EngineSettings, options?: Options): Layer.Layer<TextToSpeech, never, HttpClient.HttpClient> =>
  Layer.effect(TextToSpeech, make(settings, options))
