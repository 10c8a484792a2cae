import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Schedule } from "effect"
import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { delimiter, join } from "node:path"
import * as Caller from "../../../src/simulator/caller/Caller.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { PhoneBehaviour } from "../../../src/simulator/twilio/CallLife.ts"
import { converse, words } from "../../support/service/Conversing.ts"
import * as Client from "../../support/service/Client.ts"
import * as Process from "../../support/service/Process.ts"
import { apiKey, authToken, somebody, until } from "../../support/service/Service.ts"
import { assertEcho, awaitFrames, brief, place, speaker, streamEnds } from "../../support/service/Talk.ts"

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "")

/** Starts a process that must fail, and returns the lines that it prints. */
const refusal = Effect.fnUntraced(function*(options: Process.Options) {
  const started = yield* Process.start({ ...options, env: { SERVER_PORT: "0", ...options.env } })
  assert.deepStrictEqual(yield* started.ended, { code: 1, signal: null }, started.stderr())
  assert.strictEqual(started.stdout(), "")
  assert.notMatch(started.stderr(), /\n\s+at /, "a stack")
  return linesOf(started.stderr())
})

const only = (lines: ReadonlyArray<string>) => {
  assert.strictEqual(lines.length, 1, lines.join("\n"))
  return lines[0]
}

/** A port that is taken. */
const takenPort = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close: () => server.close()
      }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const dial = (url: string, key: string) =>
  Client.ask(`${url}/call/outbound`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ to: somebody })
  })

layer(Process.layer, { excludeTestServices: true, timeout: "60 seconds" })("the process", (it) => {
  it.effect("prints its help and its version on request, and does not start", () =>
    Effect.gen(function*() {
      const answer = Effect.fnUntraced(function*(word: string) {
        const { ended, stderr, stdout } = yield* Process.start({ words: [word] })
        assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
        assert.strictEqual(stderr(), "")
        return stdout()
      })
      const help = yield* answer("--help")
      assert.include(help, "client-caller")
      assert.include(help, ".env.example")
      assert.notInclude(help, "API key")
      // Effect's other flags would have no effect.
      assert.deepStrictEqual(help.match(/--[a-z-]+/g), ["--help", "--version"])
      const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { readonly version: string }
      assert.include(yield* answer("--version"), version)
    }).pipe(Effect.scoped), 60_000)

  it.effect("refuses unknown arguments, and names them", () =>
    Effect.gen(function*() {
      const { ended, stderr, stdout } = yield* Process.start({ words: ["--port", "80"] })
      assert.strictEqual((yield* ended).code, 1)
      assert.include(stderr(), "--port")
      assert.notInclude(stdout(), "API key")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a wrong variable says so in one line that names it, and exits 1", () =>
    Effect.gen(function*() {
      for (const [name, value] of [["SERVER_PORT", "eighty"], ["MAX_CALLS", "0"], ["PUBLIC_URL", "calls.example.com"]]) {
        const line = only(yield* refusal({ env: { [name]: value } }))
        assert.match(line, new RegExp(`^${name} must be `))
        assert.include(line, JSON.stringify(value))
        assert.include(line, ".env")
      }
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a wrong secret does not print it", () =>
    Effect.gen(function*() {
      const line = only(yield* refusal({ env: { TWILIO_ACCOUNT_SID: "AC1", TWILIO_AUTH_TOKEN: authToken } }))
      assert.match(line, /^TWILIO_ACCOUNT_SID /)
      const secret = "not-a-good,secret"
      const other = only(yield* refusal({ env: { EVENTS_DIR: " ", TWILIO_ACCOUNT_SID: secret, TWILIO_AUTH_TOKEN: " , " } }).pipe(
        Effect.map((lines) => lines.filter((line) => line.startsWith("TWILIO_AUTH_TOKEN")))
      ))
      assert.notInclude(other, "not ")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with several wrong variables prints one line for each, and with half an account names the missing half", () =>
    Effect.gen(function*() {
      const lines = yield* refusal({ env: { SERVER_PORT: "eighty", SHUTDOWN_GRACE: "soon" } })
      assert.deepStrictEqual(lines.map((line) => line.split(" ", 1)[0]), ["SERVER_PORT", "SHUTDOWN_GRACE"])
      assert.match(only(yield* refusal({ env: { TWILIO_AUTH_TOKEN: authToken } })), /^TWILIO_ACCOUNT_SID is missing/)
    }).pipe(Effect.scoped), 60_000)

  it.effect("on a taken port says so in one line, and exits 1", () =>
    Effect.gen(function*() {
      const { port } = yield* takenPort
      const line = only(yield* refusal({ env: { SERVER_PORT: `${port}`, API_KEY: apiKey } }).pipe(
        Effect.map((lines) => lines.filter((line) => !line.startsWith("API key")))
      ))
      assert.include(line, `${port}`)
      assert.include(line, "SERVER_PORT")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with an unknown agent says so in one line, and exits 1", () =>
    Effect.gen(function*() {
      const line = only(yield* refusal({ env: { AGENT: "nobody", API_KEY: apiKey } }))
      assert.match(line, /^AGENT: /)
      assert.include(line, "echo")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a wrong agent's file says each problem in a line of its own, and exits 1", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(
        join(cwd, "shop.yaml"),
        "name: shop\ngreting: Hello.\nintents:\n  hours:\n    phrases: when are you opnen\n    answer: Always.\n  nothing: {}\nidle: { after: soon }\n"
      )
      const lines = yield* refusal({ cwd, env: { AGENT: "./shop.yaml", API_KEY: apiKey } })
      assert.deepStrictEqual(lines.map((line) => /^(\.\/shop\.yaml:\d+):\d+: .*[.?)]$/.exec(line)?.[1]), [
        "./shop.yaml:2",
        "./shop.yaml:5",
        "./shop.yaml:7",
        "./shop.yaml:7",
        "./shop.yaml:8"
      ], lines.join("\n"))
      for (const [line, word] of ["greting", "opnen", "phrases", "answer", "idle.after"].entries()) assert.include(lines[line], word)

      const missing = only(yield* refusal({ cwd, env: { AGENT: "./shopp.yaml", API_KEY: apiKey } }))
      assert.include(missing, "./shopp.yaml")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a wrong price list says each problem in a line of its own, and exits 1", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(join(cwd, "prices.yaml"), "currency: usd\ntwilio: { inbond: { minute: 1 } }\n")
      const lines = yield* refusal({ cwd, env: { AGENT: "echo", PRICES_FILE: "prices.yaml", API_KEY: apiKey } })
      assert.deepStrictEqual(lines.map((line) => /^(prices\.yaml:\d+):\d+: .*[.?)]$/.exec(line)?.[1]), ["prices.yaml:1", "prices.yaml:2"], lines.join("\n"))
      const missing = only(yield* refusal({ cwd, env: { AGENT: "echo", PRICES_FILE: "costs.yaml", API_KEY: apiKey } }))
      assert.strictEqual(missing, "PRICES_FILE: costs.yaml can't be found. A relative path starts at the folder in which the service was started.")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a data folder that is not a folder says so in one line, and exits 1", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      const line = only(yield* refusal({ env: { DATA_DIR: file } }))
      assert.include(line, "DATA_DIR")
    }).pipe(Effect.scoped), 60_000)

  it.effect("with a PUBLIC_URL that Twilio can't use says so in one line, and exits 1", () =>
    Effect.gen(function*() {
      const account = { TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`, TWILIO_AUTH_TOKEN: authToken }
      const line = only(yield* refusal({ env: { ...account, PUBLIC_URL: "http://calls.example.com" } }))
      assert.match(line, /^PUBLIC_URL begins with http:\/\//)
    }).pipe(Effect.scoped), 60_000)

  it.effect("accepts mounted secrets and addresses that end with a newline, and warns of doubtful settings", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(join(cwd, ".env"), "AGENT=echo\nMAX_CALL=5\n")
      const simulator = yield* Simulator
      const started = yield* Process.start({
        cwd,
        env: {
          SERVER_PORT: "0\n",
          TWILIO_ACCOUNT_SID: `${simulator.accountSid}\n`,
          TWILIO_AUTH_TOKEN: ` ${authToken}\r\n`,
          TWILIO_PHONE_NUMBER: "\u202a+1 (415) 555\u20110100\u202c\n",
          TWILIO_API_BASE_URL: `${simulator.baseUrl}\n`,
          API_KEY: `${apiKey}\n`,
          AGENT: " \n",
          AGENT_NUMBERS: "",
          LOG_FORMAT: "json\n"
        }
      })
      const url = yield* started.url
      const answer = yield* dial(url, apiKey)
      assert.strictEqual(answer.status, 200, answer.text)
      assert.include(answer.json, { from: "+14155550100", agent: "echo" })
      assert.include(started.stdout(), "MAX_CALL is not a variable of this service. Did you mean MAX_CALLS?")
    }).pipe(Effect.scoped), 60_000)

  it.effect("keeps connections for SERVER_KEEP_ALIVE, at most SERVER_MAX_IDLE_CONNECTIONS, and stops at once despite them", () =>
    Effect.gen(function*() {
      const { started } = yield* Process.startWithTwilio({ SERVER_KEEP_ALIVE: "90s", SERVER_MAX_IDLE_CONNECTIONS: "3" })
      const { hostname, port } = new URL(yield* started.url)
      const open = Effect.acquireRelease(
        Effect.callback<{ readonly socket: Socket; readonly text: () => string }>((resume) => {
          let text = ""
          const socket = connect(Number(port), hostname, () => socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"))
          socket.on("data", (chunk) => {
            text += chunk.toString()
            if (text.endsWith("}")) resume(Effect.succeed({ socket, text: () => text }))
          })
        }),
        ({ socket }) => Effect.sync(() => socket.destroy())
      )
      const clients = yield* Effect.forEach([...Array(6).keys()], () => open)
      for (const { text } of clients) assert.match(text(), /^Keep-Alive: timeout=90\r$/m)
      yield* until("those closed", Effect.sync(() => clients.map(({ socket }) => socket.closed)), (closed) => closed.filter((one) => one).length === 3)
      assert.deepStrictEqual(clients.map(({ socket }) => socket.closed), [true, true, true, false, false, false])
      // Connections that have sent nothing, or half a request, do not delay the end.
      for (const sent of ["", "GET /health HT"]) {
        yield* Effect.acquireRelease(
          Effect.callback<Socket>((resume) => {
            const socket = connect(Number(port), hostname, () => socket.write(sent, () => resume(Effect.succeed(socket))))
            socket.on("error", () => undefined)
          }),
          (socket) => Effect.sync(() => socket.destroy())
        )
      }
      yield* started.signal("SIGTERM")
      assert.deepStrictEqual(yield* Effect.timeout(started.ended, "15 seconds"), { code: 0, signal: null })
    }).pipe(Effect.scoped), 60_000)

  it.effect("reads .env in its folder, but the environment counts first", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(join(cwd, ".env"), "# a comment\nAGENT=nobody\nMAX_CALLS=none\n")
      const lines = yield* refusal({ cwd, env: { MAX_CALLS: "7" } })
      assert.match(only(lines.filter((line) => !line.startsWith("API key"))), /^AGENT/)
    }).pipe(Effect.scoped), 60_000)

  it.effect("does not start with a .env in UTF-16, which would seem to be empty", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFile(join(cwd, ".env"), Buffer.from("\ufeffAGENT=echo\n", "utf16le"))
      assert.match(only(yield* refusal({ cwd })), /^\.env .* is not UTF-8 text\. Save it as UTF-8/)
    }).pipe(Effect.scoped), 60_000)

  it.effect("without credentials makes an account and a key, prints the key once, and keeps both", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const cwd = yield* fs.makeTempDirectoryScoped()
      const run = Effect.gen(function*() {
        const started = yield* Process.start({ cwd, env: { SERVER_PORT: "0" } })
        const url = yield* started.url
        const key = (yield* fs.readFileString(join(cwd, "data/api-key"))).trim()
        const account = yield* fs.readFileString(join(cwd, "data/local-account.json"))
        // The key is right, but Twilio's credentials are missing.
        const { problem, status } = yield* dial(url, key)
        assert.strictEqual(status, 503)
        assert.strictEqual(problem.name, "not-configured")
        assert.strictEqual((yield* dial(url, "another")).status, 401)
        yield* started.signal("SIGTERM")
        assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
        return { key, account, output: started.stdout() + started.stderr() }
      }).pipe(Effect.scoped)
      const first = yield* run
      assert.match(first.account, /"accountSid":"AC[0-9a-f]{32}"/)
      assert.strictEqual(first.output.split(first.key).length, 1, "the key is in its file alone")
      assert.notInclude(first.output, JSON.parse(first.account).authToken as string)
      for (const file of ["data/api-key", "data/local-account.json"]) {
        assert.strictEqual((yield* fs.stat(join(cwd, file))).mode & 0o777, 0o600)
      }
      const second = yield* run
      assert.strictEqual(second.key, first.key)
      assert.strictEqual(second.account, first.account)
      assert.notInclude(second.output, first.key)
    }).pipe(Effect.scoped), 60_000)

  it.effect("survives the loss of its output's reader, and ends on SIGTERM", () =>
    Effect.gen(function*() {
      const { port } = yield* Effect.tap(takenPort, ({ close }) => Effect.sync(close))
      const started = yield* Process.start({ isUnread: true, env: { SERVER_PORT: `${port}`, AGENT: "echo" } })
      const url = `http://127.0.0.1:${port}`
      const ready = Effect.map(Effect.exit(Client.ask(`${url}/ready`)), (exit) => Exit.isSuccess(exit) ? exit.value.status : 0)
      yield* until("the service", ready, (status) => status === 200)
      // This request makes a line of the log, which can't be written.
      assert.strictEqual((yield* Client.ask(`${url}/twiml`, { method: "POST" })).status, 403)
      assert.strictEqual((yield* Client.ask(`${url}/health`)).status, 200)
      yield* started.signal("SIGTERM")
      assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped), 60_000)

  it.effect("answers the first request that its port accepts, however early", () =>
    Effect.gen(function*() {
      const { port, close } = yield* takenPort
      close()
      const started = yield* Process.start({ env: { SERVER_PORT: `${port}`, API_KEY: apiKey } })
      const ask = Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/health`))
      // Refused connections are tried again. The first accepted one must be answered.
      const { status } = yield* Effect.retry(ask, { schedule: Schedule.spaced("5 millis"), times: 4000 })
      assert.strictEqual(status, 200)
      yield* started.signal("SIGTERM")
      assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped), 60_000)

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it.effect(`exits 0 on ${signal} without a live call`, () =>
      Effect.gen(function*() {
        const { service, started } = yield* Process.startWithTwilio()
        assert.strictEqual((yield* service.ask("/ready")).status, 200)
        yield* started.signal(signal)
        assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
        assert.strictEqual(started.stderr(), "")
      }).pipe(Effect.scoped), 60_000)
  }

  it.effect("on SIGTERM during a call takes no new calls, lets that one end, and exits 0", () =>
    Effect.gen(function*() {
      const both = yield* Process.startWithTwilio()
      const { service, started } = both
      const call = yield* place(both)
      yield* awaitFrames(call, 10)
      yield* started.signal("SIGTERM")
      const ready = yield* until("not ready", service.ask("/ready"), ({ status }) => status !== 200)
      assert.strictEqual(ready.status, 503)
      assert.strictEqual(ready.contentType, "application/problem+json")
      assert.isTrue((yield* service.health).draining)

      const refused = yield* place(both, { from: "+14155550124" })
      assert.match((yield* refused.awaitEvent("Said")).text, /busy/)
      yield* refused.hangUp
      const dialled = yield* service.dial({ to: somebody })
      assert.strictEqual(dialled.status, 503)
      assert.strictEqual(dialled.problem.name, "busy")
      assert.strictEqual((yield* service.metrics)("client_caller_calls_refused_total", { reason: "draining" }), 2)

      yield* awaitFrames(call, 80)
      assert.deepStrictEqual(yield* streamEnds(call), [])
      yield* call.hangUp
      assert.deepStrictEqual(yield* started.ended, { code: 0, signal: null })
      assert.strictEqual(yield* call.ended, "completed")
      yield* assertEcho(call)
    }).pipe(Effect.scoped), 60_000)

  it.effect("on SIGTERM during a conversation lets it end, and exits 0", () =>
    Effect.gen(function*() {
      const both = yield* Process.startWithTwilio({ AGENT: "receptionist", SHUTDOWN_GRACE: "1m" })
      const conversation = yield* converse(both, ({ heardOut }) => [
        heardOut(),
        Caller.Step.Speak({ text: "Where are you?", voice: "rms" }),
        heardOut(),
        Caller.Step.Speak({ text: "Goodbye.", voice: "rms" })
      ])
      yield* conversation.awaitServiceEvent("CallerSaid")
      yield* both.started.signal("SIGTERM")
      assert.deepStrictEqual(words(yield* conversation.over), [
        "agent: Maple Dental, good day. How can I help you?",
        "caller: where are you",
        "agent: We are at twenty Maple Street. It is beside the library.",
        "caller: goodbye",
        "agent: Thank you for calling. Goodbye."
      ])
      assert.deepStrictEqual(yield* streamEnds(conversation.call), ["closedByService 1000"])
      assert.strictEqual(yield* conversation.call.ended, "completed")
      assert.deepStrictEqual(yield* both.started.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped), 90_000)

  it.effect("properly closes a call that is longer than SHUTDOWN_GRACE, and exits 0", () =>
    Effect.gen(function*() {
      const both = yield* Process.startWithTwilio({ SHUTDOWN_GRACE: "1s" })
      const call = yield* place(both)
      yield* awaitFrames(call, 10)
      yield* both.started.signal("SIGTERM")
      assert.strictEqual(yield* call.ended, "completed")
      assert.deepStrictEqual(yield* streamEnds(call), ["closedByService 1001"])
      // Twilio requested TwiML, and got <Hangup/>.
      const events = yield* call.events
      assert.isTrue(events.some((event) => event._tag === "Twiml" && event.verbs.join() === "Hangup"))
      assert.deepStrictEqual(yield* both.started.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped), 60_000)

  it.effect("hangs up a call without a stream when SHUTDOWN_GRACE is over, and exits 0", () =>
    Effect.gen(function*() {
      const both = yield* Process.startWithTwilio({ SHUTDOWN_GRACE: "1s" })
      yield* both.simulator.setPhones(() => PhoneBehaviour.NoAnswer({ after: "1 minute" }))
      const { json, status } = yield* both.service.dial({ to: somebody })
      assert.strictEqual(status, 200)
      const sid = (json as { readonly call_sid: string }).call_sid
      const call = (yield* both.simulator.calls).find((one) => one.sid === sid)!
      yield* call.awaitEvent("Status", ({ status }) => status === "ringing")
      yield* both.started.signal("SIGTERM")
      assert.strictEqual(yield* call.ended, "completed")
      assert.deepStrictEqual(yield* both.started.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped), 60_000)

  for (const second of ["SIGTERM", "SIGINT"] as const) {
    it.effect(`stops at once on ${second} after SIGTERM, and does not exit 0`, () =>
      Effect.gen(function*() {
        const both = yield* Process.startWithTwilio()
        const call = yield* place(both)
        yield* awaitFrames(call, 10)
        yield* both.started.signal("SIGTERM")
        yield* until("not ready", both.service.ask("/ready"), ({ status }) => status !== 200)
        yield* both.started.signal(second)
        const { code } = yield* both.started.ended
        assert.notStrictEqual(code, 0)
        // Twilio lost the socket, and nobody answered its next request.
        assert.strictEqual(yield* call.ended, "completed")
        assert.deepStrictEqual(yield* streamEnds(call), ["connectionLost 1006"])
      }).pipe(Effect.scoped), 60_000)
  }

  it.effect("writes JSON lines with the call's SID, and no number and no secret in them", () =>
    Effect.gen(function*() {
      const both = yield* Process.startWithTwilio({ LOG_LEVEL: "Trace" })
      yield* both.simulator.setPhones(() => PhoneBehaviour.Answers({ after: "50 millis", caller: brief }))
      const inbound = yield* place(both, { caller: brief })
      const { json } = yield* both.service.dial({ to: "+14155550177" })
      const refused = [
        both.service.dial({ to: "+14155550188nonsense" }),
        both.service.dial({ to: "+14155550166", agent: "nobody" }),
        both.service.dial(undefined, { query: "to_number=%2B14155550155&websocket_url=wss://evil.example/+14155550144" }),
        both.service.webhook("/twiml", { CallSid: "nonsense", From: "+14155550133" }),
        both.service.webhook("/twiml", { CallSid: "nonsense", From: "+14155550133" }, { signature: "forged" }),
        both.service.ask("/call/outbound", { method: "POST", headers: { authorization: "Bearer another-key-12345" } })
      ]
      yield* Effect.all(refused)
      yield* place(both, { faults: { rubbish: { every: 2 } }, caller: brief })
      yield* place(both, { faults: { suddenClose: { atMillis: 100 }, onlyFirstStream: true }, caller: speaker })
      const calls = yield* both.simulator.calls
      const outbound = calls.find(({ sid }) => sid === (json as { readonly call_sid: string }).call_sid)!
      assert.strictEqual(yield* inbound.settled, "completed")
      assert.strictEqual(yield* outbound.settled, "completed")
      yield* both.started.signal("SIGTERM")
      yield* Effect.forEach(calls, (call) => call.hangUp)
      assert.deepStrictEqual(yield* both.started.ended, { code: 0, signal: null })

      const output = both.started.stdout() + both.started.stderr()
      const records = linesOf(both.started.stdout()).map((line) => JSON.parse(line) as { message: string; level: string; annotations: Record<string, unknown> })
      assert.strictEqual(both.started.stderr(), "")
      for (const record of records) assert.containsAllKeys(record, ["message", "level", "timestamp"])
      for (const call of [inbound, outbound]) {
        const messages = records.filter(({ annotations }) => annotations["callSid"] === call.sid).map(({ message }) => message)
        assert.includeMembers(messages, ["call began", "stream started", "stream ended", "call ended"])
      }
      assert.notMatch(output, /415[\s()-]*555/)
      assert.notInclude(output, "4155550")
      for (const secret of [authToken, apiKey, "another-key-12345", Buffer.from(`:${authToken}`).toString("base64")]) {
        assert.notInclude(output, secret)
      }
    }).pipe(Effect.scoped), 60_000)

  it.effect("says in one line that Node is too old, and exits 1", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const preload = join(yield* fs.makeTempDirectoryScoped(), "old.cjs")
      for (const version of ["20.20.2", "22.18.0", "18.0.0"]) {
        yield* fs.writeFileString(
          preload,
          `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`
        )
        const line = only(yield* refusal({ nodeOptions: ["--require", preload] }))
        assert.include(line, "22.19")
        assert.include(line, version)
      }
    }).pipe(Effect.scoped), 60_000)

  it.effect("says in one line that Node is too old on an old Node of this machine, too", (context) =>
    Effect.gen(function*() {
      const nodes = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node")).filter(existsSync)
      const old = yield* Effect.findFirst(nodes, (node) =>
        Effect.map(versionOf(node), ([major, minor]) => major < 22 || (major === 22 && minor < 19)))
      if (old._tag === "None") return context.skip("no Node older than 22.19 is on PATH")
      const line = only(yield* refusal({ node: old.value }))
      assert.include(line, "22.19")
    }).pipe(Effect.scoped), 60_000)
})

const versionOf = (node: string) =>
  Effect.callback<ReadonlyArray<number>>((resume) => {
    execFile(node, ["--version"], (_, stdout) => resume(Effect.succeed(stdout.trim().slice(1).split(".").map(Number))))
  })
