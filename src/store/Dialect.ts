/**
 * What the two databases need told differently, below `effect/sql`: for statements that are written often, and so are plain text.
 */

export type Dialect = "sqlite" | "pg"

/** The text with `?` for each parameter, as the database has it: Postgres counts them. No `?` may stand for itself. */
export const placeholders = (dialect: Dialect, text: string): string => {
  if (dialect === "sqlite") return text
  let count = 0
  return text.replaceAll("?", () => `$${++count}`)
}

export type Parameter = string | number | null

/**
 * A parameter as the database takes it. Postgres gets numbers as text, whose type is the column's: otherwise a statement would be prepared
 * again for each mixture of whole and broken numbers. It has no character U+0000 in texts.
 */
export const parameter = (dialect: Dialect, value: Parameter): Parameter => {
  if (dialect === "sqlite" || value === null) return value
  const text = String(value)
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text
}
