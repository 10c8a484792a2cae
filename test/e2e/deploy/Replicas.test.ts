import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { read } from "../../support/service/DeployFiles.ts"

const configuration = read("deploy/haproxy.cfg")

const listen = (handler: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer(handler)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
  )

const portOf = (server: Server) => (server.address() as AddressInfo).port

/** A port on which nobody listens. */
const freePort = Effect.scoped(Effect.map(listen(() => {}), portOf))

/** Starts the balancer in front of processes at these ports of this machine. */
const startBalancer = Effect.fnUntraced(function*(ports: ReadonlyArray<number>) {
  const port = yield* freePort
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "client-caller-balancer-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const servers = ports.map((one) => `    server s${one} 127.0.0.1:${one} check inter 1s fall 2 rise 1`).join("\n")
  const file = join(folder, "haproxy.cfg")
  writeFileSync(file, configuration
    .replace("bind :8000", `bind 127.0.0.1:${port}`)
    .replaceAll(/^ {4}server-template .*$/gm, servers)
    .replace(/^resolvers docker\n(?: .*\n)*/m, ""))
  yield* Effect.acquireRelease(
    Effect.sync((): ChildProcess => spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 100; attempt++) {
    const isUp = yield* Effect.promise(() => fetch(`${url}/health`).then(({ ok }) => ok, () => false))
    if (isUp) break
    yield* Effect.sleep("50 millis")
  }
  return url
})

const isInstalled = spawnSync("haproxy", ["-v"]).error === undefined

/** Uses a connection of its own, because a connection that had an answer before may be closed without another one. */
const post = (url: string) =>
  Effect.promise(() =>
    fetch(url, { method: "POST", body: "CallSid=CA1", headers: { connection: "close" } }).then(async (answer) => [answer.status, await answer.text()] as const))

describe("deploy/haproxy.cfg", () => {
  it("does not repeat a request that may have placed a call", () => {
    const [, defaults] = /^defaults\n([^]*?)\n\n/m.exec(configuration) ?? []
    assert.match(defaults, /^ {4}retry-on conn-failure$/m)
    const retried = [...configuration.matchAll(/^backend (\w+)\n(?:(?!\n\n)[^])*?retry-on (.*)$/gm)].map(([, name]) => name)
    assert.deepStrictEqual(retried, ["twilio"])
    assert.match(configuration, /use_backend twilio if \{ path \/twiml \} or \{ path_beg \/twilio\/ \}/)
  })

  it.runIf(isInstalled)("is accepted by HAProxy", () => {
    const { status, stderr } = spawnSync("haproxy", ["-c", "-f", join(import.meta.dirname, "../../../deploy/haproxy.cfg")], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
  })

  it.live.runIf(isInstalled)("gives a webhook to the other process when one is down, or dies before it answers", () =>
    Effect.gen(function*() {
      const dying = yield* listen((request, response) => {
        if (request.method === "POST") request.socket.destroy()
        else response.end("ok")
      })
      const gone = yield* freePort
      const living = yield* listen((_, response) => response.end("living"))
      const url = yield* startBalancer([gone, portOf(dying), portOf(living)])
      for (let attempt = 0; attempt < 6; attempt++) {
        assert.deepStrictEqual(yield* post(`${url}/twilio/continue?step=1`), [200, "living"])
        assert.deepStrictEqual(yield* post(`${url}/twiml`), [200, "living"])
      }
      const placed = new Set<number>()
      for (let attempt = 0; attempt < 6; attempt++) placed.add((yield* post(`${url}/call/outbound`))[0])
      assert.deepStrictEqual([...placed].sort(), [200, 502])
    }))

  it.live.runIf(isInstalled)("sends nothing to a process that is not ready, and hides the metrics of single processes", () =>
    Effect.gen(function*() {
      const draining = yield* listen((request, response) => response.writeHead(request.url === "/ready" ? 503 : 200).end("draining"))
      const ready = yield* listen((_, response) => response.end("ready"))
      const url = yield* startBalancer([portOf(draining), portOf(ready)])
      yield* Effect.sleep("4 seconds")
      for (let attempt = 0; attempt < 6; attempt++) {
        assert.deepStrictEqual(yield* post(`${url}/twiml`), [200, "ready"])
        assert.deepStrictEqual(yield* post(`${url}/call/outbound`), [200, "ready"])
      }
      for (const path of ["/metrics", "/ready"]) assert.strictEqual((yield* post(`${url}${path}`))[0], 404)
    }))
})
