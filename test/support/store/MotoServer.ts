/**
 * An S3-compatible store for tests: moto's server, from PyPI. It runs in the Python of `MOTO_PYTHON`, or in a virtual environment that is
 * made for it. A proxy in front of it can refuse requests, or leave them without an answer.
 */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { AwsClient } from "aws4fetch"
import { Context, Effect, FileSystem, Layer, Schedule } from "effect"
import { HttpClient } from "effect/http"
import { execFileSync, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"

const version = "5.2.5"

/** The path of a Python that has moto. It is made once for all test files of this machine. */
const python = (): string => {
  if (process.env.MOTO_PYTHON !== undefined) return process.env.MOTO_PYTHON
  const folder = join(tmpdir(), `client-caller-moto-${version}`)
  const program = join(folder, "bin", "python")
  if (!existsSync(join(folder, "ready"))) {
    execFileSync("python3", ["-m", "venv", "--clear", folder])
    execFileSync(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `moto[server]==${version}`], { stdio: "pipe" })
    execFileSync("touch", [join(folder, "ready")])
  }
  return program
}

export type Mood = "good" | "busy" | "silent" | "old" | "older" | "careless" | "racing"

export class MotoServer extends Context.Service<MotoServer, {
  /** The variables of a new bucket. */
  readonly bucket: (name: string) => Effect.Effect<Record<string, string>>
  /** The objects of a bucket: their names and sizes. */
  readonly objects: (name: string) => Effect.Effect<ReadonlyArray<string>>
  /** Deletes an object, as somebody else would. */
  readonly remove: (bucket: string, name: string) => Effect.Effect<void>
  /**
   * `busy`: every request is answered with 503; `silent`: none is answered. Stores without conditional writes: `old` answers them with 501,
   * `older` with 400, `careless` ignores the condition. `racing`: the next `HEAD` is answered with 404, as before another process's upload.
   */
  readonly mood: (mood: Mood) => Effect.Effect<void>
  /** How many requests came so far. */
  readonly requests: () => number
  /** How many objects were sent so far. */
  readonly puts: () => number
}>()("test/store/MotoServer") {
  static readonly layer = Layer.effect(MotoServer, Effect.suspend(() => make)).pipe(Layer.provide([NodeServices.layer, NodeHttpClient.layerUndici]))
}

const listen = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
  )

const freePort = Effect.scoped(Effect.suspend(() => listen(createServer())))

const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const client = yield* HttpClient.HttpClient
  const port = yield* freePort
  const cwd = yield* fs.makeTempDirectoryScoped()
  const program = python()
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(program, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { cwd, stdio: "ignore" })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  yield* client.get(`http://127.0.0.1:${port}/moto-api/`).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 300 }))

  let mood: Mood = "good"
  let requests = 0
  let puts = 0
  let wasHidden = false
  const onRequest = (incoming: IncomingMessage, answer: ServerResponse): void => {
    requests++
    if (incoming.method === "PUT") puts++
    if (mood === "silent") return void incoming.resume()
    if (mood === "busy") {
      incoming.resume()
      return void answer.writeHead(503).end("<Error><Code>SlowDown</Code></Error>")
    }
    const { headers, method, url } = incoming
    if (headers["if-none-match"] !== undefined && (mood === "old" || mood === "older")) {
      incoming.resume()
      return void answer.writeHead(mood === "old" ? 501 : 400).end("<Error><Code>NotImplemented</Code></Error>")
    }
    if (mood === "racing" && method === "HEAD" && !wasHidden) {
      wasHidden = true
      return void answer.writeHead(404).end()
    }
    if (mood === "careless") delete headers["if-none-match"]
    const forwarded = request({ port, host: "127.0.0.1", method, path: url, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers)
      from.pipe(answer)
    })
    forwarded.on("error", () => answer.destroy())
    incoming.pipe(forwarded)
  }
  const endpoint = `http://127.0.0.1:${yield* listen(createServer(onRequest))}`
  const keys = { S3_ACCESS_KEY_ID: "test-id", S3_SECRET_ACCESS_KEY: "test-secret" }
  const direct = new AwsClient({ accessKeyId: keys.S3_ACCESS_KEY_ID, secretAccessKey: keys.S3_SECRET_ACCESS_KEY, service: "s3", region: "us-east-1", retries: 0 })
  const ask = (path: string, method: string) => Effect.promise(async () => (await direct.fetch(`http://127.0.0.1:${port}/${path}`, { method })).text())

  return MotoServer.of({
    bucket: (name) => Effect.as(ask(name, "PUT"), { ...keys, S3_ENDPOINT: endpoint, S3_BUCKET: name }),
    objects: (name) =>
      Effect.map(ask(`${name}?list-type=2`, "GET"), (text) =>
        Array.from(text.matchAll(/<Key>([^<]*)<\/Key>.*?<Size>(\d+)<\/Size>/gs), ([, key, size]) => `${key} ${size}`)),
    remove: (bucket, name) => Effect.asVoid(ask(`${bucket}/${name}`, "DELETE")),
    mood: (next) =>
      Effect.sync(() => {
        mood = next
        wasHidden = false
      }),
    puts: () => puts,
    requests: () => requests
  })
})
