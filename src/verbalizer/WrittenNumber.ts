/**
 * Reads numbers as people write them, with the separators of the text's own language or of another one.
 */

export interface WrittenNumber {
  readonly isNegative: boolean
  /** The digits before the decimal separator, without separators of thousands. */
  readonly whole: string
  readonly fraction?: string
}

/** The blanks between thousands, and between a number and its unit. */
export const blank = "[ \\u00A0\\u202F\\u2009]"

/** Matches a number without its sign: "1,250.50", "1 250,5", "1'250". All groups but the first have three digits. */
export const pattern = `(?:\\d{1,3}(?:[.,'’\\u00A0\\u202F\\u2009 ]\\d{3})+(?!\\d)(?:[.,]\\d+)?|\\d+(?:[.,]\\d+)?)(?![.,]?\\d)`

/** The decimal separator of a language. */
export const decimalOf = (language: string): string =>
  new Intl.NumberFormat(language).formatToParts(1.5).find(({ type }) => type === "decimal")?.value ?? "."

/**
 * Reads a text that {@link pattern} has matched. If the text has both "." and ",", the last of them separates decimals. If it has one of
 * them several times, they separate thousands. A single "." or "," separates thousands only before exactly three digits, and only if it is
 * not the language's decimal separator, no blank or apostrophe separates thousands, and the number does not begin with 0.
 */
export const read = (text: string, decimal: string, isNegative = false): WrittenNumber => {
  const plain = text.replace(/['’\u00A0\u202F\u2009 ]/g, "")
  const marks = plain.match(/[.,]/g) ?? []
  const last = Math.max(plain.lastIndexOf("."), plain.lastIndexOf(","))
  const mayEndThousands = (at: number) => at > 0 && plain.length - at === 4 && !plain.startsWith("0")
  const isDecimal = marks.length > 0 && (
    new Set(marks).size === 2 || (marks.length === 1 && (plain[last] === decimal || plain !== text || !mayEndThousands(last)))
  )
  const digits = (part: string) => part.replace(/[.,]/g, "")
  return isDecimal
    ? { isNegative, whole: digits(plain.slice(0, last)), fraction: plain.slice(last + 1) }
    : { isNegative, whole: digits(plain) }
}

export const valueOf = ({ fraction, isNegative, whole }: WrittenNumber): number =>
  Number(`${isNegative ? "-" : ""}${whole}${fraction === undefined ? "" : `.${fraction}`}`)
