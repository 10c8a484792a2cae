import type { LanguageRules } from "../LanguageRules.ts"

export const nl: LanguageRules = {
  language: "nl",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal", feminine: "spellout-cardinal", year: "spellout-numbering-year" },
  signs: {
    to: "tot", plus: "plus", minus: "min", times: "keer", per: "per", equals: "is", less: "kleiner dan", greater: "groter dan", plusMinus: "plus of min",
    about: "ongeveer", star: "sterretje", hash: "hekje", number: "nummer", hashtag: "hashtag", section: "paragraaf", at: "apenstaartje", dotInAddress: "punt",
    slash: "slash", dash: "streepje", underscore: "laag streepje", colon: "dubbele punt", dotInNumber: "punt", version: "versie"
  },
  ordinalMarks: [["e", "spellout-ordinal"], ["de", "spellout-ordinal"], ["ste", "spellout-ordinal"]],
  date: ({ day, month, year }, words) => `${words.cardinal(day)} ${month}${year === undefined ? "" : ` ${words.year(year)}`}`,
  hourWord: "uur|u\\.?",
  hourMark: ".",
  clock: ({ hours, isHourWordLater, minutes }, words) =>
    isHourWordLater === true && minutes === 0 ? words.cardinal(hours) : `${words.cardinal(hours)} uur${minutes === 0 ? "" : ` ${words.cardinal(minutes)}`}`,
  year: (year, _before, _after, words) => words.year(year),
  fractions: {
    "1/2": "een half", "1/3": "een derde", "2/3": "twee derde", "1/4": "een kwart", "3/4": "drie kwart", "1/5": "een vijfde", "1/10": "een tiende"
  },
  half: { masculine: "een half", feminine: "een half" },
  mixed: (whole, fraction) => fraction === "een half" ? (whole === "een" ? "anderhalf" : `${whole}${whole.endsWith("e") ? "ë" : "e"}nhalf`) : `${whole} ${fraction}`,
  currencies: { $: { other: "dollar" }, GBP: { other: "pond" }, CHF: { other: "frank" }, JPY: { other: "yen" } },
  cents: { EUR: { other: "cent" }, USD: { other: "cent" }, GBP: { other: "pence" } },
  money: (whole, cents) => `${whole} ${cents}`,
  scales: { mln: { other: "miljoen" }, "mln.": { other: "miljoen" }, mld: { other: "miljard" }, "mld.": { other: "miljard" } },
  scaleWords: "duizend|miljoen|miljard",
  codeWords: "\\p{L}*(?:code|pin|wachtwoord|nummer|nr|postcode|rekening|referentie|bestelling|boeking|toestel|vlucht)|id|bel|kies|tel",
  codeFillers: "is|de|het|van|nummer|code",
  postcode: "\\d{4}\\s?[A-Z]{2}",
  romanWords: "hoofdstuk|deel|fase|type|klasse|akte|artikel|Wereldoorlog",
  abbreviations: [
    ["bijv.", "bijvoorbeeld", "inner"], ["bv.", "bijvoorbeeld", "inner"], ["d.w.z.", "dat wil zeggen", "inner"], ["o.a.", "onder andere", "inner"], ["m.b.t.", "met betrekking tot", "inner"],
    ["i.p.v.", "in plaats van", "inner"], ["t.a.v.", "ter attentie van", "inner"], ["m.a.w.", "met andere woorden", "inner"], ["incl.", "inclusief", "inner"], ["excl.", "exclusief", "inner"],
    ["ca.", "circa", "inner"], ["max.", "maximaal", "inner"], ["min.", "minimaal", "number"], ["a.u.b.", "alstublieft", "any"], ["enz.", "enzovoort", "any"], ["etc.", "et cetera", "any"],
    ["dhr.", "de heer", "title"], ["mevr.", "mevrouw", "title"], ["mw.", "mevrouw", "title"], ["dr.", "dokter", "title"], ["drs.", "doctorandus", "title"],
    ["ir.", "ingenieur", "title"], ["prof.", "professor", "title"], ["St.", "Sint", "title"],
    ["nr.", "nummer", "number"], ["tel.", "telefoon", "number"], ["blz.", "bladzijde", "number"], ["art.", "artikel", "number"], ["p.", "pagina", "number"],
    ["str.", "straat", "suffix"]
  ],
  units: {
    "m²": { other: "vierkante meter" }, "km²": { other: "vierkante kilometer" }, "m³": { other: "kubieke meter" }, kWh: { other: "kilowattuur" },
    kW: { other: "kilowatt" }, W: { other: "watt" }, V: { other: "volt" }, mg: { other: "milligram" }, Hz: { other: "hertz" }, "°": { one: "graad", other: "graden" }
  }
}
