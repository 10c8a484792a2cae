import { assert, describe, it } from "@effect/vitest"
import { DCLinter } from "dclint"
import { ConfigProvider, Duration, Effect, Layer, Option, Redacted } from "effect"
import { join } from "node:path"
import { AppConfig } from "../../../src/config/AppConfig.ts"
import { names } from "../../../src/config/variables/Variables.ts"
import { documents, isPinned, project, read } from "../../support/service/DeployFiles.ts"

interface Service {
  readonly image: string
  readonly build?: string | { readonly context: string; readonly dockerfile: string }
  readonly command?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: ReadonlyArray<string>; readonly start_period: string }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly ports?: ReadonlyArray<string>
  readonly volumes?: ReadonlyArray<string>
  readonly stop_grace_period?: string
  readonly read_only?: boolean
  readonly cap_add?: ReadonlyArray<string>
  readonly cap_drop?: ReadonlyArray<string>
  readonly security_opt?: ReadonlyArray<string>
  readonly privileged?: boolean
  readonly ipc?: string
  readonly pid?: string
  readonly network_mode?: string
  readonly tmpfs?: ReadonlyArray<string>
  readonly mem_limit?: string
  readonly pids_limit?: number
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly user?: string
  readonly deploy?: {
    readonly replicas?: number
    readonly resources: { readonly reservations: { readonly devices: ReadonlyArray<Readonly<Record<string, unknown>>> } }
  }
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** The linter's errors about a file. Only the schema counts, not the linter's rules of style. */
interface Linted {
  readonly messages: ReadonlyArray<{ readonly rule: string; readonly message: string }>
}

/** The port that each image serves on. */
const ports: Readonly<Record<string, number>> = {
  "vllm/vllm-openai": 8000,
  "client-caller-whisper": 8000,
  "client-caller-csm": 8003,
  "ghcr.io/speaches-ai/speaches": 8000,
  "ollama/ollama": 11434,
  "ghcr.io/remsky/kokoro-fastapi-cpu": 8880
}

const settingsOf = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    return yield* AppConfig
  }).pipe(Effect.provide(AppConfig.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))))

describe.each(["deploy/compose.gpu.yaml", "deploy/compose.cpu.yaml", "deploy/compose.replicas.yaml"])("%s", (path) => {
  const [compose] = documents(path) as ReadonlyArray<Compose>
  const services = Object.entries(compose.services)
  const { service } = compose.services

  it("keeps a bounded log of each container", () => {
    for (const [name, { logging }] of services) assert.hasAllKeys(logging?.options, ["max-size", "max-file"], name)
  })

  it("is valid by the Compose specification's schema", () => {
    const linter = new DCLinter({ rules: {}, quiet: false, debug: false, exclude: [] })
    const found: ReadonlyArray<Linted> = linter.lintFiles([join(import.meta.dirname, "../../..", path)], false)
    const wrong = found.flatMap((result) => result.messages).filter((message) => message.rule === "invalid-schema")
    assert.strictEqual(found.length, 1)
    assert.deepStrictEqual(wrong.map((message) => message.message), [])
  })

  it("pins every image, and tags our own images with the project's version", () => {
    for (const [name, { build, image }] of services) {
      assert.isTrue(isPinned(image), `${name}: ${image}`)
      if (build !== undefined) assert.match(image, new RegExp(`^client-caller(-\\w+)?:${project.version}$`))
    }
  })

  it("confines each service: no capabilities, no host namespaces, and bounds on memory, processes and logs", () => {
    for (const [name, one] of services) {
      assert.deepStrictEqual([one.cap_drop, one.cap_add], [["ALL"], undefined], name)
      assert.deepStrictEqual(one.security_opt, ["no-new-privileges:true"], name)
      assert.deepStrictEqual([one.privileged, one.ipc, one.pid, one.network_mode], [undefined, undefined, undefined, undefined], name)
      assert.match(one.mem_limit ?? "", /^\d+g$/, name)
      assert.isAbove(one.pids_limit ?? 0, 0, name)
      assert.deepStrictEqual(one.logging, { driver: "json-file", options: { "max-size": "20m", "max-file": "5" } }, name)
    }
  })

  it("lets each service write only into its volumes and /tmp, except two images that write beside their programs", () => {
    const writers = services.filter(([, { read_only }]) => read_only !== true)
    for (const [name, { image }] of writers) assert.match(image, /speaches|kokoro/, name)
    for (const [name, { read_only, tmpfs }] of services) {
      if (read_only === true) assert.isTrue(tmpfs?.some((mount) => mount.split(":")[0] === "/tmp"), name)
    }
    assert.isTrue(service.read_only)
  })

  it("keeps data and weights in volumes that it declares", () => {
    const used = services.flatMap(([, { volumes }]) => volumes ?? []).map((volume) => volume.split(":")[0]).filter((name) => !name.startsWith("./"))
    assert.sameMembers([...new Set(used)], Object.keys(compose.volumes))
  })
})

describe.each(["deploy/compose.gpu.yaml", "deploy/compose.cpu.yaml"])("%s", (path) => {
  const [compose] = documents(path) as ReadonlyArray<Compose>
  const services = Object.entries(compose.services)
  const { service } = compose.services

  it("starts the service when each engine is healthy", () => {
    for (const [dependency, { condition }] of Object.entries(service.depends_on ?? {})) {
      const { healthcheck, image } = compose.services[dependency]
      if (condition === "service_completed_successfully") continue
      assert.strictEqual(condition, "service_healthy")
      if (healthcheck === undefined) assert.match(read(`deploy/engines/${image.split(/[-:]/)[2]}/Dockerfile`), /^HEALTHCHECK /m)
    }
    const waited = Object.keys(service.depends_on ?? {}).map((name) => name.split("-")[0])
    assert.sameMembers(waited, ["stt", "llm", "tts"])
  })

  it.effect("gives the service settings that it accepts, with every engine at its port and no other variable", () =>
    Effect.gen(function*() {
      const environment = service.environment ?? {}
      for (const name of Object.keys(environment)) assert.include(names, name)
      const { engines, server } = yield* settingsOf(environment)
      assert.strictEqual(server.host, "0.0.0.0")
      for (const [engine] of [engines.speechToText, engines.replyModel, engines.textToSpeech]) {
        assert.strictEqual(engine._tag, "Server")
        if (engine._tag !== "Server") continue
        const { model, url } = engine.settings
        const { image } = compose.services[url.hostname]
        assert.strictEqual(Number(url.port), ports[image.slice(0, image.lastIndexOf(":"))], url.href)
        assert.strictEqual(url.pathname, "/v1")
        assert.isTrue(Option.isSome(model))
      }
      assert.isAbove(Number.parseInt(service.stop_grace_period ?? "0"), Duration.toSeconds(server.shutdownGrace) + 5)
    }))

  it("asks for models that the engines serve", () => {
    const environment = service.environment ?? {}
    for (const stage of ["STT", "LLM"]) {
      const model = environment[`${stage}_MODEL`]
      const engine = new URL(environment[`${stage}_URL`]).hostname
      assert.include(JSON.stringify([compose.services[engine], compose.services[`${engine}-model`]]), model)
    }
  })

  it("publishes only the service's port, and only on this machine", () => {
    for (const [name, { ports }] of services) {
      assert.deepStrictEqual(ports ?? [], name === "service" ? ["127.0.0.1:8000:8000"] : [])
    }
  })
})

describe("deploy/compose.replicas.yaml", () => {
  const [{ services: { balancer, postgres, service } }] = documents("deploy/compose.replicas.yaml") as ReadonlyArray<Compose>

  it.effect("gives each process settings that it accepts, one database and one folder", () =>
    Effect.gen(function*() {
      const environment = service.environment ?? {}
      for (const name of Object.keys(environment)) assert.include(names, name)
      const { server, store } = yield* settingsOf(environment)
      assert.strictEqual(server.host, "0.0.0.0")
      assert.isAbove(Number.parseInt(service.stop_grace_period ?? "0"), Duration.toSeconds(server.shutdownGrace) + 5)
      const address = new URL(Redacted.value(Option.getOrThrow(store.database)))
      const { POSTGRES_DB, POSTGRES_PASSWORD, POSTGRES_USER } = postgres.environment ?? {}
      assert.deepStrictEqual([address.hostname, address.username, address.pathname], ["postgres", POSTGRES_USER, `/${POSTGRES_DB}`])
      assert.match(POSTGRES_PASSWORD, /^\$\{POSTGRES_PASSWORD:\?/)
      assert.strictEqual(decodeURIComponent(address.password), "${POSTGRES_PASSWORD}")
      assert.deepStrictEqual([service.deploy?.replicas, service.volumes], [2, ["data:/data"]])
      assert.deepStrictEqual(service.depends_on, { postgres: { condition: "service_healthy" } })
    }))

  it("publishes only the balancer's port, and only on this machine", () => {
    assert.deepStrictEqual([balancer.ports, service.ports, postgres.ports], [["127.0.0.1:8000:8000"], undefined, undefined])
    assert.include(balancer.volumes ?? [], "./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro")
    for (const { healthcheck } of [balancer, postgres]) assert.isDefined(healthcheck)
    assert.match(read("deploy/Dockerfile"), /^HEALTHCHECK /m)
  })

  it("has the balancer ask each process whether it is ready, at the port where it listens", () => {
    const servers = read("deploy/haproxy.cfg").match(/^ {4}server-template .*$/gm) ?? []
    assert.strictEqual(servers.length, 2)
    for (const one of servers) assert.include(one, ` service:${service.environment?.SERVER_PORT} `)
    assert.strictEqual(read("deploy/haproxy.cfg").match(/option httpchk GET \/ready/g)?.length, 2)
  })
})

describe("deploy/compose.gpu.yaml", () => {
  const [{ services }] = documents("deploy/compose.gpu.yaml") as ReadonlyArray<Compose>
  const engines = [services.llm, services.stt, services.tts]

  it("puts all three engines on the one GPU, one after the other", () => {
    for (const { deploy, environment } of engines) {
      assert.deepStrictEqual(deploy?.resources.reservations.devices, [
        { driver: "nvidia", device_ids: ["0"], capabilities: ["gpu"] }
      ])
      assert.match(environment?.HF_TOKEN ?? "", /^\$\{HF_TOKEN:\?/)
    }
    assert.deepStrictEqual(services.stt.depends_on, { llm: { condition: "service_healthy" } })
    assert.deepStrictEqual(services.tts.depends_on, { stt: { condition: "service_healthy" } })
  })

  it("leaves 8 GB of 80 for CSM beside vLLM's shares", () => {
    const shares = engines.flatMap(({ command }) => command ?? [])
      .flatMap((argument) => /^--gpu-memory-utilization=(.*)$/.exec(argument)?.[1] ?? [])
      .map(Number)
    assert.strictEqual(shares.length, 2)
    assert.isAtLeast(80 * (1 - shares[0] - shares[1]), 8)
  })

  it("has the flags for voice", () => {
    const flags = services.llm.command ?? []
    for (const flag of ["--max-model-len=8192", "--limit-mm-per-prompt={\"image\":0}", "--async-scheduling"]) assert.include(flags, flag)
    assert.include(flags, `--served-model-name=${services.service.environment?.LLM_MODEL}`)
  })
})

describe("deploy/skypilot.yaml", () => {
  interface Task {
    readonly resources: { readonly accelerators: Readonly<Record<string, number>>; readonly disk_size: number }
    readonly secrets: Readonly<Record<string, unknown>>
    readonly run: string
    readonly setup: string
  }
  const [task] = documents("deploy/skypilot.yaml") as ReadonlyArray<Task>

  it("has only keys of SkyPilot's task", () => {
    const known = ["name", "workdir", "num_nodes", "resources", "envs", "secrets", "file_mounts", "setup", "run", "service"]
    assert.includeMembers(known, Object.keys(task))
  })

  it("takes one GPU and the compose file, and asks for the token", () => {
    assert.deepStrictEqual(Object.values(task.resources.accelerators), [1, 1])
    assert.isTrue("HF_TOKEN" in task.secrets && task.secrets.HF_TOKEN === null)
    const files = [...`${task.setup}${task.run}`.matchAll(/-f (\S+)/g)].map(([, file]) => file)
    assert.deepStrictEqual([...new Set(files)], ["deploy/compose.gpu.yaml"])
  })
})
