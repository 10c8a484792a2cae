/** Helpers about expressions, which several checks need. */
import ts from "typescript"

/** An expression without its parentheses, `as`, `satisfies` and `!`. */
export const unwrap = (node: ts.Expression): ts.Expression =>
  ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isNonNullExpression(node) ||
    ts.isTypeAssertionExpression(node)
    ? unwrap(node.expression)
    : node

/** `a` for `x.a` and for `x["a"]`. */
export const memberName = (node: ts.Expression): string | undefined => {
  if (ts.isPropertyAccessExpression(node)) return node.name.text
  if (ts.isElementAccessExpression(node)) {
    const key = unwrap(node.argumentExpression)
    return ts.isStringLiteralLike(key) ? key.text : undefined
  }
  return undefined
}

/** Whether this is `import.meta`. */
export const isMeta = (node: ts.Node): boolean => ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword

/** Whether this is `import.meta.url`. */
export const isMetaUrl = (node: ts.Expression): boolean => {
  const inner = unwrap(node)
  return ts.isPropertyAccessExpression(inner) && isMeta(inner.expression) && inner.name.text === "url"
}
