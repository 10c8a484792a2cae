/**
 * How a file names others: every way that JavaScript and TypeScript have to name a module or a file beside it.
 *
 * Static imports and exports, `import type`, `import("…")` as a value and as a type, `require`, `createRequire`, module augmentations,
 * `/// <reference>`, `import.meta.resolve`, `process.getBuiltinModule`, and `import.meta.url` handed to a call (`new URL("…", import.meta.url)`,
 * which is how the file of a thread is named). A name that can't be read here is a problem of its own: it must be a literal, or a
 * constant of the same file.
 */
import { builtinModules } from "node:module"
import ts from "typescript"

export interface Reference {
  readonly name: string
  /** Only a type: nothing of it is left when the program runs. */
  readonly isType: boolean
  /** Given to a call together with `import.meta.url`, so that `x` means `./x`. */
  readonly isBeside: boolean
  readonly start: number
}

/** A name that this check can't read, for instance `import(name)`. */
export interface Unreadable {
  readonly problem: string
  readonly start: number
}

export interface References {
  readonly references: ReadonlyArray<Reference>
  readonly unreadable: ReadonlyArray<Unreadable>
}

const builtin = new Set(builtinModules)

/** Node takes `fs` for `node:fs`; here it has one name. */
export const packageName = (name: string): string => builtin.has(name) ? `node:${name}` : name

/** What is left without parentheses, `as`, `satisfies` and `!`. */
export const bare = (node: ts.Expression): ts.Expression =>
  ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isNonNullExpression(node) ||
    ts.isTypeAssertionExpression(node)
    ? bare(node.expression)
    : node

/** `a` of `x.a` and of `x["a"]`. */
export const memberName = (node: ts.Expression): string | undefined => {
  if (ts.isPropertyAccessExpression(node)) return node.name.text
  if (ts.isElementAccessExpression(node)) {
    const key = bare(node.argumentExpression)
    return ts.isStringLiteralLike(key) ? key.text : undefined
  }
  return undefined
}

const isMeta = (node: ts.Node): boolean => ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword

const isMetaUrl = (node: ts.Expression): boolean => {
  const inner = bare(node)
  return ts.isPropertyAccessExpression(inner) && isMeta(inner.expression) && inner.name.text === "url"
}

/** Members of `import.meta` that name no file. */
const harmlessMeta = new Set(["main", "url", "resolve"])

export const referencesOf = (file: ts.SourceFile): References => {
  const references: Array<Reference> = []
  const unreadable: Array<Unreadable> = []
  /** Constants of this file with a text for their value; a name with two values is none of them. */
  const constants = new Map<string, string | undefined>()
  /** Local names of `createRequire`, and of what it made. */
  const makers = new Set(["createRequire"])
  const requires = new Set(["require"])

  const textOf = (node: ts.Expression): string | undefined => {
    const inner = bare(node)
    if (ts.isStringLiteralLike(inner)) return inner.text
    return ts.isIdentifier(inner) ? constants.get(inner.text) : undefined
  }
  const isMaker = (node: ts.Expression): boolean => {
    const inner = bare(node)
    return ts.isIdentifier(inner) ? makers.has(inner.text) : memberName(inner) === "createRequire"
  }
  const isRequire = (node: ts.Expression): boolean => {
    const inner = bare(node)
    if (ts.isIdentifier(inner)) return requires.has(inner.text)
    return ts.isCallExpression(inner) && isMaker(inner.expression)
  }

  const add = (name: string, node: ts.Node, more: { readonly isType?: boolean; readonly isBeside?: boolean } = {}): void => {
    references.push({ name, isType: more.isType === true, isBeside: more.isBeside === true, start: node.getStart(file) })
  }
  const complain = (problem: string, node: ts.Node): void => {
    unreadable.push({ problem, start: node.getStart(file) })
  }
  const addArgument = (call: ts.CallExpression | ts.NewExpression, what: string): void => {
    const argument = call.arguments?.[0]
    const name = argument === undefined ? undefined : textOf(argument)
    if (name === undefined) complain(`${what} needs a literal: what it names can't be read here`, call)
    else add(name, call)
  }

  /** Names are taken before they are used, since a constant may stand below the function that uses it. */
  const learn = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      const { text } = node.name
      const value = bare(node.initializer)
      if (ts.isCallExpression(value) && isMaker(value.expression)) requires.add(text)
      if (ts.isStringLiteralLike(value)) constants.set(text, constants.has(text) ? undefined : value.text)
      else if (constants.has(text)) constants.set(text, undefined)
    }
    if (ts.isImportSpecifier(node) && node.propertyName?.text === "createRequire") makers.add(node.name.text)
    ts.forEachChild(node, learn)
  }

  /** `import.meta.url` beside other arguments: those name files beside this module. */
  const visitMetaCall = (call: ts.CallExpression | ts.NewExpression): void => {
    const others = (call.arguments ?? []).filter((argument) => !isMetaUrl(argument))
    if (others.length === (call.arguments?.length ?? 0)) return
    if (ts.isCallExpression(call) && isMaker(call.expression)) return
    for (const argument of others) {
      const name = textOf(argument)
      if (name === undefined) complain("a file named beside import.meta.url needs a literal: what it names can't be read here", argument)
      else add(name, argument, { isBeside: true })
    }
  }

  const visitCall = (node: ts.CallExpression): void => {
    const callee = bare(node.expression)
    if (callee.kind === ts.SyntaxKind.ImportKeyword) return addArgument(node, "import()")
    if (isRequire(callee)) return addArgument(node, "require()")
    const member = memberName(callee)
    if (member === "getBuiltinModule") return addArgument(node, "process.getBuiltinModule()")
    if (member === "resolve" && (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee))) {
      if (isMeta(callee.expression)) return addArgument(node, "import.meta.resolve()")
      if (isRequire(callee.expression)) return addArgument(node, "require.resolve()")
    }
    visitMetaCall(node)
  }

  const visitNew = (node: ts.NewExpression): void => {
    const callee = bare(node.expression)
    const name = ts.isIdentifier(callee) ? callee.text : memberName(callee)
    const [first] = node.arguments ?? []
    if (name === "Worker" && first !== undefined && ts.isStringLiteralLike(bare(first))) {
      complain("a thread's file is named by new URL(\"./…\", import.meta.url): a text is looked for where the process began", node)
    }
    visitMetaCall(node)
  }

  const visitMeta = (node: ts.PropertyAccessExpression): void => {
    const name = node.name.text
    if (!harmlessMeta.has(name)) complain(`import.meta.${name} hides which file is meant: write new URL("./…", import.meta.url)`, node)
    else if (name === "url") {
      let parent = node.parent
      while (ts.isParenthesizedExpression(parent) || ts.isAsExpression(parent) || ts.isNonNullExpression(parent)) parent = parent.parent
      if (!(ts.isCallExpression(parent) || ts.isNewExpression(parent))) {
        complain("import.meta.url must be an argument beside the file's name: kept in a variable it hides which file is meant", node)
      }
    }
  }

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      // `import { type A }` still loads the module; `import type { A }` does not.
      add(node.moduleSpecifier.text, node.moduleSpecifier, { isType: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword })
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.moduleSpecifier, { isType: node.isTypeOnly })
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      const name = textOf(node.moduleReference.expression)
      if (name !== undefined) add(name, node.moduleReference, { isType: node.isTypeOnly })
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      add(node.argument.literal.text, node.argument, { isType: true })
    } else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) {
      add(node.name.text, node.name, { isType: true })
    } else if (ts.isCallExpression(node)) visitCall(node)
    else if (ts.isNewExpression(node)) visitNew(node)
    else if (ts.isPropertyAccessExpression(node) && isMeta(node.expression)) visitMeta(node)
    else if (isMeta(node) && !ts.isPropertyAccessExpression(node.parent)) {
      complain("write import.meta.url or import.meta.main: what import.meta names here can't be read", node)
    }
    ts.forEachChild(node, visit)
  }

  learn(file)
  visit(file)
  for (const { fileName, pos } of [...file.referencedFiles, ...file.typeReferenceDirectives]) {
    references.push({ name: fileName, isType: true, isBeside: file.referencedFiles.some((reference) => reference.pos === pos), start: pos })
  }
  return { references, unreadable }
}
