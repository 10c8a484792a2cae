import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Logger, Option, Path, Schema, Scope, Stream } from "effect"
import { AgentFiles } from "../../../src/agent/file/AgentFile.ts"
import { Agents } from "../../../src/agent/Agents.ts"
import { ConversationFactory } from "../../../src/agent/ConversationFactory.ts"
import { echo } from "../../../src/agent/Echo.ts"
import { EngineFailed } from "../../../src/conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import { SpeechToText } from "../../../src/conversation/ports/SpeechToText.ts"
import { TextToSpeech } from "../../../src/conversation/ports/TextToSpeech.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import { CallParameters } from "../../../src/twilio/webhook/WebhookParameters.ts"
import { silent } from "../../support/conversation/Agents.ts"
import { accountSid, callSid } from "../../support/conversation/Samples.ts"
import { config } from "../../support/service/TestConfig.ts"

const build = (layer: Layer.Layer<Agents, unknown, never>) => Agents.pipe(Effect.provide(layer))

const receptionist = { ...silent, name: AgentName.make("receptionist") }
const two = Agents.layerWith([receptionist, silent])

describe("Agents", () => {
  it.effect("answers with the agent that AGENT names, and finds the others", () =>
    Effect.gen(function*() {
      const agents = yield* build(two.pipe(Layer.provide(config({ AGENT: "scripted" }))))
      assert.strictEqual(agents.standard, silent)
      assert.strictEqual(yield* agents.find("receptionist"), receptionist)
    }))

  it.effect("answers with the agent of the number that was called", () =>
    Effect.gen(function*() {
      const { forNumber, standard } = yield* build(two.pipe(
        Layer.provide(config({ AGENT: "scripted", AGENT_NUMBERS: "+14155550100=receptionist" }))
      ))
      assert.strictEqual(forNumber(Option.some(PhoneNumber.make("+14155550100"))), receptionist)
      assert.strictEqual(forNumber(Option.some(PhoneNumber.make("+14155550101"))), standard)
      assert.strictEqual(forNumber(Option.none()), standard)
    }))

  it.effect.each(["+14155550100", "sip:+14155550100@example.sip.twilio.com", "sips:%2B14155550100@example.com;user=phone", "whatsapp:+14155550100"])(
    "answers with the agent of the number in %s",
    (To) =>
      Effect.gen(function*() {
        const agents = yield* build(two.pipe(
          Layer.provide(config({ AGENT: "scripted", AGENT_NUMBERS: "whatsapp:+1 415 555 0100=receptionist" }))
        ))
        const webhook = yield* Schema.decodeUnknownEffect(CallParameters)({ AccountSid: accountSid, CallSid: callSid(), To })
        assert.strictEqual(agents.forNumber(webhook.To), receptionist)
      })
  )

  it.effect.each([{ AGENT: "ehco" }, { AGENT: "scripted", AGENT_NUMBERS: "+14155550100=ehco" }])(
    "does not start with an unknown agent, and lists those that there are: %j",
    (env) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(Effect.asVoid(Agents), two.pipe(Layer.provide(config(env)))))
        assert.strictEqual(error._tag, "UnknownAgent")
        assert.include(error.message, "\"ehco\"")
        assert.include(error.message, "receptionist, scripted")
      })
  )

  it.effect.each(["Echo", "echo ", "", "toString", "__proto__"])("finds nobody by the name %j", (name) =>
    Effect.gen(function*() {
      const agents = yield* build(Agents.layerWith([echo]).pipe(Layer.provide(config())))
      assert.strictEqual((yield* Effect.flip(agents.find(name))).agent, name)
    }))
})

// -- with files ----------------------------------------------------------------------------------

const Engines = Layer.mergeAll(
  Layer.succeed(SpeechToText, SpeechToText.of({ prepare: () => Effect.die("prepare"), unknownWords: () => Effect.succeed([]) })),
  Layer.succeed(TextToSpeech, TextToSpeech.of({ speak: () => Stream.die("speak"), prepare: () => Effect.void, voices: [] }))
)

/** A folder with agent files, and the names of the agents that were made and released. */
interface Scene {
  readonly folder: string
  readonly made: Array<string>
  readonly released: Array<string>
  readonly agents: (env: Record<string, string>) => Effect.Effect<Agents["Service"], { readonly message: string }, Scope.Scope>
}

const withFiles = <A, E>(
  files: Readonly<Record<string, string>>,
  test: (scene: Scene) => Effect.Effect<A, E, Scope.Scope>,
  agentOf: (definition: AgentDefinition) => Effect.Effect<void, EngineFailed> = () => Effect.void
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const folder = yield* fs.makeTempDirectoryScoped()
    for (const [name, text] of Object.entries(files)) yield* fs.writeFileString(path.join(folder, name), text)
    const made: Array<string> = []
    const released: Array<string> = []
    const Talking = Layer.succeed(
      ConversationFactory,
      ConversationFactory.of({
        engines: Effect.succeed([]),
        agentOf: (definition) =>
          Effect.gen(function*() {
            yield* agentOf(definition)
            made.push(definition.name)
            yield* Effect.addFinalizer(() => Effect.sync(() => void released.push(definition.name)))
            return { ...silent, name: definition.name }
          })
      })
    )
    const agents: Scene["agents"] = (env) =>
      Effect.map(
        Layer.build(Agents.layer.pipe(
          Layer.provide([AgentFiles.layer, Talking]),
          Layer.provide(Engines),
          Layer.provide(config(env)),
          Layer.provide(NodeServices.layer)
        )),
        (context) => Agents.pipe(Effect.provide(context))
      ).pipe(Effect.flatten)
    return yield* test({ folder, made, released, agents })
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("agents from files", () => {
  it.effect("are known by the name in the file: of AGENT, AGENT_NUMBERS and AGENTS_DIR", () =>
    withFiles(
      { "one.yaml": "name: shop", "two.yml": "name: bar", "three.txt": "not an agent", "four.yaml": "name: cinema" },
      ({ agents, folder, made }) =>
        Effect.gen(function*() {
          const { find, forNumber, standard } = yield* agents({
            AGENT: `${folder}/one.yaml`,
            AGENT_NUMBERS: `+14155550100=${folder}/two.yml,+14155550101=cinema`,
            AGENTS_DIR: folder
          })
          assert.strictEqual(standard.name, "shop")
          assert.strictEqual(forNumber(Option.some(PhoneNumber.make("+14155550100"))).name, "bar")
          assert.strictEqual(forNumber(Option.some(PhoneNumber.make("+14155550101"))).name, "cinema")
          assert.strictEqual((yield* find("echo")).name, "echo")
          assert.deepStrictEqual(made, ["cinema", "shop", "bar"])
        })
    ))

  it.effect("may transfer to numbers that the API would not dial, with a warning", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
      const transfers = ["  hotline: \"+19005550100\"", "  office: \"+14155550178\"", "  havana: \"+5351234567\"", "  self: \"+14155550100\""]
      yield* withFiles({ "one.yaml": `name: shop\ntransfers:\n${transfers.join("\n")}\n` }, ({ agents, folder }) =>
        Effect.gen(function*() {
          yield* agents({ AGENT: `${folder}/one.yaml`, DIAL_COUNTRIES: "US", TWILIO_PHONE_NUMBER: "+14155550100" })
        })).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(
        lines.map((line) => [/transfer "(\w+)"/.exec(line)?.[1], /\(rule ([\w-]+)\)/.exec(line)?.[1]]),
        [["hotline", "premium"], ["havana", "country"], ["self", "own-number"]]
      )
      assert.notMatch(lines.join(" "), /\d{7}/)
    }))

  it.effect("are released when the service stops", () =>
    withFiles({ "one.yaml": "name: shop" }, ({ agents, folder, released }) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.provide(agents({ AGENT: `${folder}/one.yaml` }), scope)
        assert.deepStrictEqual(released, [])
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(released, ["shop"])
      })))

  it.effect("include the built-in receptionist, loaded at start if it is chosen", () =>
    withFiles({}, ({ agents, made }) =>
      Effect.gen(function*() {
        const { standard } = yield* agents({ AGENT: "receptionist" })
        assert.strictEqual(standard.name, "receptionist")
        assert.deepStrictEqual(made, ["receptionist"])
      })))

  it.effect("include the built-in receptionist, loaded once at its first call if it is not chosen", () =>
    withFiles({}, ({ agents, made, released }) =>
      Effect.gen(function*() {
        const { find } = yield* agents({ AGENT: "echo" })
        assert.deepStrictEqual(made, [])
        const [one, other] = yield* Effect.all([find("receptionist"), find("receptionist")], { concurrency: "unbounded" })
        assert.strictEqual(one, other)
        assert.deepStrictEqual([made, released], [["receptionist"], []])
      })))

  it.effect("may replace the receptionist by taking its name, but not echo", () =>
    withFiles({ "mine.yaml": "name: receptionist", "echo.yaml": "name: echo" }, ({ agents, folder, made }) =>
      Effect.gen(function*() {
        yield* agents({ AGENT: `${folder}/mine.yaml` })
        assert.deepStrictEqual(made, ["receptionist"])
        const error = yield* Effect.flip(agents({ AGENT: `${folder}/echo.yaml` }))
        assert.match(error.message, /echo\.yaml: the name "echo" is taken: it is built in\./)
      })))

  it.effect("keep the service from starting if they have problems, and all problems of all files are reported", () =>
    withFiles(
      { "a.yaml": "name: shop", "b.yaml": "name: shop", "c.yaml": "name: x\ngreting: y", "d.yaml": "[" },
      ({ agents, folder, made }) =>
        Effect.gen(function*() {
          const { message } = yield* Effect.flip(agents({ AGENT: `${folder}/missing.yaml`, AGENTS_DIR: folder }))
          const lines = message.split("\n").map((line) => line.replace(folder, ""))
          assert.match(lines[0], /b\.yaml: the name "shop" is taken by .*a\.yaml/)
          assert.match(lines[1], /^\/c\.yaml:2:1: There is no key "greting"/)
          assert.match(lines[2], /^\/d\.yaml:\d+:\d+: This is not YAML/)
          assert.match(lines.at(-1)!, /missing\.yaml can't be found/)
          assert.deepStrictEqual(made, [])
        })
    ))

  it.effect("keep the service from starting if their webhooks go to a private network, unless that is allowed", () =>
    withFiles({ "shop.yaml": "name: shop\nwebhook: https://10.0.0.7/hunter2" }, ({ agents, folder, made }) =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(agents({ AGENT: `${folder}/shop.yaml` }))
        assert.match(message, /shop\.yaml: "webhook" is in a private network or on this machine\. Use a public address, or set WEBHOOK_PRIVATE_ADDRESSES=on\.$/)
        assert.notInclude(message, "hunter2")
        yield* agents({ AGENT: `${folder}/shop.yaml`, WEBHOOK_PRIVATE_ADDRESSES: "on" })
        assert.deepStrictEqual(made, ["shop"])
      })))

  it.effect("are reported if their folder does not exist", () =>
    withFiles({}, ({ agents, folder }) =>
      Effect.map(Effect.flip(agents({ AGENTS_DIR: `${folder}/nowhere` })), ({ message }) =>
        assert.match(message, /nowhere can't be found\. Check AGENT, AGENT_NUMBERS and AGENTS_DIR/))))

  it.effect("keep the service from starting if their engines fail, with the engine's message", () =>
    withFiles(
      {},
      ({ agents }) =>
        Effect.map(Effect.flip(agents({ AGENT: "receptionist" })), ({ message }) => assert.include(message, "Start the engine.")),
      () => Effect.fail(new EngineFailed({ stage: "textToSpeech", reason: "unavailable", advice: "Start the engine." }))
    ))

  it.effect("can't answer if they fail to load at their first call, while other agents can", () =>
    withFiles(
      {},
      ({ agents }) =>
        Effect.gen(function*() {
          const { find } = yield* agents({ AGENT: "echo" })
          const error = yield* Effect.flip(find("receptionist"))
          assert.match(error.message, /"receptionist" can't answer: .*Start the engine\./)
          assert.strictEqual((yield* find("echo")).name, "echo")
        }),
      () => Effect.fail(new EngineFailed({ stage: "textToSpeech", reason: "unavailable", advice: "Start the engine." }))
    ))
})
