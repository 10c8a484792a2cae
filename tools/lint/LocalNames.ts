/** The names in one file that stand for texts, for `createRequire` or for `require`. They tell which module or file a call means. */
import ts from "typescript"
import { unwrap, memberName } from "./Syntax.ts"

export class LocalNames {
  /** Constants whose value is a text. A name with two values has `undefined`. */
  readonly #constants = new Map<string, string | undefined>()
  /** Names of `createRequire`. */
  readonly #makers = new Set(["createRequire"])
  /** Names of `require`, and of the results of `createRequire`. */
  readonly #requires = new Set(["require"])

  /** Reads the whole file first, since a constant may stand below the function that uses it. */
  constructor(file: ts.SourceFile) {
    this.#learn(file)
  }

  /** The text of a literal, or of a constant that names one. */
  textOf(node: ts.Expression): string | undefined {
    const inner = unwrap(node)
    if (ts.isStringLiteralLike(inner)) return inner.text
    return ts.isIdentifier(inner) ? this.#constants.get(inner.text) : undefined
  }

  /** Whether this is `createRequire`. */
  isMaker(node: ts.Expression): boolean {
    const inner = unwrap(node)
    return ts.isIdentifier(inner) ? this.#makers.has(inner.text) : memberName(inner) === "createRequire"
  }

  /** Whether this is `require`, or a result of `createRequire`. */
  isRequire(node: ts.Expression): boolean {
    const inner = unwrap(node)
    if (ts.isIdentifier(inner)) return this.#requires.has(inner.text)
    return ts.isCallExpression(inner) && this.isMaker(inner.expression)
  }

  #learn(node: ts.Node): void {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      const { text } = node.name
      const value = unwrap(node.initializer)
      if (ts.isCallExpression(value) && this.isMaker(value.expression)) this.#requires.add(text)
      if (ts.isStringLiteralLike(value)) this.#constants.set(text, this.#constants.has(text) ? undefined : value.text)
      else if (this.#constants.has(text)) this.#constants.set(text, undefined)
    }
    if (ts.isImportSpecifier(node) && node.propertyName?.text === "createRequire") this.#makers.add(node.name.text)
    ts.forEachChild(node, (child) => this.#learn(child))
  }
}
