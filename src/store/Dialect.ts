/**
 * The differences between the two databases in statements of plain SQL text, which bypass the templates of `effect/sql` (see `Statements`).
 */

export type Dialect = "sqlite" | "pg"

/**
 * Replaces each `?` of a text by the database's placeholder: those of Postgres have numbers. The text must not have a `?` for anything
 * else.
 */
export const placeholders = (dialect: Dialect, text: string): string => {
  if (dialect === "sqlite") return text
  let count = 0
  return text.replaceAll("?", () => `$${++count}`)
}

export type Parameter = string | number | null

/**
 * A parameter as the database takes it. Postgres gets numbers as text and gives them the column's type: otherwise it would prepare a
 * statement again for each mixture of integers and fractions. Its texts can't have the character U+0000.
 */
export const parameter = (dialect: Dialect, value: Parameter): Parameter => {
  if (dialect === "sqlite" || value === null) return value
  const text = String(value)
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text
}
