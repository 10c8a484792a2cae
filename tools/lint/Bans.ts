/**
 * Functions that `src` must not use, because Effect has them in a form that tests can replace and interruption can stop (STYLE,
 * section 11).
 *
 * A use is found in any spelling: `Date.now`, `Date["now"]`, `globalThis.Date.now`, `const { now } = Date`, an import from a module with
 * the same function, and an import under another name. A use through a variable (`const D = Date`) is not found.
 */
import ts from "typescript"
import { packageName } from "./References.ts"
import { unwrap, memberName } from "./Syntax.ts"

export interface Ban {
  /** `Date.now`: a member of an object. `setTimeout`: a global. `Date.*`: every member. `new Date()`: a construction without arguments. */
  readonly names: ReadonlyArray<string>
  /** Modules that export the same functions under these names. */
  readonly modules?: ReadonlyArray<string>
  readonly instead: string
  /** Files that may use it, each with the reason. */
  readonly except?: Readonly<Record<string, string>>
}

const effectRuns = ["Fork", "Promise", "PromiseExit", "Sync", "SyncExit", "Callback"].flatMap((kind) => [`Effect.run${kind}`, `Effect.run${kind}With`])

export const bans: ReadonlyArray<Ban> = [
  {
    names: ["Date.now", "new Date()", "performance.now", "process.hrtime"],
    modules: ["node:perf_hooks", "node:process"],
    instead: "Clock or DateTime",
    except: { "http/connections/RequestTurns.ts": "it measures, outside of any fiber, how long requests take in a turn of the event loop" }
  },
  { names: ["Math.random"], instead: "Random, or node:crypto for secrets" },
  {
    names: ["process.env"],
    modules: ["node:process"],
    instead: "a variable in config/variables",
    except: { "runtime/V8.ts": "Node's own variable, read before there is a Config" }
  },
  {
    names: ["console.*"],
    modules: ["node:console"],
    instead: "Effect.log, or Console where it is a program's output",
    except: { "observability/Telemetry.ts": "Effect's pretty logger writes to a console" }
  },
  {
    names: ["setTimeout", "setInterval"],
    modules: ["node:timers", "node:timers/promises"],
    instead: "Effect.sleep or a Schedule",
    except: {
      "Process.ts": "it ends the process when fibers do not",
      "http/connections/NodeServer.ts": "the server's own deadlines, which must hold even if no fiber runs",
      "http/Starting.ts": "it answers requests before the service's fibers run",
      "engines/embedded/soundswallower/SoundSwallowerThread.ts": "a thread of its own, which runs without Effect"
    }
  },
  {
    names: ["setImmediate"],
    modules: ["node:timers", "node:timers/promises"],
    instead: "Effect.yieldNow",
    except: {
      "runtime/NextTickScheduler.ts": "it is what Effect's fibers run on",
      "runtime/EventLoopTurn.ts": "long work of one call gives the others their turn",
      "http/connections/RequestTurns.ts": "requests take turns with the calls (docs/adr/0022)",
      "twilio/media/inbound/SlowMessages.ts": "messages that are costly to read take turns with other calls (docs/adr/0022)",
      "twilio/media/inbound/FrameQueue.ts": "it wakes a limited number of calls before sockets have their turn (docs/adr/0010)",
      "engines/embedded/soundswallower/SoundSwallowerThread.ts": "a thread of its own, which runs without Effect"
    }
  },
  { names: ["new Promise", "Promise.withResolvers"], instead: "Effect.callback or a Deferred" },
  {
    names: [...effectRuns, "Effect.forkDetach", "ManagedRuntime.*"],
    modules: ["effect/Effect", "effect/ManagedRuntime"],
    instead: "yield*, or a fork in a scope and a context that are known"
  }
]

/** `Date` for `Date.now`; `undefined` for `setTimeout`. */
const ownerOf = (name: string): string | undefined => /^(\w+)\./.exec(name)?.[1]

export interface Banned {
  readonly ban: Ban
  readonly name: string
  readonly start: number
}

const globals = new Set(["globalThis", "global", "window", "self"])

/** `Date` for `Date` and for `globalThis.Date`. */
const rootName = (node: ts.Expression): string | undefined => {
  const inner = unwrap(node)
  if (ts.isIdentifier(inner)) return inner.text
  if (!ts.isPropertyAccessExpression(inner) && !ts.isElementAccessExpression(inner)) return undefined
  const owner = unwrap(inner.expression)
  return ts.isIdentifier(owner) && globals.has(owner.text) ? memberName(inner) : undefined
}

/** Whether a name stands for a value here, and not for a member, a declaration or a type. */
const isValue = (node: ts.Identifier): boolean => {
  const { parent } = node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (ts.isTypeNode(parent) || ts.isQualifiedName(parent)) return false
  const isNameOf = "name" in parent && parent.name === node
  const isPropertyNameOf = "propertyName" in parent && parent.propertyName === node
  return !isNameOf && !isPropertyNameOf
}

/** All uses of banned functions, also in excepted files. */
export const usesOf = (file: ts.SourceFile): ReadonlyArray<Banned> => {
  const found: Array<Banned> = []
  const report = (name: string, node: ts.Node): void => {
    for (const ban of bans) if (ban.names.includes(name)) found.push({ ban, name, start: node.getStart(file) })
  }
  const reportMember = (owner: string, member: string, node: ts.Node): void => {
    report(`${owner}.${member}`, node)
    report(`${owner}.*`, node)
    if (globals.has(owner)) report(member, node)
  }
  const lastPart = (name: string): string => name.slice(name.lastIndexOf(".") + 1)

  const visitImport = (node: ts.ImportDeclaration): void => {
    if (!ts.isStringLiteral(node.moduleSpecifier)) return
    const module = packageName(node.moduleSpecifier.text)
    const { name: standard, namedBindings } = node.importClause ?? {}
    const elements = namedBindings !== undefined && ts.isNamedImports(namedBindings) ? namedBindings.elements : []
    const wholes = [standard, namedBindings !== undefined && ts.isNamespaceImport(namedBindings) ? namedBindings.name : undefined]
      .flatMap((whole) => whole?.text ?? [])
    for (const ban of bans) {
      const add = (name: string): void => {
        found.push({ ban, name, start: node.getStart(file) })
      }
      const isOf = (owner: string): boolean => ban.names.some((name) => ownerOf(name) === owner)
      for (const { name, propertyName = name } of elements) {
        // An import under its own name needs no report here, since uses of its members are found.
        if (isOf(propertyName.text) && name.text !== propertyName.text) add(`${propertyName.text} under another name`)
      }
      if (ban.modules?.includes(module) !== true) continue
      for (const { name, propertyName = name } of elements) {
        for (const banned of ban.names) {
          const isAllOf = banned.endsWith(".*") && /\w+$/.exec(module)?.[0] === ownerOf(banned)
          if (lastPart(banned) === propertyName.text || isAllOf) add(`${propertyName.text} of ${module}`)
        }
      }
      for (const whole of wholes) if (!isOf(whole)) add(`${module} as a whole`)
    }
  }

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) visitImport(node)
    else if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
      const owner = rootName(node.expression)
      const member = memberName(node)
      if (owner !== undefined && member !== undefined) reportMember(owner, member, node)
      else if (owner !== undefined) report(`${owner}.*`, node)
    } else if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer !== undefined) {
      const owner = rootName(node.initializer)
      for (const { name, propertyName } of node.name.elements) {
        const key = propertyName ?? name
        if (owner !== undefined && (ts.isIdentifier(key) || ts.isStringLiteral(key))) reportMember(owner, key.text, node)
      }
    } else if (ts.isNewExpression(node)) {
      const made = rootName(node.expression)
      if (made === "Date" && (node.arguments?.length ?? 0) === 0) report("new Date()", node)
      if (made !== undefined) report(`new ${made}`, node)
    } else if (ts.isCallExpression(node) && rootName(node.expression) === "Date") report("new Date()", node)
    else if (ts.isIdentifier(node) && isValue(node)) report(node.text, node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}
