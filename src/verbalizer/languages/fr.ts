import type { LanguageRules } from "../LanguageRules.ts"

export const fr: LanguageRules = {
  language: "fr",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine" },
  feminine: /^(?:heures?|minutes?|secondes?|personnes?|fois|semaines?|années?|pages?|chambres?|places?|tables?|nuits?|tonnes?|livres?|couronnes?|roupies?|voitures?|rues?|portes?|lignes?|questions?|options?|commandes?|réservations?|journées?|parts?|.*(?:tion|sion|té|ée)s?)$/iu,
  signs: {
    to: "à", plus: "plus", minus: "moins", times: "fois", per: "par", equals: "égale", less: "inférieur à", greater: "supérieur à", plusMinus: "plus ou moins",
    about: "environ", star: "étoile", hash: "dièse", number: "numéro", hashtag: "hashtag", section: "paragraphe", at: "arobase", dotInAddress: "point",
    slash: "slash", dash: "tiret", underscore: "tiret bas", colon: "deux-points", dotInNumber: "point", version: "version"
  },
  ordinalMarks: [
    ["er", "spellout-ordinal-masculine"], ["re", "spellout-ordinal-feminine"], ["ère", "spellout-ordinal-feminine"], ["e", "spellout-ordinal-masculine"],
    ["ème", "spellout-ordinal-masculine"], ["eme", "spellout-ordinal-masculine"], ["nd", "spellout-ordinal-masculine"], ["nde", "spellout-ordinal-feminine"]
  ],
  date: ({ day, month, year }, words) =>
    `${day === 1 ? "premier" : words.cardinal(day)} ${month}${year === undefined ? "" : ` ${words.cardinal(year)}`}`,
  hourWord: "heures?|h",
  hourMark: "h",
  clock: ({ hours, isHourWordLater, minutes }, words) => {
    const hour = words.cardinal(hours, "feminine")
    if (isHourWordLater === true && minutes === 0) return hour
    return `${hour} ${hours < 2 ? "heure" : "heures"}${minutes === 0 ? "" : ` ${words.cardinal(minutes)}`}`
  },
  readsPairs: true,
  fractions: {
    "1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart", "3/4": "trois quarts", "1/5": "un cinquième", "1/10": "un dixième"
  },
  half: { masculine: "un demi", feminine: "une demi" },
  mixed: (whole, fraction) => `${whole} et ${fraction.replace(/^un demi$/, "demi")}`,
  currencies: { $: { one: "dollar", other: "dollars" }, CHF: { one: "franc", other: "francs" }, GBP: { one: "livre", other: "livres" }, JPY: { one: "yen", other: "yens" } },
  cents: {
    EUR: { one: "centime", other: "centimes" }, USD: { one: "cent", other: "cents" }, CHF: { one: "centime", other: "centimes" },
    GBP: { one: "penny", other: "pence" }
  },
  money: (whole, cents) => `${whole} ${cents}`,
  scales: {
    k: { other: "mille" }, M: { one: "million", other: "millions" }, Md: { one: "milliard", other: "milliards" }, Mds: { one: "milliard", other: "milliards" }
  },
  scaleWords: "mille|millions?|milliards?",
  scaleJoint: (currency) => /^[aeiouh]/i.test(currency) ? " d'" : " de ",
  codeWords: "code|numéro|référence|commande|compte|mot de passe|réservation|billet|dossier|poste|identifiant|composez|appelez|tél|vol|postal",
  codeFillers: "est|le|la|de|du|numéro|postal|c'est",
  romanWords: "chapitre|partie|tome|volume|phase|type|classe|acte|article|niveau",
  abbreviations: [
    ["p.ex.", "par exemple", "inner"], ["c.-à-d.", "c'est-à-dire", "inner"], ["cf.", "voir", "inner"], ["env.", "environ", "inner"], ["max.", "maximum", "any"],
    ["min.", "minutes", "any"], ["etc.", "et cetera", "any"],
    ["M. et", "Monsieur et", "inner"], ["M.", "Monsieur", "title"], ["MM.", "Messieurs", "title"], ["Mme.", "Madame", "title"], ["Mmes.", "Mesdames", "title"], ["Mlle.", "Mademoiselle", "title"], ["Dr.", "Docteur", "title"],
    ["Pr.", "Professeur", "title"], ["Me.", "Maître", "title"], ["St.", "Saint", "title"], ["Ste.", "Sainte", "title"],
    ["av.", "avenue", "title"], ["bd.", "boulevard", "title"], ["bld.", "boulevard", "title"], ["pl.", "place", "title"],
    ["n°", "numéro", "number"], ["nº", "numéro", "number"], ["no.", "numéro", "number"], ["tél.", "téléphone", "number"], ["art.", "article", "number"], ["p.", "page", "number"], ["chap.", "chapitre", "number"],
    ["fig.", "figure", "number"], ["vol.", "volume", "number"]
  ],
  units: {
    "m²": { one: "mètre carré", other: "mètres carrés" }, "km²": { one: "kilomètre carré", other: "kilomètres carrés" },
    "m³": { one: "mètre cube", other: "mètres cubes" }, kWh: { one: "kilowattheure", other: "kilowattheures" }, kW: { one: "kilowatt", other: "kilowatts" },
    W: { one: "watt", other: "watts" }, V: { one: "volt", other: "volts" }, mg: { one: "milligramme", other: "milligrammes" }, Hz: { other: "hertz" },
    "km/h": { one: "kilomètre-heure", other: "kilomètres-heure" }
  }
}
