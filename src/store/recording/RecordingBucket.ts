/**
 * A bucket of an S3-compatible store. `aws4fetch` signs the requests (Signature Version 4), and Effect's HTTP client sends them. Bodies are
 * streams, so no whole recording is in memory. Bodies are not signed, so the store should be used over https.
 *
 * A request that takes too long fails. Its caller tries again.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { AwsV4Signer } from "aws4fetch"
import { Context, Data, Duration, Effect, Layer, Option, type PlatformError, Redacted, Stream } from "effect"
import { HttpBody, HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { AppConfig } from "../../config/AppConfig.ts"
import type { BucketSettings } from "../../config/variables/RecordingVariables.ts"
import * as SealedFormat from "./SealedFormat.ts"

/** The bucket refused a request or did not answer. */
export class BucketFailed extends Data.TaggedError("BucketFailed")<{
  readonly operation: "put" | "get" | "head" | "list" | "remove"
  /** The HTTP status. Unset: there was no answer. */
  readonly status?: number
  readonly cause?: unknown
}> {
  override get message() {
    return `The bucket of recordings ${this.status === undefined ? "does not answer" : `answered ${this.status}`}. Check S3_ENDPOINT, S3_BUCKET and the access key.`
  }
}

/** How long a request waits for the status and the headers of the answer. */
const answerTimeout = Duration.seconds(15)

/** How long a transfer waits for the next piece of the body. */
const pieceTimeout = Duration.seconds(15)

/** An upload that is slower than this fails. */
const slowestBytesPerSecond = 64 * 1024

const connectTimeoutMillis = 5000

export interface Bucket {
  /**
   * Writes an object of `size` bytes, unless there is an object of this name. Two writes at the same moment replace each other only in a
   * store that does not know conditional writes.
   */
  readonly put: (name: string, size: number, content: Stream.Stream<Uint8Array, PlatformError.PlatformError>) => Effect.Effect<"written" | "exists", BucketFailed>
  /** The bytes of an object from `from` to before `to`. */
  readonly get: (name: string, from: number, to: number) => Stream.Stream<Uint8Array, BucketFailed>
  /** An object's size in bytes. `None`: there is no such object. */
  readonly sizeOf: (name: string) => Effect.Effect<Option.Option<number>, BucketFailed>
  /** The names of objects that begin with `nameStart`, at most a thousand. */
  readonly list: (nameStart: string) => Effect.Effect<ReadonlyArray<string>, BucketFailed>
  /** Succeeds even if there is no such object. */
  readonly remove: (name: string) => Effect.Effect<void, BucketFailed>
}

/** `None`: no bucket is set. */
export class RecordingBucket extends Context.Service<RecordingBucket, Option.Option<Bucket>>()("client-caller/store/recording/RecordingBucket") {
  static readonly layer = Layer.effect(
    RecordingBucket,
    Effect.gen(function*() {
      const { recording } = yield* AppConfig
      if (Option.isNone(recording.bucket)) return Option.none()
      const client = HttpClient.transformResponse(yield* NodeHttpClient.makeUndici, Effect.provideService(HttpClient.TracerDisabledWhen, () => true))
      return Option.some(make(recording.bucket.value, client))
    })
  ).pipe(Layer.provide(NodeHttpClient.layerDispatcherOptions({ pipelining: 1, connect: { timeout: connectTimeoutMillis } })))
}

type Method = "PUT" | "GET" | "HEAD" | "DELETE"

/** The header that permits only a new object (RFC 9110, section 13.1.2). Stores that know the header answer 412 if the object exists. */
const onlyNew = { "if-none-match": "*" }

/** The answers of stores that do not know conditional writes. 400 has other causes, too. */
const isUnknownCondition = (status: number) => status === 400 || status === 501

const operations = { PUT: "put", GET: "get", HEAD: "head", DELETE: "remove" } as const

const make = (settings: BucketSettings, client: HttpClient.HttpClient): Bucket => {
  const { accessKeyId, prefix, region, secretAccessKey, url } = settings
  const fullName = (name: string) => `${prefix}${name}`
  const urlOf = (name: string) => `${url}/${fullName(name).split("/").map(encodeURIComponent).join("/")}`

  const sign = (method: Method, url: string, headers: Record<string, string>) =>
    Effect.tryPromise({
      try: () => new AwsV4Signer({ method, url, headers, service: "s3", region, accessKeyId, secretAccessKey: Redacted.value(secretAccessKey) }).sign(),
      catch: (cause) => new BucketFailed({ operation: operations[method], cause })
    })

  const send = (method: Method, url: string, options: { readonly headers?: Record<string, string>; readonly body?: HttpBody.HttpBody; readonly within?: Duration.Duration } = {}) =>
    Effect.gen(function*() {
      const failed = (cause: unknown) => new BucketFailed({ operation: operations[method], cause })
      const signed = yield* sign(method, url, options.headers ?? {})
      const request = HttpClientRequest.make(method)(signed.url, {
        headers: Object.fromEntries(signed.headers),
        ...(options.body === undefined ? {} : { body: options.body })
      })
      return yield* client.execute(request).pipe(
        Effect.mapError(failed),
        Effect.timeoutOrElse({ duration: options.within ?? answerTimeout, orElse: () => Effect.fail(failed("it took too long")) })
      )
    })

  const check = (method: Method, { status }: HttpClientResponse.HttpClientResponse, isExpected: (status: number) => boolean) =>
    isExpected(status) ? Effect.void : Effect.fail(new BucketFailed({ operation: operations[method], status }))
  const isSuccess = (status: number) => status >= 200 && status < 300

  /** Whether the store may know conditional writes. */
  let isConditional = true

  const sizeOf: Bucket["sizeOf"] = Effect.fnUntraced(function*(name) {
    const response = yield* send("HEAD", urlOf(name))
    if (response.status === 404) return Option.none()
    yield* check("HEAD", response, isSuccess)
    return Option.some(Number(response.headers["content-length"] ?? 0))
  })

  return {
    put: Effect.fnUntraced(function*(name, size, content) {
      // The question saves a needless upload. It also protects the object in a store that refuses or ignores the header.
      if (Option.isSome(yield* sizeOf(name))) return "exists"
      const within = Duration.sum(answerTimeout, Duration.seconds(size / slowestBytesPerSecond))
      const body = HttpBody.stream(content, SealedFormat.isSealed(name) ? "application/octet-stream" : "audio/wav", size)
      const write = (headers: Record<string, string>) => send("PUT", urlOf(name), { headers, body, within })
      const conditional = isConditional ? yield* write(onlyNew) : undefined
      if (conditional?.status === 412) return "exists"
      const isRefused = conditional !== undefined && isUnknownCondition(conditional.status)
      const response = conditional === undefined || isRefused ? yield* write({}) : conditional
      yield* check("PUT", response, isSuccess)
      if (isRefused) isConditional = false
      return "written"
    }),
    get: (name, from, to) =>
      Stream.unwrap(Effect.gen(function*() {
        const response = yield* send("GET", urlOf(name), { headers: { range: `bytes=${from}-${to - 1}` } })
        yield* check("GET", response, (status) => status === 206)
        return response.stream.pipe(
          Stream.mapError((cause) => new BucketFailed({ operation: "get", cause })),
          Stream.timeoutOrElse({ duration: pieceTimeout, orElse: () => Stream.fail(new BucketFailed({ operation: "get", cause: "the answer's body stopped" })) })
        )
      })),
    sizeOf,
    list: Effect.fnUntraced(function*(nameStart) {
      const response = yield* send("GET", `${url}?list-type=2&prefix=${encodeURIComponent(fullName(nameStart))}`)
      yield* check("GET", response, isSuccess)
      const text = yield* Effect.mapError(response.text, (cause) => new BucketFailed({ operation: "list", cause }))
      // A key is the configured prefix and the name of a recording's file. The name has no characters that XML escapes.
      return Array.from(text.matchAll(/<Key>([^<]*)<\/Key>/g), ([, key]) => key.slice(key.lastIndexOf(nameStart)))
    }),
    remove: Effect.fnUntraced(function*(name) {
      const response = yield* send("DELETE", urlOf(name))
      yield* check("DELETE", response, (status) => isSuccess(status) || status === 404)
    })
  }
}
