/**
 * Finds the references of a file to other files, in every way in which JavaScript and TypeScript can name a module or file.
 *
 * They are static imports and exports, `import type`, `import("…")` as a value and as a type, `require`, `createRequire`, module
 * augmentations, `/// <reference>`, `import.meta.resolve`, `process.getBuiltinModule`, and calls with `import.meta.url` as an argument
 * (`new URL("…", import.meta.url)` names the file of a thread). A name must be a literal or a constant of the same file. Any other name
 * is reported as a problem, since it can't be read.
 */
import { builtinModules } from "node:module"
import ts from "typescript"
import { LocalNames } from "./LocalNames.ts"
import { unwrap, isMeta, isMetaUrl, memberName } from "./Syntax.ts"

export interface Reference {
  readonly name: string
  /** Whether it is an import of types only, which the program does not load. */
  readonly isType: boolean
  /** Whether it is an argument beside `import.meta.url`, so that `x` means `./x`. */
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

/** The name of a package or module. Node's own have one name: `fs` becomes `node:fs`. */
export const packageName = (name: string): string => builtin.has(name) ? `node:${name}` : name

/** Members of `import.meta` that name no file. */
const harmlessMeta = new Set(["main", "url", "resolve"])

/** Walks through a file and collects its references. */
class ReferenceCollector {
  readonly references: Array<Reference> = []
  readonly unreadable: Array<Unreadable> = []
  readonly #file: ts.SourceFile
  readonly #names: LocalNames

  constructor(file: ts.SourceFile) {
    this.#file = file
    this.#names = new LocalNames(file)
  }

  visit(node: ts.Node): void {
    if (ts.isCallExpression(node)) this.#visitCall(node)
    else if (ts.isNewExpression(node)) this.#visitNew(node)
    else if (ts.isPropertyAccessExpression(node) && isMeta(node.expression)) this.#visitMeta(node)
    else if (isMeta(node) && !ts.isPropertyAccessExpression(node.parent)) {
      this.#complain("write import.meta.url or import.meta.main: this use of import.meta can't be checked", node)
    } else this.#visitDeclaration(node)
    ts.forEachChild(node, (child) => this.visit(child))
  }

  #add(name: string, node: ts.Node, more: { readonly isType?: boolean; readonly isBeside?: boolean } = {}): void {
    this.references.push({ name, isType: more.isType === true, isBeside: more.isBeside === true, start: node.getStart(this.#file) })
  }

  #complain(problem: string, node: ts.Node): void {
    this.unreadable.push({ problem, start: node.getStart(this.#file) })
  }

  #addArgument(call: ts.CallExpression | ts.NewExpression, what: string): void {
    const argument = call.arguments?.[0]
    const name = argument === undefined ? undefined : this.#names.textOf(argument)
    if (name === undefined) this.#complain(`${what} needs a literal, because this check can't read any other name`, call)
    else this.#add(name, call)
  }

  /** Imports and exports, types of modules, and module augmentations. */
  #visitDeclaration(node: ts.Node): void {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      // `import { type A }` still loads the module; `import type { A }` does not.
      this.#add(node.moduleSpecifier.text, node.moduleSpecifier, { isType: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword })
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      this.#add(node.moduleSpecifier.text, node.moduleSpecifier, { isType: node.isTypeOnly })
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      const name = this.#names.textOf(node.moduleReference.expression)
      if (name !== undefined) this.#add(name, node.moduleReference, { isType: node.isTypeOnly })
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      this.#add(node.argument.literal.text, node.argument, { isType: true })
    } else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) {
      this.#add(node.name.text, node.name, { isType: true })
    }
  }

  #visitCall(node: ts.CallExpression): void {
    const callee = unwrap(node.expression)
    if (callee.kind === ts.SyntaxKind.ImportKeyword) return this.#addArgument(node, "import()")
    if (this.#names.isRequire(callee)) return this.#addArgument(node, "require()")
    const member = memberName(callee)
    if (member === "getBuiltinModule") return this.#addArgument(node, "process.getBuiltinModule()")
    if (member === "resolve" && (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee))) {
      if (isMeta(callee.expression)) return this.#addArgument(node, "import.meta.resolve()")
      if (this.#names.isRequire(callee.expression)) return this.#addArgument(node, "require.resolve()")
    }
    this.#visitBeside(node)
  }

  #visitNew(node: ts.NewExpression): void {
    const callee = unwrap(node.expression)
    const name = ts.isIdentifier(callee) ? callee.text : memberName(callee)
    const [first] = node.arguments ?? []
    if (name === "Worker" && first !== undefined && ts.isStringLiteralLike(unwrap(first))) {
      this.#complain("name a thread's file by new URL(\"./…\", import.meta.url): a plain path starts at the folder in which the process was started", node)
    }
    this.#visitBeside(node)
  }

  /** A call with `import.meta.url`: its other arguments name files beside this module. */
  #visitBeside(call: ts.CallExpression | ts.NewExpression): void {
    const others = (call.arguments ?? []).filter((argument) => !isMetaUrl(argument))
    if (others.length === (call.arguments?.length ?? 0)) return
    if (ts.isCallExpression(call) && this.#names.isMaker(call.expression)) return
    for (const argument of others) {
      const name = this.#names.textOf(argument)
      if (name === undefined) this.#complain("a file named beside import.meta.url needs a literal, because this check can't read any other name", argument)
      else this.#add(name, argument, { isBeside: true })
    }
  }

  #visitMeta(node: ts.PropertyAccessExpression): void {
    const name = node.name.text
    if (!harmlessMeta.has(name)) this.#complain(`import.meta.${name} hides which file is meant: write new URL("./…", import.meta.url)`, node)
    else if (name === "url") {
      let parent = node.parent
      while (ts.isParenthesizedExpression(parent) || ts.isAsExpression(parent) || ts.isNonNullExpression(parent)) parent = parent.parent
      if (!(ts.isCallExpression(parent) || ts.isNewExpression(parent))) {
        this.#complain("import.meta.url must be an argument beside the file's name, because a variable hides which file is meant", node)
      }
    }
  }
}

/** All modules and files that a file names, and the names that can't be read. */
export const referencesOf = (file: ts.SourceFile): References => {
  const collector = new ReferenceCollector(file)
  collector.visit(file)
  const directives = [...file.referencedFiles, ...file.typeReferenceDirectives].map(({ fileName, pos }): Reference => ({
    name: fileName,
    isType: true,
    isBeside: file.referencedFiles.some((reference) => reference.pos === pos),
    start: pos
  }))
  return { references: [...collector.references, ...directives], unreadable: collector.unreadable }
}
