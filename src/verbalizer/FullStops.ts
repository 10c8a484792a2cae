/**
 * Distinguishes full stops of abbreviations and ordinals from full stops that end a sentence.
 */
import { languages } from "./Languages.ts"
import type { AbbreviationKind } from "./LanguageRules.ts"

/** Whether a sentence goes on after a full stop. `undecided`: more of the following text is needed. */
export type Decision = "goesOn" | "mayEnd" | "undecided"

interface FullStops {
  /** `before`: the text before the stop. `following`: the text after the stop and its blanks. */
  readonly decide: (before: string, following: string) => Decision
}

/** Languages that write ordinals with a full stop, also in dates: "3. Mai". */
const ordinalLanguages = new Set(["cs", "da", "de", "et", "fi", "fo", "hr", "bs", "sr", "hu", "is", "lb", "lv", "nb", "nn", "no", "pl", "sk", "sl", "tr", "eu"])

/** English, French, German and Spanish abbreviations that occur in texts of any language. */
const common: ReadonlyArray<readonly [written: string, kind: AbbreviationKind]> = [
  ...["dr", "mr", "mrs", "ms", "prof", "st", "rev", "gen", "col", "lt", "capt", "sgt", "hon", "mme", "mlle", "sr", "sra", "hr", "fr"]
    .map((word) => [`${word}.`, "title"] as const),
  ...["e.g.", "i.e.", "eg.", "ie.", "vs.", "cf.", "ca.", "z.b.", "p.ej.", "p.ex."].map((word) => [word, "inner"] as const),
  ...["no", "nr", "ext", "tel", "fig", "vol", "min", "max", "approx", "art", "p", "pp", "ch", "sec", "apt", "rm", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"]
    .map((word) => [`${word}.`, "number"] as const)
]

/** How many characters before a stop are read. All abbreviations are shorter. */
const lookBack = 48

const monthsOf = (language: string): ReadonlySet<string> => {
  const months = new Set<string>()
  for (let month = 0; month < 12; month++) {
    const date = new Date(Date.UTC(2024, month, 3))
    for (const width of ["long", "short"] as const) {
      const parts = new Intl.DateTimeFormat(language, { timeZone: "UTC", month: width, day: "numeric" }).formatToParts(date)
      const alone = new Intl.DateTimeFormat(language, { timeZone: "UTC", month: width }).format(date)
      for (const name of [parts.find(({ type }) => type === "month")?.value ?? alone, alone]) {
        const word = name.toLowerCase().replace(/\.$/, "")
        if (/^\p{L}{2,}$/u.test(word)) months.add(word)
      }
    }
  }
  return months
}

const noMonths: ReadonlySet<string> = new Set()

const make = (language: string): FullStops => {
  const rules = languages.get(language)
  const months = ordinalLanguages.has(language) ? monthsOf(language) : noMonths
  /** The kinds of abbreviations, by the abbreviation without its last stop. In German, "Fr." is a title and a weekday. */
  const kinds = new Map<string, Set<AbbreviationKind>>()
  /** Abbreviations with a stop inside, such as "z.B.", cut in two at that stop. */
  const splitAbbreviations: Array<readonly [firstPart: string, secondPart: string]> = []
  const own = rules?.abbreviations.map(([written, , kind]) => [written.toLowerCase(), kind] as const) ?? []
  for (const [written, kind] of [...common, ...own]) {
    if (!written.endsWith(".")) continue
    kinds.set(written.slice(0, -1), new Set([...kinds.get(written.slice(0, -1)) ?? [], kind]))
    const parts = written.slice(0, -1).split(".")
    for (let index = 1; index < parts.length; index++) splitAbbreviations.push([parts.slice(0, index).join("."), parts.slice(index).join(".")])
  }

  /** The texts before the stop that may be an abbreviation: the last word, its part after a hyphen, and letters with stops between ("z. B"). */
  const candidates = (before: string): ReadonlyArray<string> => {
    const tail = before.slice(-lookBack).toLowerCase()
    const last = /[\p{L}\p{N}.-]*$/u.exec(tail)?.[0] ?? ""
    const spaced = /(?:\p{L}{1,3}\.\s?){1,4}\p{L}{1,3}$/u.exec(tail)?.[0].replace(/\s/g, "")
    return spaced === undefined ? [last, last.replace(/^.*-/, "")] : [spaced, last, last.replace(/^.*-/, "")]
  }

  return {
    decide: (before, following) => {
      const words = candidates(before)
      const next = following.toLowerCase()
      for (const [firstPart, secondPart] of splitAbbreviations) {
        if (!words.includes(firstPart)) continue
        const written = `${secondPart}.`
        const compact = next.replace(/\s/g, "")
        if (compact.startsWith(written)) return "goesOn"
        if (written.startsWith(compact)) return "undecided"
      }
      for (const word of words) {
        const known = kinds.get(word)
        if (known === undefined) continue
        if (known.has("title") || known.has("inner")) return "goesOn"
        if (known.has("number") && /^[\d+(]/.test(following)) return "goesOn"
      }
      if (months.size === 0 || !/(?:^|[^\p{L}\p{N}.,])\d{1,3}$/u.test(before)) return "mayEnd"
      // Only a complete word shows whether it is a month or another noun.
      const nextWord = /^[\p{L}\p{M}]*/u.exec(following)?.[0] ?? ""
      if (nextWord.length === 0) return "mayEnd"
      if (nextWord.length === following.length) return "undecided"
      if (months.has(nextWord.toLowerCase())) return "goesOn"
      const number = /\d{1,3}$/.exec(before)?.[0] ?? ""
      const isOrdinal = rules?.ordinalWithStop?.(before.slice(0, before.length - number.length).slice(-lookBack), ` ${following}`) !== undefined
      return isOrdinal ? "goesOn" : "mayEnd"
    }
  }
}

const languageStops = new Map<string, FullStops>()

/**
 * The rules for full stops in a language (BCP 47). A language without rules of its own has only the common abbreviations and, if it writes
 * ordinals with a full stop, the ordinals before months.
 */
export const of = (tag: string): FullStops => {
  const language = tag.toLowerCase().split(/[-_]/)[0]
  const known = languageStops.get(language) ?? make(/^[a-z]{2,3}$/.test(language) ? language : "en")
  languageStops.set(language, known)
  return known
}
