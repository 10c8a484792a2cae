import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { languages } from "../../../src/verbalizer/Languages.ts"
import * as NumberWords from "../../../src/verbalizer/NumberWords.ts"
import * as RuleBasedNumbers from "../../../src/verbalizer/RuleBasedNumbers.ts"

const words = (language: string) => {
  const rules = languages.get(language)
  if (rules === undefined) throw new Error(language)
  return { ...NumberWords.make(rules), rules }
}

describe("rule-based numbers", () => {
  const numbers = RuleBasedNumbers.make("en", {
    "%main": [["-x", "minus →→;"], ["0", "none;"], ["1", "one;"], ["2", "two;"], ["3", "=#,##0=;"], ["10", "ten[-→→];"], ["20", "←← tens[ and →%%rest→|!];"], ["1000", "←%main← $(cardinal,one{thousand}other{thousands})$[ →→];"], ["1100/100", "←← hundred[ →→];"]],
    "%%rest": [["0", "<=%main=>;"]],
    "%decimal": [["x.x", "←← point →→;"], ["x,x", "←← comma →→;"], ["0", "=%main=;"]]
  })

  it.each([
    [0, "none"], [3, "3"], [10, "ten"], [12, "ten-two"], [20, "two tens!"], [21, "two tens and <one>"], [-2, "minus two"], [1000, "one thousand"], [1001, "one thousand one"],
    [1200, "ten-two hundred"]
  ])("write %d as %j", (number, expected) => assert.strictEqual(numbers.format(number, "main"), expected))

  it("know the word before decimals, and which rule sets there are", () => {
    assert.strictEqual(numbers.decimalWord("decimal", ","), "comma")
    assert.strictEqual(numbers.decimalWord("decimal", "."), "point")
    assert.strictEqual(numbers.decimalWord("main", "."), undefined)
    assert.isTrue(numbers.has("main"))
    assert.isFalse(numbers.has("rest"))
  })
})

/** The words are from grammars of these languages. */
const cardinals: Readonly<Record<string, ReadonlyArray<readonly [number, string]>>> = {
  en: [[0, "zero"], [13, "thirteen"], [21, "twenty-one"], [345, "three hundred forty-five"], [1_000_001, "one million one"]],
  de: [[1, "eins"], [16, "sechzehn"], [21, "einundzwanzig"], [777, "siebenhundertsiebenundsiebzig"], [2_500_000, "zwei Millionen fünfhunderttausend"]],
  fr: [[21, "vingt-et-un"], [71, "soixante-et-onze"], [80, "quatre-vingts"], [81, "quatre-vingt-un"], [91, "quatre-vingt-onze"], [200, "deux cents"], [201, "deux cent un"]],
  es: [[16, "dieciséis"], [22, "veintidós"], [31, "treinta y uno"], [100, "cien"], [101, "ciento uno"], [500, "quinientos"], [1_000_000, "un millón"]],
  it: [[3, "tre"], [23, "ventitré"], [28, "ventotto"], [1000, "mille"], [2000, "duemila"]],
  nl: [[22, "tweeëntwintig"], [101, "honderdeen"], [1000, "duizend"]],
  pt: [[14, "catorze"], [21, "vinte e um"], [100, "cem"], [101, "cento e um"], [200, "duzentos"]],
  pl: [[5, "pięć"], [12, "dwanaście"], [22, "dwadzieścia dwa"], [100, "sto"], [2000, "dwa tysiące"], [5000, "pięć tysięcy"]]
}

describe.each(Object.entries(cardinals))("numbers of %s", (language, table) => {
  it.each(table)("%d is %j", (number, expected) => assert.strictEqual(words(language).cardinal(number), expected))

  it("are words in every rule set", () => {
    const { ordinal, rules: { ruleSets } } = words(language)
    for (const ruleSet of new Set(Object.values(ruleSets))) {
      for (let number = 0; number < 3000; number += 7) assert.match(ordinal(number, ruleSet), /^[\p{L}\p{M} -]+$/u, `${ruleSet} ${number}`)
    }
  })

  it("have an ordinal for each ordinal mark", () => {
    const { ordinal, rules: { ordinalMarks } } = words(language)
    assert.isNotEmpty(ordinalMarks)
    for (const [mark, ...ruleSets] of ordinalMarks) {
      for (const ruleSet of ruleSets) for (const number of [1, 2, 3, 7, 12, 21, 66, 99]) assert.match(ordinal(number, ruleSet as string), /^[\p{L}\p{M} -]+$/u, `${mark} ${number}`)
    }
  })

  it.prop("differ if the numbers differ", [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 })), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))], ([one, other]) => {
    const { cardinal } = words(language)
    assert.strictEqual(cardinal(one) === cardinal(other), one === other)
  })
})

it("mistakes in the data are corrected", () => {
  const { ordinal } = words("pl")
  assert.strictEqual(ordinal(66, "spellout-ordinal-masculine"), "sześćdziesiąty szósty")
  assert.strictEqual(ordinal(95, "spellout-ordinal-masculine-genitive"), "dziewięćdziesiątego piątego")
})
