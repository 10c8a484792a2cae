import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { renameSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as Client from "../../support/service/Client.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, until } from "../../support/service/Service.ts"

/** A port that nobody uses. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

layer(Process.layer, { excludeTestServices: true, timeout: "120 seconds" })("the admin server", (it) => {
  it.effect("has the operators' pages, and the address for Twilio does not have them", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const { service, started } = yield* Process.startWithTwilio({ ADMIN_PORT: `${port}` })
      const admin = (path: string) => Client.ask(`http://127.0.0.1:${port}${path}`)
      for (const path of ["/docs", "/openapi.json", "/metrics", "/ready", "/Docs/", "//metrics", "/%6Detrics", "/d%6Fcs/", "/metrics;x", "/ready;/", "/docs?/health"]) {
        assert.strictEqual((yield* admin(path)).status, 200, path)
        assert.strictEqual((yield* service.ask(path)).status, 404, path)
      }
      for (const path of ["/health"]) {
        assert.strictEqual((yield* admin(path)).status, 200)
        assert.strictEqual((yield* service.ask(path)).status, 200)
      }
      for (const path of ["/twiml", "/ws", "/twilio/status", "/nothing"]) assert.strictEqual((yield* admin(path)).status, 404, path)
      assert.strictEqual((yield* service.ask("/twiml")).status, 403)
      yield* started.signal("SIGTERM")
      assert.strictEqual((yield* started.ended).code, 0)
    }).pipe(Effect.scoped))

  it.effect("logs its address, even if the system chose the port", () =>
    Effect.gen(function*() {
      const { started } = yield* Process.startWithTwilio({ ADMIN_PORT: "0" })
      const url = /The admin pages are at (http:\/\/[\d.]+:\d+)/.exec(started.stdout())?.[1]
      assert.isString(url)
      assert.strictEqual((yield* Client.ask(`${url}/ready`)).status, 200)
    }).pipe(Effect.scoped))

  it.effect("says in /ready that calls.db was removed while the service runs, and the log says it once", () =>
    Effect.gen(function*() {
      const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
      const port = yield* freePort
      const { started } = yield* Process.startWithTwilio({ ADMIN_PORT: `${port}`, DATA_DIR: folder })
      const ready = Effect.map(Client.ask(`http://127.0.0.1:${port}/ready`), ({ json }) => json as { readonly store: string; readonly store_problem?: string })
      const isStore = (store: string) => (answer: { readonly store: string }) => answer.store === store
      yield* until("ready", ready, isStore("ready"))
      renameSync(join(folder, "calls.db"), join(folder, "away.db"))
      yield* until("degraded", ready, isStore("degraded"))
      assert.match((yield* ready).store_problem ?? "", /calls\.db in DATA_DIR was removed/)
      renameSync(join(folder, "away.db"), join(folder, "calls.db"))
      yield* until("ready again", ready, isStore("ready"))
      assert.notProperty(yield* ready, "store_problem")
      assert.strictEqual(started.stdout().split("calls.db in DATA_DIR was removed").length, 2)
    }).pipe(Effect.scoped))

  it.effect("names ADMIN_PORT if it can't listen", () =>
    Effect.gen(function*() {
      const taken = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const address = taken.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const { ended, stderr } = yield* Process.start({ env: { SERVER_PORT: "0", ADMIN_PORT: `${port}`, API_KEY: apiKey, AGENT: "echo" } })
      assert.strictEqual((yield* ended).code, 1)
      assert.match(stderr(), /^The admin server can't listen: .*ADMIN_PORT/)
    }).pipe(Effect.scoped))
})
