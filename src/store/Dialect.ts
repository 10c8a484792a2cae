/**
 * How SQL text and its parameters differ between SQLite and Postgres.
 */

export type Dialect = "sqlite" | "pg"

/**
 * Replaces each `?` of a text with the database's placeholder. Postgres has numbered placeholders (`$1`, `$2`). The text must have a `?` only
 * where a parameter stands.
 */
export const placeholders = (dialect: Dialect, text: string): string => {
  if (dialect === "sqlite") return text
  let count = 0
  return text.replaceAll("?", () => `$${++count}`)
}

export type Parameter = string | number | null

/**
 * Converts a parameter for the database. Postgres gets a number as text and converts the text to the column's type. With plain numbers the
 * driver would prepare a statement again for each combination of integers and fractions. Postgres refuses a text with U+0000, so U+FFFD
 * replaces that character.
 */
export const parameter = (dialect: Dialect, value: Parameter): Parameter => {
  if (dialect === "sqlite" || value === null) return value
  const text = String(value)
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text
}
