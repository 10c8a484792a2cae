import type { LanguageRules } from "../LanguageRules.ts"

/** Words before an ordinal in the dative, or before a masculine ordinal in the genitive or accusative: "am 3. Mai". */
const weak = /(?:^|[^\p{L}])(?:am|vom|zum|zur|beim|im|dem|den|des|bis|ab|seit|diesem|diesen|jedem|jeden|unserem|unseren|ihrem|ihren|einem|einen|der)\s$/iu
const article = /(?:^|[^\p{L}])(?:der|die|das)\s$/iu
/** After these prepositions "der" is a dative: "in der 2. Etage". */
const dative = /(?:^|[^\p{L}])(?:in|an|auf|mit|von|zu|bei|aus|nach|vor|seit)\s+der\s$/iu
const determiner = /(?:^|[^\p{L}])(?:am|vom|zum|zur|beim|im|ins|ans|dem|den|des|der|die|das|bis|ab|ein|eine|einem|einen|einer|jede[rnsm]?|diese[rnsm]?|mein(?:e[rnsm]?)?|ihr(?:e[rnsm]?)?|unser(?:e[rnsm]?)?|und|oder)\s$/iu

/** Several numbers may share one article: "den 3. und 4. Mai". */
const numbersBefore = /(?:\d{1,2}\.\s*(?:\p{L}+\s+)?(?:und|oder|bis|[-–,])\s*)+$/u

const ordinalRuleSet = (text: string): string => {
  const before = text.replace(numbersBefore, "")
  if (dative.test(before)) return "spellout-ordinal-n"
  if (article.test(before)) return "spellout-ordinal"
  if (weak.test(before)) return "spellout-ordinal-n"
  return "spellout-ordinal-r"
}

export const de: LanguageRules = {
  language: "de",
  ruleSets: {
    number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine", year: "spellout-numbering-year"
  },
  feminine: /(?:ung|heit|keit|schaft|ion|tät|ei|ur|anz|enz|ie|tunde|inute|ekunde|oche|erson|acht|ummer|eite|traße|asche|arte|tage|assage|eile|ahl|tadt|rage|ruppe)$/u,
  signs: {
    to: "bis", plus: "plus", minus: "minus", times: "mal", per: "pro", equals: "gleich", less: "kleiner als", greater: "größer als", plusMinus: "plus minus",
    about: "etwa", star: "Stern", hash: "Raute", number: "Nummer", hashtag: "Hashtag", section: "Paragraf", at: "ät", dotInAddress: "Punkt",
    slash: "Schrägstrich", dash: "Bindestrich", underscore: "Unterstrich", colon: "Doppelpunkt", dotInNumber: "Punkt", version: "Version"
  },
  ordinalMarks: [["te", "spellout-ordinal"], ["ter", "spellout-ordinal-r"], ["ten", "spellout-ordinal-n"], ["tes", "spellout-ordinal-s"]],
  // "im 2. Stock", "der 1. Versuch": a noun follows, and a determiner stands before.
  ordinalWithStop: (before, after) => determiner.test(before) && /^\s+(?:\p{L}|\d{1,2}\.)/u.test(after) ? ordinalRuleSet(before) : undefined,
  date: ({ before, day, month, year }, words) =>
    `${words.ordinal(day, ordinalRuleSet(before))} ${month}${year === undefined ? "" : ` ${words.year(year)}`}`,
  hourWord: "Uhr",
  hourMark: ".",
  clock: ({ hours, isHourWordLater, minutes }, words) => {
    const minute = minutes === 0 ? "" : ` ${words.cardinal(minutes)}`
    if (isHourWordLater === true && minutes === 0) return words.cardinal(hours)
    return `${words.cardinal(hours, "masculine")} Uhr${minute}`
  },
  year: (year, _before, _after, words) => words.year(year),
  decade: ["er", (words) => `${words}er`],
  fractions: {
    "1/2": "ein halb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel", "3/4": "drei Viertel", "1/5": "ein Fünftel",
    "1/8": "ein Achtel", "1/10": "ein Zehntel"
  },
  half: { masculine: "ein halbes", feminine: "eine halbe" },
  mixed: (whole, fraction) => fraction === "ein halb" ? (whole === "eins" ? "eineinhalb" : `${whole}einhalb`) : `${whole} ${fraction}`,
  currencies: { $: { other: "Dollar" }, GBP: { other: "Pfund" }, CHF: { other: "Franken" }, PLN: { other: "Złoty" }, JPY: { other: "Yen" } },
  cents: { EUR: { other: "Cent" }, USD: { other: "Cent" }, GBP: { other: "Pence" }, CHF: { other: "Rappen" } },
  money: (whole, cents) => `${whole} ${cents}`,
  scales: {
    "Tsd.": { other: "Tausend" }, "Mio.": { one: "Million", other: "Millionen" }, Mio: { one: "Million", other: "Millionen" },
    "Mrd.": { one: "Milliarde", other: "Milliarden" }, Mrd: { one: "Milliarde", other: "Milliarden" }
  },
  scaleWords: "Tausend|Million(?:en)?|Milliarden?",
  codeWords:
    "\\p{L}*(?:code|pin|passwort|nummer|nr|plz|postleitzahl|konto|referenz|kennwort|durchwahl|kennung|aktenzeichen|bestellung|buchung|flug)|id|wählen sie|tel",
  codeFillers: "ist|lautet|war|die|der|das|nummer|code|nr",
  postcode: "[A-Z]{1,2}-\\d{4,5}",
  romanWords: "Weltkrieg|Kapitel|Teil|Band|Phase|Typ|Klasse|Stufe|Akt|Artikel|Hartz",
  abbreviations: [
    ["z.B.", "zum Beispiel", "inner"], ["d.h.", "das heißt", "inner"], ["u.a.", "unter anderem", "inner"], ["i.d.R.", "in der Regel", "inner"],
    ["z.T.", "zum Teil", "inner"], ["s.o.", "siehe oben", "any"], ["s.u.", "siehe unten", "any"], ["o.ä.", "oder ähnliches", "any"], ["u.ä.", "und ähnliches", "any"],
    ["u.U.", "unter Umständen", "inner"], ["v.a.", "vor allem", "inner"], ["m.E.", "meines Erachtens", "inner"], ["z.Hd.", "zu Händen", "inner"],
    ["med.", "med", "inner"], ["bzw.", "beziehungsweise", "inner"], ["bspw.", "beispielsweise", "inner"], ["ggf.", "gegebenenfalls", "inner"], ["evtl.", "eventuell", "inner"],
    ["vgl.", "vergleiche", "inner"], ["inkl.", "inklusive", "inner"], ["exkl.", "exklusive", "inner"], ["zzgl.", "zuzüglich", "inner"], ["ca.", "circa", "inner"],
    ["sog.", "sogenannte", "inner"], ["einschl.", "einschließlich", "inner"], ["lt.", "laut", "inner"], ["max.", "maximal", "inner"], ["min.", "mindestens", "inner"], ["mind.", "mindestens", "inner"],
    ["usw.", "und so weiter", "any"], ["etc.", "et cetera", "any"], ["u.s.w.", "und so weiter", "any"], ["e.V.", "eingetragener Verein", "any"],
    ["Dr.", "Doktor", "title"], ["Prof.", "Professor", "title"], ["Hr.", "Herr", "title"], ["Hrn.", "Herrn", "title"], ["Fr.", "Frau", "title"],
    ["Frl.", "Fräulein", "title"], ["St.", "Sankt", "title"], ["Ing.", "Ingenieur", "title"], ["Dipl.-Ing.", "Diplom-Ingenieur", "title"],
    ["Nr.", "Nummer", "number"], ["Tel.", "Telefon", "number"], ["Abs.", "Absatz", "number"], ["Art.", "Artikel", "number"], ["S.", "Seite", "number"],
    ["Kap.", "Kapitel", "number"], ["Bd.", "Band", "number"], ["Abb.", "Abbildung", "number"],
    ["Str.", "Straße", "any"], ["str.", "straße", "suffix"], ["Pl.", "Platz", "street"], ["Std.", "Stunden", "any"], ["Mo.", "Montag", "number"], ["Di.", "Dienstag", "number"],
    ["Mi.", "Mittwoch", "number"], ["Do.", "Donnerstag", "number"], ["Fr.", "Freitag", "number"], ["Sa.", "Samstag", "number"], ["So.", "Sonntag", "number"]
  ],
  units: {
    "m²": { other: "Quadratmeter" }, qm: { other: "Quadratmeter" }, "km²": { other: "Quadratkilometer" }, "m³": { other: "Kubikmeter" },
    kWh: { one: "Kilowattstunde", other: "Kilowattstunden" }, kW: { other: "Kilowatt" }, W: { other: "Watt" }, V: { other: "Volt" },
    mg: { other: "Milligramm" }, Hz: { other: "Hertz" }, "Std.": { one: "Stunde", other: "Stunden" }, "Min.": { one: "Minute", other: "Minuten" },
    "Sek.": { one: "Sekunde", other: "Sekunden" }
  }
}
