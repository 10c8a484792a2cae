import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { names as variables } from "../../../src/config/variables/Variables.ts"
import * as Metrics from "../../../src/observability/Metrics.ts"
import { documents, isPinned, names, project, read } from "../../support/service/DeployFiles.ts"

const base = "deploy/kubernetes/base"

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
  readonly failureThreshold?: number
}

/** The fields of a pod and of a container that the tests read. */
interface SecurityContext {
  readonly runAsNonRoot?: boolean
  readonly seccompProfile?: { readonly type: string }
  readonly allowPrivilegeEscalation?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly capabilities?: { readonly drop?: ReadonlyArray<string>; readonly add?: ReadonlyArray<string> }
}

interface Container {
  readonly securityContext?: SecurityContext
  readonly name: string
  readonly image: string
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: ReadonlyArray<string> } } }
  readonly resources: { readonly limits: Readonly<Record<string, unknown>> }
  readonly volumeMounts: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>
}

interface Pod {
  readonly securityContext?: SecurityContext
  readonly terminationGracePeriodSeconds?: number
  readonly containers: readonly [Container]
  readonly volumes: ReadonlyArray<{ readonly name: string; readonly persistentVolumeClaim?: { readonly claimName: string } }>
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  /** Each kind has its own fields. */
  readonly spec?: any
  readonly data?: Readonly<Record<string, string>>
}

const filesOf = (folder: string) => names(folder).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml" && !name.includes(".values."))

const manifests = filesOf(base).flatMap((name) => documents(`${base}/${name}`) as ReadonlyArray<Manifest>)
const scale = "deploy/kubernetes/scale"
const scaled = filesOf(scale).flatMap((name) => documents(`${scale}/${name}`) as ReadonlyArray<Manifest>)
const autoscaler = scaled.find(({ kind }) => kind === "HorizontalPodAutoscaler")!

const find = (kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  assert.isDefined(found, `${kind} ${name}`)
  return found!
}

const podOf = (name: string): Pod => find("Deployment", name).spec.template.spec

/** `apps/v1` and `Deployment` are `IoK8sApiAppsV1Deployment`; the first part of a group's name counts. */
const schemaOf = ({ apiVersion, kind }: Manifest) => {
  const parts = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion]
  return `IoK8sApi${[parts[0].split(".")[0], parts[1], kind].map((part) => part[0].toUpperCase() + part.slice(1)).join("")}`
}

/** A copy that notes the path of every key that is read. The schema's validators read all keys that they know, and no others. */
const watched = (value: unknown, path: string, seen: Set<string>): unknown =>
  typeof value !== "object" || value === null ? value : new Proxy(value, {
    get: (target, key, receiver) => {
      seen.add(`${path}/${String(key)}`)
      return watched(Reflect.get(target, key, receiver), `${path}/${String(key)}`, seen)
    }
  })

const pathsOf = (value: unknown, path: string): ReadonlyArray<string> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [`${path}/${key}`, ...pathsOf(inner, `${path}/${key}`)])

/** The mistakes by the schema of Kubernetes' API, and the keys that it does not have. */
const faults = async (manifest: Manifest): Promise<ReadonlyArray<string>> => {
  const { validate } = await import(/* @vite-ignore */ `kubernetes-models/_schemas/${schemaOf(manifest)}`)
  const seen = new Set<string>()
  validate(watched(manifest, "", seen))
  const errors = (validate.errors ?? []) as ReadonlyArray<{ readonly instancePath: string; readonly message?: string; readonly keyword: string }>
  // The validators do not look into a wrong value, so its keys count as known.
  return errors.length > 0
    ? errors.map((error) => `${error.instancePath}: ${error.message ?? error.keyword}`)
    : pathsOf(manifest, "").filter((path) => !seen.has(path))
}

/** Several pods share the calls in one database, and no pod has data that another one needs. */
const assertScaled = (built: ReadonlyArray<Manifest>) => {
  const service = built.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "service")
  const { containers: [{ env }], topologySpreadConstraints, volumes } = service!.spec.template.spec
  assert.deepStrictEqual(env, [{ name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: "database", key: "DATABASE_URL" } } }])
  assert.include(variables, "DATABASE_URL")
  assert.deepStrictEqual(volumes.map((volume: Record<string, unknown>) => volume.emptyDir), [{}, {}])
  assert.strictEqual(topologySpreadConstraints[0].topologyKey, "kubernetes.io/hostname")
  assert.isAbove(autoscaler.spec.minReplicas, 1)
  const claims = built.filter(({ kind }) => kind === "PersistentVolumeClaim").map(({ metadata }) => metadata.name)
  assert.notInclude(claims, "data")
  for (const { kind, spec } of built) if (kind === "Service") assert.isUndefined(spec.sessionAffinity)
}

describe("deploy/kubernetes", () => {
  it("is valid by the schemas of Kubernetes' API, without unknown keys", async () => {
    assert.isAbove(manifests.length, 10)
    for (const manifest of [...manifests, ...scaled]) {
      assert.deepStrictEqual(await faults(manifest), [], `${manifest.kind} ${manifest.metadata.name}`)
    }
  })

  it("notices a wrong type, a missing field and a misspelt key", async () => {
    const good = find("Deployment", "llm")
    assert.include((await faults({ ...good, spec: { ...good.spec, replicas: "1" } }))[0], "/spec/replicas")
    assert.include((await faults({ ...good, spec: { replicas: 1 } }))[0], "/spec")
    assert.deepStrictEqual(await faults({ ...good, spec: { ...good.spec, replica: 1 } }), ["/spec/replica"])
  })

  it("lists every file in its kustomization", () => {
    for (const [folder, others] of [[base, []], [scale, ["../base"]]] as const) {
      const [kustomization] = documents(`${folder}/kustomization.yaml`) as ReadonlyArray<{ readonly resources: ReadonlyArray<string> }>
      assert.sameMembers([...kustomization.resources], [...others, ...filesOf(folder)])
    }
  })

  it("is accepted by kustomize if kubectl is installed", async () => {
    for (const folder of ["base", "scale"]) {
      const result = spawnSync("kubectl", ["kustomize", join(import.meta.dirname, "../../../deploy/kubernetes", folder)], { encoding: "utf8" })
      if (result.error !== undefined) return
      assert.strictEqual(result.status, 0, result.stderr)
      const built = parseAllDocuments(result.stdout).map((document) => document.toJS() as Manifest)
      const service = built.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "service")
      assert.strictEqual(service?.spec.replicas, folder === "base" ? 1 : undefined)
      assert.strictEqual(service?.spec.template.spec.containers[0].image, `registry.example.com/client-caller:${project.version}`)
      // With a database the service needs no volume claim of its own.
      assert.strictEqual(built.length, folder === "base" ? manifests.length : manifests.length + scaled.length - 1)
      for (const manifest of built) assert.deepStrictEqual(await faults(manifest), [], `${manifest.kind} ${manifest.metadata.name}`)
      if (folder === "scale") assertScaled(built)
    }
  })

  it("pins images, the same ones as the compose file", () => {
    const compose = read("deploy/compose.gpu.yaml")
    for (const name of ["service", "llm", "stt", "tts"]) {
      const [{ image }] = podOf(name).containers
      assert.isTrue(isPinned(image), image)
      assert.include(compose, `image: ${image}\n`)
    }
  })

  it("gives one GPU to each engine and keeps its weights", () => {
    for (const name of ["llm", "stt", "tts"]) {
      const pod = podOf(name)
      assert.strictEqual(pod.containers[0].resources.limits["nvidia.com/gpu"], 1)
      const weights = pod.volumes.find((volume) => volume.name === "weights")
      find("PersistentVolumeClaim", weights?.persistentVolumeClaim?.claimName ?? "none")
      assert.isDefined(pod.containers[0].volumeMounts.find((mount) => mount.name === "weights"))
      assert.isAtLeast(pod.containers[0].startupProbe.periodSeconds * (pod.containers[0].startupProbe.failureThreshold ?? 3), 900)
    }
  })

  it("probes existing paths, at the named port", () => {
    const paths = {
      service: { live: "/health", ready: "/ready" },
      llm: { live: "/health", ready: "/health" },
      stt: { live: "/health", ready: "/health" },
      tts: { live: "/health", ready: "/ready" }
    }
    const ours = { service: read("src/http/api/Api.ts"), tts: read("deploy/engines/csm/csm_server/app.py") }
    for (const [name, { live, ready }] of Object.entries(paths)) {
      const [container] = podOf(name).containers
      assert.strictEqual(container.livenessProbe.httpGet.path, live)
      assert.strictEqual(container.readinessProbe.httpGet.path, ready)
      for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
        assert.strictEqual(probe.httpGet.port, "http")
        assert.strictEqual(container.ports[0].name, "http")
        if (name in ours) assert.include(ours[name as keyof typeof ours], `"${probe.httpGet.path}"`)
      }
    }
  })

  it("gives the service variables that it knows, and engines at their services' ports", () => {
    const data = find("ConfigMap", "service").data ?? {}
    for (const name of Object.keys(data)) assert.include(variables, name)
    for (const url of [data.STT_URL, data.LLM_URL, data.TTS_URL]) {
      const { hostname, pathname, port } = new URL(url)
      assert.strictEqual(find("Service", hostname).spec.ports[0].port, Number(port))
      assert.strictEqual(podOf(hostname).containers[0].ports[0].containerPort, Number(port))
      assert.strictEqual(pathname, "/v1")
    }
  })

  it("lets live calls go on for as long as the service does", () => {
    const pod = podOf("service")
    const minutes = /^(\d+)m$/.exec(find("ConfigMap", "service").data?.SHUTDOWN_GRACE ?? "")?.[1]
    const [command, seconds] = pod.containers[0].lifecycle?.preStop.exec.command ?? []
    assert.strictEqual(command, "sleep")
    assert.isAbove(pod.terminationGracePeriodSeconds ?? 30, Number(minutes) * 60 + Number(seconds) + 5)
  })

  it("lets no pod be root, gain rights or write outside its volumes, and enforces this for the namespace", () => {
    for (const name of ["service", "llm", "stt", "tts"]) {
      const { containers: [container], securityContext: pod, volumes } = podOf(name)
      assert.deepInclude(pod, { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } }, name)
      assert.deepStrictEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] }
      }, name)
      assert.isDefined(container.resources.limits.memory, name)
      assert.includeMembers(container.volumeMounts.map(({ mountPath }) => mountPath), ["/tmp"], name)
      assert.sameMembers(container.volumeMounts.map((mount) => mount.name), volumes.map((volume) => volume.name), name)
    }
    const { labels } = find("Namespace", "client-caller").metadata as unknown as { readonly labels: Readonly<Record<string, string>> }
    assert.strictEqual(labels["pod-security.kubernetes.io/enforce"], "restricted")
  })

  it("lets pods reach the name server, the engines and the internet by HTTPS, and nothing else", () => {
    for (const name of ["engines", "service"]) {
      const { egress, policyTypes } = find("NetworkPolicy", name).spec
      assert.sameMembers(policyTypes, ["Ingress", "Egress"])
      const rules = egress as ReadonlyArray<{
        readonly to: ReadonlyArray<{ readonly ipBlock?: { readonly cidr: string; readonly except: ReadonlyArray<string> } }>
        readonly ports: ReadonlyArray<{ readonly port: number }>
      }>
      for (const { ports, to } of rules) {
        assert.isAbove(to.length, 0)
        assert.isAbove(ports.length, 0)
      }
      const outside = rules.filter(({ to }) => to.some(({ ipBlock }) => ipBlock !== undefined))
      assert.deepStrictEqual(outside.map(({ ports }) => ports), [[{ port: 443 }]])
      const [four, six] = outside[0].to.map(({ ipBlock }) => ipBlock!)
      assert.includeMembers([...four.except], ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"])
      assert.includeMembers([...six.except], ["fc00::/7", "fe80::/10"])
    }
    const toEngines = (find("NetworkPolicy", "service").spec.egress as ReadonlyArray<{ readonly ports: ReadonlyArray<{ readonly port: number }> }>)[1]
    const ports = ["llm", "stt", "tts"].map((name) => podOf(name).containers[0].ports[0].containerPort)
    assert.sameMembers(toEngines.ports.map(({ port }) => port), [...new Set(ports)])
  })

  it("serves live calls while their pod drains, and sends it no new ones", () => {
    const paths = find("Ingress", "service").spec.rules[0].http.paths as ReadonlyArray<{
      readonly path: string
      readonly backend: { readonly service: { readonly name: string } }
    }>
    const live = paths.filter(({ backend }) => backend.service.name === "service-live").map(({ path }) => path)
    assert.sameMembers(live, ["/ws", "/twilio"])
    const { publishNotReadyAddresses, ...rest } = find("Service", "service-live").spec
    assert.isTrue(publishNotReadyAddresses)
    assert.deepStrictEqual(rest, find("Service", "service").spec)
    assert.include(read("deploy/kubernetes/scale/kustomization.yaml"), "path: /spec/publishNotReadyAddresses\n        value: false")
  })

  it("sends Twilio's requests through, keeps a WebSocket open for an hour, and shows no metrics", () => {
    const ingress = find("Ingress", "service") as Manifest & { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } }
    const paths = ingress.spec.rules[0].http.paths as ReadonlyArray<{ readonly path: string }>
    assert.includeMembers(paths.map(({ path }) => path), ["/twiml", "/ws", "/twilio", "/call"])
    assert.notInclude(paths.map(({ path }) => path), "/metrics")
    assert.strictEqual(ingress.metadata.annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"], "3600")
  })

  it("selects existing pods", () => {
    const known = ["service", "llm", "stt", "tts"]
    const labels = [...manifests, ...scaled].flatMap((manifest) => [...JSON.stringify(manifest.spec ?? {}).matchAll(/"app\.kubernetes\.io\/name":"(\w+)"/g)])
    assert.isAbove(labels.length, 10)
    for (const [, label] of labels) assert.include(known, label)
    assert.deepStrictEqual(find("NetworkPolicy", "engines").spec.podSelector.matchExpressions[0].values, ["llm", "stt", "tts"])
  })

  it("scales by a metric that the service has", () => {
    const metric = autoscaler.spec.metrics[0].pods.metric.name as string
    assert.strictEqual(Metrics.callsLive("Streaming", "inbound").id, metric)
    assert.include(read("deploy/kubernetes/scale/prometheus-adapter.values.yaml"), `seriesQuery: ${metric}{`)
    assert.isBelow(Number(autoscaler.spec.metrics[0].pods.target.averageValue), Number(find("ConfigMap", "service").data?.MAX_CALLS))
  })
})
