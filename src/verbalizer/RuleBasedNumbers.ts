/**
 * Writes numbers in words with CLDR's rule-based number formats (RBNF), the data that ICU's `RuleBasedNumberFormat` reads.
 *
 * A rule set is a list of rules, each with a base value. A number is written by the rule with the largest base that is not
 * above the number. In a rule's text `←…←` is the number divided by the rule's divisor, `→…→` is the remainder, and `=…=` is the
 * number itself. `[…|…]` is its first part if there is a remainder, and otherwise its second part or nothing. `$(cardinal,…)$` picks a
 * plural form.
 *
 * https://unicode.org/reports/tr35/tr35-numbers.html#Rule-Based_Number_Formatting
 */

/**
 * Rule sets by name. A rule consists of a descriptor and a text. The descriptor is the base value (`20`), which may have the radix of the
 * divisor after it (`1100/100`), or it is `-x` (negative numbers), `x.x` or `x,x` (decimals).
 */
export type RuleSets = Readonly<Record<string, ReadonlyArray<readonly [descriptor: string, text: string]>>>

interface RuleBasedNumbers {
  readonly has: (ruleSet: string) => boolean
  /** The number, a safe integer, in the words of a rule set, such as `spellout-cardinal`. */
  readonly format: (number: number, ruleSet: string) => string
  /** The word between a number and its decimals, if the rule set has one: "point", "Komma". */
  readonly decimalWord: (ruleSet: string, separator: "." | ",") => string | undefined
}

type Piece =
  | { readonly _tag: "Literal"; readonly text: string }
  /** `by`: the rule set that writes the number. Empty: the piece's own rule set. A pattern such as `#,##0`: the number stays in figures. */
  | { readonly _tag: "Substitution"; readonly of: "quotient" | "remainder" | "same"; readonly by: string }
  | { readonly _tag: "Plural"; readonly type: "cardinal" | "ordinal"; readonly forms: Readonly<Record<string, string>> }
  | { readonly _tag: "Optional"; readonly withRemainder: ReadonlyArray<Piece>; readonly without: ReadonlyArray<Piece> }

interface Rule {
  readonly base: number
  readonly divisor: number
  readonly pieces: ReadonlyArray<Piece>
}

interface RuleSet {
  readonly rules: ReadonlyArray<Rule>
  /** The texts of the rules without a base value, by descriptor: `-x`, `x.x`. */
  readonly special: ReadonlyMap<string, string>
}

/** The deepest recursion. It is reached only if, by an error in the data, a rule set calls itself endlessly. */
const maxDepth = 64

const substitutions = { "←": "quotient", "→": "remainder", "=": "same" } as const

const pluralPattern = /^\$\((cardinal|ordinal),((?:[a-z]+\{[^}]*\})+)\)\$/

const parseText = (text: string): ReadonlyArray<Piece> => {
  const pieces: Array<Piece> = []
  const literal = (part: string) => {
    if (part.length > 0) pieces.push({ _tag: "Literal", text: part })
  }
  let at = 0
  let from = 0
  while (at < text.length) {
    const sign = text[at]
    if (sign === "[") {
      literal(text.slice(from, at))
      const end = text.indexOf("]", at)
      const [withRemainder, without = ""] = text.slice(at + 1, end).split("|")
      pieces.push({ _tag: "Optional", withRemainder: parseText(withRemainder), without: parseText(without) })
      from = at = end + 1
    } else if (sign === "$") {
      literal(text.slice(from, at))
      const plural = pluralPattern.exec(text.slice(at))
      if (plural === null) throw new TypeError(`A plural in CLDR's data can't be read: ${text}`)
      const forms = Object.fromEntries(Array.from(plural[2].matchAll(/([a-z]+)\{([^}]*)\}/g), ([, name, form]) => [name, form]))
      pieces.push({ _tag: "Plural", type: plural[1] as "cardinal" | "ordinal", forms })
      from = at = at + plural[0].length
    } else if (sign === "←" || sign === "→" || sign === "=") {
      literal(text.slice(from, at))
      const end = text.indexOf(sign, at + 1)
      pieces.push({ _tag: "Substitution", of: substitutions[sign], by: text.slice(at + 1, end) })
      from = at = end + 1
    } else {
      at++
    }
  }
  literal(text.slice(from))
  return pieces
}

/** Removes the final `;` and the initial `'` of a rule's text, and soft hyphens (U+00AD). */
const clean = (text: string): string => text.replace(/;$/, "").replace(/^'/, "").replaceAll("\u00AD", "")

const parseSet = (rules: RuleSets[string]): RuleSet => {
  const special = new Map<string, string>()
  const parsed: Array<Rule> = []
  for (const [descriptor, text] of rules) {
    const numeric = /^(\d+)(?:\/(\d+))?(>*)$/.exec(descriptor)
    if (numeric === null) {
      special.set(descriptor, clean(text))
      continue
    }
    const base = Number(numeric[1])
    const radix = Number(numeric[2] ?? 10)
    let divisor = 1
    while (divisor * radix <= base) divisor *= radix
    // Each `>` after the base value lowers the divisor by one power of the radix.
    for (const _ of numeric[3]) divisor = Math.max(1, divisor / radix)
    parsed.push({ base, divisor, pieces: parseText(clean(text)) })
  }
  return { rules: parsed.sort((one, other) => one.base - other.base), special }
}

const takesRemainder = ({ pieces }: Rule): boolean =>
  pieces.some((piece) =>
    piece._tag === "Optional"
      ? piece.withRemainder.some((inner) => inner._tag === "Substitution" && inner.of === "remainder")
      : piece._tag === "Substitution" && piece.of === "remainder"
  )

export const make = (language: string, data: RuleSets): RuleBasedNumbers => {
  const sets = new Map<string, RuleSet>()
  const plurals = { cardinal: new Intl.PluralRules(language), ordinal: new Intl.PluralRules(language, { type: "ordinal" }) }
  const decimal = new Intl.NumberFormat(language)

  const setOf = (name: string): RuleSet => {
    const known = sets.get(name)
    if (known !== undefined) return known
    const set = parseSet(data[`%${name}`] ?? data[`%%${name}`] ?? [])
    sets.set(name, set)
    return set
  }

  const ruleFor = ({ rules }: RuleSet, number: number): Rule | undefined => {
    const index = rules.findLastIndex(({ base }) => base <= number)
    if (index < 0) return undefined
    const rule = rules[index]
    // ICU's "rollback": if a rule's base is not a multiple of its divisor, the multiples of the divisor belong to the rule before it.
    const isRolledBack = index > 0 && rule.divisor > 1 && number % rule.divisor === 0 && rule.base % rule.divisor !== 0 && takesRemainder(rule)
    return isRolledBack ? rules[index - 1] : rule
  }

  const write = (number: number, name: string, depth: number): string => {
    const set = setOf(name)
    if (depth > maxDepth) return decimal.format(number)
    if (number < 0) {
      const minus = set.special.get("-x") ?? setOf("spellout-numbering").special.get("-x") ?? "−→→"
      return minus.replace(/→[^→]*→/, write(-number, name, depth + 1))
    }
    const rule = ruleFor(set, number)
    if (rule === undefined) return decimal.format(number)
    const remainder = number % rule.divisor
    const quotient = Math.floor(number / rule.divisor)
    const writeBy = (value: number, by: string): string =>
      by === "" ? write(value, name, depth + 1) : by.startsWith("%") ? write(value, by.replace(/^%+/, ""), depth + 1) : decimal.format(value)
    const writePieces = (pieces: ReadonlyArray<Piece>): string =>
      pieces.map((piece): string => {
        switch (piece._tag) {
          case "Literal":
            return piece.text
          case "Plural":
            return piece.forms[plurals[piece.type].select(quotient)] ?? piece.forms["other"] ?? ""
          case "Optional":
            return writePieces(remainder === 0 ? piece.without : piece.withRemainder)
          case "Substitution":
            return writeBy(piece.of === "quotient" ? quotient : piece.of === "remainder" ? remainder : number, piece.by)
        }
      }).join("")
    return writePieces(rule.pieces)
  }

  return {
    has: (ruleSet) => data[`%${ruleSet}`] !== undefined,
    format: (number, ruleSet) => write(number, ruleSet, 0),
    decimalWord: (ruleSet, separator) => {
      const { special } = setOf(ruleSet)
      const rule = special.get(separator === "," ? "x,x" : "x.x") ?? special.get("x.x")
      return rule === undefined ? undefined : /←\s*([^←→=]+?)\s*→/.exec(rule)?.[1]
    }
  }
}
