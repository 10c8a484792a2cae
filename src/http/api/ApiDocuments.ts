/**
 * The documentation page and the OpenAPI document: made and compressed once at the start, and sent with an `ETag`.
 *
 * The page has 1.5 MB. A page that is made for each request would be kept in memory for each client that does not read it.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiSwagger, OpenApi } from "effect/http-api"
import { createHash } from "node:crypto"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Api } from "./Api.ts"

export const paths = ["/docs", "/openapi.json"] as const

interface Document {
  readonly contentType: string
  /** The body in each content coding. `identity` is there from the start. The others are added when they are compressed. */
  readonly bodies: Map<string, Buffer>
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

/** The content codings in the order of our preference. */
const codings = ["br", "gzip"] as const

const compress = {
  br: (body: Buffer, done: (error: Error | null, result: Buffer) => void) =>
    brotliCompress(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }, done),
  gzip: (body: Buffer, done: (error: Error | null, result: Buffer) => void) => gzip(body, done)
}

/** Compresses in Node's own threads, one coding after the other. A body that can't be compressed is sent uncompressed. */
const addCompressedBodies = ({ bodies }: Document) =>
  Effect.forEach(codings, (coding) =>
    Effect.callback<void>((resume) => {
      compress[coding](bodies.get("identity")!, (error, result) => {
        if (error === null) bodies.set(coding, result)
        resume(Effect.void)
      })
    }), { discard: true })

const digest = (text: string | Buffer) => createHash("sha256").update(text).digest("base64")

const makeDocument = (contentType: string, text: string, headers: Readonly<Record<string, string>> = {}): Document => {
  const body = Buffer.from(text)
  return { contentType, bodies: new Map([["identity", body]]), etag: digest(body).slice(0, 22), headers }
}

/** How many items of a request's header are read. A client could send thousands. */
const maxHeaderItems = 16

/** The first coding that we have and the client accepts. The client's weights (`q`) are ignored, except 0, which excludes a coding. */
const codingFor = (accepted: string, { bodies }: Document): string => {
  const items = accepted.toLowerCase().split(",", maxHeaderItems).map((item) => item.trim())
  return codings.find((coding) =>
    bodies.has(coding) && items.some((item) => item.split(";", 1)[0].trim() === coding && !/;\s*q=0(?:\.0*)?$/.test(item))) ?? "identity"
}

const answer = (document: Document) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const coding = codingFor(headers["accept-encoding"] ?? "", document)
    const etag = `"${document.etag}${coding === "identity" ? "" : `-${coding}`}"`
    const common = { ...document.headers, etag, vary: "accept-encoding", "cache-control": "no-cache" }
    const known = new Set((headers["if-none-match"] ?? "").split(",", maxHeaderItems).map((item) => item.trim().replace(/^W\//, "")))
    if (known.has(etag) || known.has("*")) return HttpServerResponse.empty({ status: 304, headers: common })
    return HttpServerResponse.uint8Array(document.bodies.get(coding)!, {
      contentType: document.contentType,
      headers: { ...common, ...(coding === "identity" ? {} : { "content-encoding": coding }) }
    })
  })

/** The page's Content-Security-Policy: its own scripts and styles, and requests to this service. */
const pagePolicy = (html: string): string => {
  const scripts = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script]) => `'sha256-${digest(script)}'`)
  return [
    "default-src 'none'",
    `script-src ${scripts.join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
}

/** The page that Effect's Swagger layer makes, captured from the route that the layer adds. */
const makePage = Effect.gen(function*() {
  const router = yield* HttpRouter.make
  let page: Effect.Effect<HttpServerResponse.HttpServerResponse> | undefined
  const capture = {
    ...router,
    add: (_method: string, _path: string, handler: typeof page) => Effect.sync(() => void (page = handler))
  } as unknown as HttpRouter.HttpRouter
  yield* Effect.scoped(Layer.build(Layer.provide(HttpApiSwagger.layer(Api), Layer.succeed(HttpRouter.HttpRouter, capture))))
  const { body } = yield* page!
  return body._tag === "Uint8Array" ? Buffer.from(body.body).toString() : ""
})

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const html = yield* makePage
  const page = makeDocument("text/html; charset=utf-8", html, { "content-security-policy": pagePolicy(html) })
  const openApi = makeDocument("application/json", JSON.stringify(OpenApi.fromApi(Api)))
  yield* router.add("GET", "/docs", answer(page))
  yield* router.add("GET", "/openapi.json", answer(openApi))
  yield* Effect.forkScoped(Effect.andThen(addCompressedBodies(openApi), addCompressedBodies(page)))
}))
