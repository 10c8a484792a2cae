/**
 * Signs that are said as words: signs between figures, signs between words, and the keys of a telephone.
 */
import { beforeOf, type Language, match, type Rule, stickyPattern } from "./Rule.ts"

export const make = ({ rules: { language, signs } }: Language): Rule => {
  const and = new Intl.ListFormat(language).formatToParts(["1", "2"]).find(({ type }) => type === "literal")?.value.trim() ?? "&"
  const endsWithFigure = /\d\s?$/
  const beginsWithFigure = /^\s?[\d(]/
  const programmingLanguage = stickyPattern("(\\p{L}+)(\\+\\+|#)(?![\\p{L}\\p{N}])")

  return (text, at) => {
    const sign = text[at]
    const before = beforeOf(text, at)
    const after = text.slice(at + 1, at + 4)
    const one = (words: string) => ({ length: 1, words })
    switch (sign) {
      case "&":
        return one(and)
      case "+":
        return text.startsWith("++", at) ? { length: 2, words: `${signs.plus} ${signs.plus}` } : one(signs.plus)
      case "=":
        return one(signs.equals)
      case "<":
        return text[at + 1] === "=" ? { length: 2, words: `${signs.less} ${signs.equals}` } : one(signs.less)
      case ">":
        return text[at + 1] === "=" ? { length: 2, words: `${signs.greater} ${signs.equals}` } : one(signs.greater)
      case "≤":
        return one(`${signs.less} ${signs.equals}`)
      case "≥":
        return one(`${signs.greater} ${signs.equals}`)
      case "±":
        return one(signs.plusMinus)
      case "≈":
        return one(signs.about)
      case "~":
        return beginsWithFigure.test(after) ? one(signs.about) : undefined
      case "×":
        return one(signs.times)
      case "÷":
        return one(signs.slash)
      case "*":
        return endsWithFigure.test(before) && beginsWithFigure.test(after) ? one(signs.times) : one(signs.star)
      case "#":
        return beginsWithFigure.test(after) ? one(signs.number) : one(signs.hash)
      case "№":
        return one(signs.number)
      case "§":
        return one(signs.section)
      case "@":
        return one(signs.at)
      case "/":
        // Between words a slash is not said: "and/or". After a figure it is a rate: "$5/month".
        if (!/^\s?\p{L}/u.test(after)) return undefined
        return /\p{L}\s?$/u.test(before) ? one("") : /[\d\p{Sc}%]\s?$/u.test(before) ? one(` ${signs.per} `) : undefined
      default: {
        const name = /\p{L}/u.test(sign) ? match(programmingLanguage, text, at) : null
        if (name === null) return undefined
        return { length: name[0].length, words: `${name[1]} ${name[2] === "#" ? (language === "en" ? "sharp" : signs.hash) : `${signs.plus} ${signs.plus}`}` }
      }
    }
  }
}
