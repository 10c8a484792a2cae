import type { LanguageRules } from "../LanguageRules.ts"

/** Prepositions before a time in the locative: "o 9:00". */
const locativePreposition = /(?:^|[^\p{L}])(?:o|po)\s$/iu
/** Prepositions before a time in the genitive: "od 9:00 do 17:00". */
const genitivePreposition = /(?:^|[^\p{L}])(?:od|do|koło|około)\s$/iu

export const pl: LanguageRules = {
  language: "pl",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine" },
  corrections: [["szesdziesiąt", "sześćdziesiąt"], ["dziewiętdziesiąt", "dziewięćdziesiąt"]],
  feminine: /^(?:osob[ay]|godzin[ay]|minut[ay]|sekund[ay]|stron[ay]|nazw[ay]|noce?|wizyt[ay]|map[ay]|ulic[ae]|ton[ay]|koron[ay]|sztuk[ai]|wiadomoś(?:ć|ci)|rezerwacj[ae]|opcj[ae])$/iu,
  signs: {
    to: "do", plus: "plus", minus: "minus", times: "razy", per: "na", equals: "równa się", less: "mniej niż", greater: "więcej niż", plusMinus: "plus minus",
    about: "około", star: "gwiazdka", hash: "krzyżyk", number: "numer", hashtag: "hashtag", section: "paragraf", at: "małpa", dotInAddress: "kropka",
    slash: "ukośnik", dash: "myślnik", underscore: "podkreślnik", colon: "dwukropek", dotInNumber: "kropka", version: "wersja"
  },
  ordinalMarks: [["szy", "spellout-ordinal-masculine"], ["ty", "spellout-ordinal-masculine"], ["ta", "spellout-ordinal-feminine"]],
  ordinalWithStop: (_before, after) =>
    /^\s+(?:piętr|wiek|miejsc|rocznic|raz|dzień|dniem|klas|stron)/u.test(after)
      ? /^\s+(?:rocznic|klas|stron)/u.test(after) ? "spellout-ordinal-feminine" : /^\s+(?:piętr|miejsc)/u.test(after) ? "spellout-ordinal-neuter" : "spellout-ordinal-masculine"
      : undefined,
  date: ({ day, month, year }, words) =>
    `${words.ordinal(day, "spellout-ordinal-masculine-genitive")} ${month}${
      year === undefined ? "" : ` ${words.ordinal(year, "spellout-ordinal-masculine-genitive")}`
    }`,
  clock: ({ before, hours, isHourWordLater, minutes }, words) => {
    const ruleSet = locativePreposition.test(before)
      ? "spellout-ordinal-feminine-locative"
      : genitivePreposition.test(before) || isHourWordLater === true
      ? "spellout-ordinal-feminine-genitive"
      : "spellout-ordinal-feminine"
    const hour = hours === 0 ? words.cardinal(0) : words.ordinal(hours, ruleSet)
    return minutes === 0 ? hour : `${hour} ${minutes < 10 ? `${words.cardinal(0)} ` : ""}${words.cardinal(minutes)}`
  },
  year: (year, before, after, words) => {
    if (!/^\s+(?:r\.|rok)/u.test(after)) return words.cardinal(year)
    if (/^\s+rok(?!\p{L})/u.test(after)) return words.ordinal(year, "spellout-ordinal-masculine")
    return words.ordinal(year, /(?:^|[^\p{L}])w\s$/iu.test(before) ? "spellout-ordinal-masculine-locative" : "spellout-ordinal-masculine-genitive")
  },
  fractions: {
    "1/2": "jedna druga", "1/3": "jedna trzecia", "2/3": "dwie trzecie", "1/4": "jedna czwarta", "3/4": "trzy czwarte", "1/5": "jedna piąta", "1/10": "jedna dziesiąta"
  },
  half: { masculine: "pół", feminine: "pół" },
  mixed: (whole, fraction) => `${whole} i ${fraction.replace(/^jedna druga$/, "pół")}`,
  currencies: { $: { one: "dolar", few: "dolary", many: "dolarów", other: "dolara" }, PLN: { one: "złoty", few: "złote", many: "złotych", other: "złotego" }, GBP: { one: "funt", few: "funty", many: "funtów", other: "funta" } },
  cents: {
    PLN: { one: "grosz", few: "grosze", many: "groszy", other: "grosza" }, EUR: { one: "cent", few: "centy", many: "centów", other: "centa" },
    USD: { one: "cent", few: "centy", many: "centów", other: "centa" }, GBP: { one: "pens", few: "pensy", many: "pensów", other: "pensa" }
  },
  money: (whole, cents, name) => name === undefined ? `${whole} ${cents}` : `${whole} ${cents} ${name}`,
  scales: {
    tys: { one: "tysiąc", few: "tysiące", other: "tysięcy" }, "tys.": { one: "tysiąc", few: "tysiące", other: "tysięcy" },
    mln: { one: "milion", few: "miliony", other: "milionów" }, mld: { one: "miliard", few: "miliardy", other: "miliardów" }
  },
  scaleWords: "tysiąc|tysiące|tysięcy|milion|miliony|milionów|miliard|miliardy|miliardów",
  codeWords: "kod|kodu|pin|numer|numeru|nr|hasło|zamówieni[ea]|konto|konta|rezerwacj[ai]|biletu?|sprawy|wewnętrzny|tel|telefon|lot|wybierz|zadzwoń",
  codeFillers: "to|jest|numer|pod|na|pocztowy",
  postcode: "\\d{2}-\\d{3}",
  romanWords: "rozdział|część|tom|faza|typ|klasa|akt|artykuł|poziom",
  abbreviations: [
    ["np.", "na przykład", "inner"], ["tzn.", "to znaczy", "inner"], ["tj.", "to jest", "inner"], ["m.in.", "między innymi", "inner"], ["ok.", "około", "number"], ["tzw.", "tak zwany", "inner"],
    ["itd.", "i tak dalej", "any"], ["itp.", "i tym podobne", "any"],
    ["dr.", "doktor", "title"], ["dr", "doktor", "title"], ["prof.", "profesor", "title"], ["mgr", "magister", "title"], ["inż.", "inżynier", "title"], ["św.", "święty", "title"],
    ["ul.", "ulica", "title"], ["al.", "aleja", "title"], ["pl.", "plac", "title"], ["os.", "osiedle", "title"],
    ["nr", "numer", "number"], ["nr.", "numer", "number"], ["tel.", "telefon", "number"], ["godz.", "godzina", "number"], ["str.", "strona", "number"], ["art.", "artykuł", "number"], ["ust.", "ustęp", "number"],
    ["wew.", "wewnętrzny", "number"], ["r.", "roku", "any"]
  ],
  units: {
    "m²": { one: "metr kwadratowy", few: "metry kwadratowe", many: "metrów kwadratowych", other: "metra kwadratowego" },
    kWh: { one: "kilowatogodzina", few: "kilowatogodziny", many: "kilowatogodzin", other: "kilowatogodziny" },
    kW: { one: "kilowat", few: "kilowaty", many: "kilowatów", other: "kilowata" }, W: { one: "wat", few: "waty", many: "watów", other: "wata" },
    V: { one: "wolt", few: "wolty", many: "woltów", other: "wolta" }, mg: { one: "miligram", few: "miligramy", many: "miligramów", other: "miligrama" }
  }
}
