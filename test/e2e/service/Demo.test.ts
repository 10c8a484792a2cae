/** `npm run demo` as a process, with a running service and without one. */
import { join } from "node:path"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Process from "../../support/service/Process.ts"
import { apiKey, until } from "../../support/service/Service.ts"

const demo = Effect.fnUntraced(function*(options: Process.Options) {
  const { folder } = yield* Process.Build
  const started = yield* Process.start({ program: join(folder, "dist/simulator/cli/main.js"), ...options })
  const says = (text: string) =>
    until(`"${text}"`, Effect.sync(() => started.stdout() + started.stderr()), (output) => output.includes(text))
  return { ...started, says, own: () => /It listens at (\S+) after/.exec(started.stdout())?.[1] ?? "" }
})

/** A port on which nobody listens. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A program that is not a service. */
const otherProgram = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer((_, response) => response.writeHead(404).end("Not found")).listen(0, "127.0.0.1", () =>
      resume(Effect.succeed({ port: (server.address() as AddressInfo).port, close: () => void server.close() })))
  }),
  ({ close }) => Effect.sync(close)
)

const answers = (url: string) => Effect.promise(() => fetch(`${url}/health`).then(({ status }) => status === 200, () => false))

const isGone = (url: string) => until("the service's end", answers(url), (is) => !is)

const short = ["--polite", "--say", "Where are you?", "--say", "Goodbye"]

layer(Process.layer, { excludeTestServices: true, timeout: "60 seconds" })("the demo", (it) => {
  it.effect("starts a service if there is none, says so, holds a conversation in order of time, and ends the service", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      const port = yield* freePort
      const { ended, own, stderr, stdout } = yield* demo({ cwd, words: short, env: { SERVER_PORT: `${port}` } })
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, stdout() + stderr())
      const lines = stdout().split("\n")
      assert.match(lines[0], new RegExp(`^Nobody answers at http://127.0.0.1:${port}: the demo starts a service of its own`))
      assert.strictEqual(lines.findLast((line) => line !== ""), "The demo's own service has ended.")
      assert.isFalse(yield* answers(own()))
      assert.isTrue(yield* fs.exists(join(cwd, "conversation.wav")))
      // Its account and key are in the data folder, for the next one.
      assert.isTrue(yield* fs.exists(join(cwd, "data/local-account.json")))
      assert.notInclude(stdout() + stderr(), (yield* fs.readFileString(join(cwd, "data/api-key"))).trim())

      const published = lines.flatMap((line) => {
        const parts = /^ *(\d+\.\d{3}) s {2}(.*)$/.exec(line)
        return parts === null ? [] : [{ at: Number(parts[1]), text: parts[2].replace(/ +/, " ") }]
      })
      assert.deepStrictEqual(published.map(({ at }) => at), published.map(({ at }) => at).toSorted((a, b) => a - b))
      assert.deepStrictEqual(published.map(({ text }) => text.replace(/^(turn \d).*/, "$1")), [
        "agent Maple Dental, good day. How can I help you?",
        "caller where are you",
        "agent We are at twenty Maple Street.",
        "turn 1",
        "agent It is beside the library.",
        "caller goodbye",
        "agent Thank you for calling.",
        "turn 2",
        "agent Goodbye.",
        "ended: goodbye"
      ])
      // Each line of the agent's begins when the previous one has been heard.
      const [street, library] = published.filter(({ text }) => /Street|library/.test(text)).map(({ at }) => at)
      assert.isAbove(library - street, 1)
    }).pipe(Effect.scoped), 120_000)

  it.effect("loses its stream in mid-call, goes on with another, and shows how long the caller heard nothing", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const words = [...short, "--faults", "sudden-close@1500"]
      const { ended, stderr, stdout } = yield* demo({ words, env: { SERVER_PORT: `${port}` } })
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, stdout() + stderr())
      const lost = stdout().indexOf("the stream is lost")
      const resumed = stdout().indexOf("agent    Sorry, we were cut off.")
      assert.isTrue(lost > 0 && resumed > lost, stdout())
      assert.include(stdout(), "caller   where are you")
      assert.match(stdout(), /^The stream was lost at \d+\.\d s: +\d+ ms without a sound, \d+ ms of them after the loss$/m)
    }).pipe(Effect.scoped), 120_000)

  it.effect("refuses two fallbacks, and one that can't be read", () =>
    Effect.gen(function*() {
      const both = yield* demo({ words: ["--service", "http://127.0.0.1:9", "--fallback-url", "bin", "--bin", "package.json"], cwd: (yield* Process.Build).folder })
      assert.strictEqual((yield* both.ended).code, 1)
      assert.include(both.stderr(), "--fallback-url and --bin both name the fallback")
      const missing = yield* demo({ words: ["--bin", "no-such-file.xml"] })
      assert.notStrictEqual((yield* missing.ended).code, 0)
      assert.include(missing.stdout() + missing.stderr(), "no-such-file.xml")
    }).pipe(Effect.scoped), 60_000)

  it.effect("uses a running service, and leaves it running", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      const service = yield* Process.start({ cwd, env: { SERVER_PORT: "0", AGENT: "echo" } })
      const url = yield* service.url
      const { ended, stderr, stdout } = yield* demo({ cwd, words: ["echo", "--expect", "any"], env: { SERVER_PORT: new URL(url).port } })
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, stdout() + stderr())
      assert.include(stdout(), `Calling the service at ${url}`)
      assert.notInclude(stdout(), "of its own")
      assert.isTrue(yield* answers(url))
    }).pipe(Effect.scoped), 120_000)

  it.effect("does not start a service if one was named, and says that it does not answer", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const { ended, stderr, stdout } = yield* demo({ words: ["--service", `http://127.0.0.1:${port}`] })
      assert.strictEqual((yield* ended).code, 1)
      assert.include(stderr(), `No service answers at http://127.0.0.1:${port}`)
      assert.notInclude(stdout(), "of its own")
    }).pipe(Effect.scoped), 60_000)

  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    it.effect(`leaves no service behind when it is ended by ${signal} in a call, beside another program`, () =>
      Effect.gen(function*() {
        const { port } = yield* otherProgram
        const { ended, own, says, signal: send, stdout } = yield* demo({ env: { SERVER_PORT: `${port}` } })
        yield* says("agent    Maple Dental")
        assert.match(stdout(), /^Another program answers at /)
        assert.isTrue(yield* answers(own()))
        yield* send(signal)
        assert.notStrictEqual((yield* ended).code, 0)
        yield* isGone(own())
      }).pipe(Effect.scoped), 120_000)
  }

  it.effect("ends the service that is still starting", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const { ended, says, signal, stdout } = yield* demo({ env: { SERVER_PORT: `${port}` } })
      yield* says("of its own")
      yield* signal("SIGINT")
      yield* ended
      assert.include(stdout(), "The demo's own service has ended.")
    }).pipe(Effect.scoped), 60_000)

  it.effect("says why its service did not start", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const { ended, stderr } = yield* demo({ env: { SERVER_PORT: `${port}`, AGENT: "nobody", API_KEY: apiKey } })
      assert.strictEqual((yield* ended).code, 1)
      assert.include(stderr(), "AGENT: ")
      assert.notInclude(stderr(), apiKey)
    }).pipe(Effect.scoped), 60_000)

  it.effect("says what to do if the service is not built", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { folder } = yield* Process.Build
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.copy(join(folder, "dist"), join(cwd, "dist"))
      yield* fs.copyFile(join(folder, "package.json"), join(cwd, "package.json"))
      yield* fs.symlink(join(folder, "node_modules"), join(cwd, "node_modules"))
      yield* fs.remove(join(cwd, "dist/main.js"))
      const port = yield* freePort
      const { ended, stderr } = yield* demo({ cwd, program: join(cwd, "dist/simulator/cli/main.js"), env: { SERVER_PORT: `${port}` } })
      assert.strictEqual((yield* ended).code, 1)
      assert.include(stderr(), "npm run build")
    }).pipe(Effect.scoped), 60_000)
})
