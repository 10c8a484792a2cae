import type { LanguageRules } from "../LanguageRules.ts"

export const it: LanguageRules = {
  language: "it",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine" },
  feminine: /(?:^(?!(?:problem|programm|sistem|tem|clim|giorn|kilogramm)[ai]$)\p{L}+a|zion[ei]|sion[ei]|tà|notte|volte|persone|ore|camere|settimane|pagine|stelle|sterline|corone)$/iu,
  signs: {
    to: "a", plus: "più", minus: "meno", times: "per", per: "per", equals: "uguale", less: "minore di", greater: "maggiore di", plusMinus: "più o meno",
    about: "circa", star: "asterisco", hash: "cancelletto", number: "numero", hashtag: "hashtag", section: "paragrafo", at: "chiocciola", dotInAddress: "punto",
    slash: "barra", dash: "trattino", underscore: "trattino basso", colon: "due punti", dotInNumber: "punto", version: "versione"
  },
  ordinalMarks: [["º", "spellout-ordinal-masculine"], ["ª", "spellout-ordinal-feminine"], ["°", "spellout-ordinal-masculine"], ["esimo", "spellout-ordinal-masculine"]],
  date: ({ day, month, year }, words) =>
    `${day === 1 ? "primo" : words.cardinal(day)} ${month}${year === undefined ? "" : ` ${words.cardinal(year)}`}`,
  hourWord: "ore|ora",
  clock: ({ hours, minutes }, words) => `${words.cardinal(hours, hours === 1 ? "feminine" : undefined)}${minutes === 0 ? "" : ` e ${words.cardinal(minutes)}`}`,
  fractions: {
    "1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti", "1/5": "un quinto", "1/10": "un decimo"
  },
  half: { masculine: "mezzo", feminine: "mezza" },
  mixed: (whole, fraction) => `${whole} e ${fraction.replace(/^un mezzo$/, "mezzo")}`,
  currencies: { $: { one: "dollaro", other: "dollari" }, GBP: { one: "sterlina", other: "sterline" }, CHF: { one: "franco", other: "franchi" }, JPY: { other: "yen" } },
  cents: {
    EUR: { one: "centesimo", other: "centesimi" }, USD: { one: "centesimo", other: "centesimi" }, CHF: { one: "centesimo", other: "centesimi" },
    GBP: { other: "penny" }
  },
  money: (whole, cents) => `${whole} e ${cents}`,
  scales: { mln: { one: "milione", other: "milioni" }, mld: { one: "miliardo", other: "miliardi" } },
  scaleWords: "mila|milioni?|miliard[oi]",
  scaleJoint: () => " di ",
  codeWords: "codice|pin|numero|riferimento|ordine|conto|password|prenotazione|biglietto|pratica|interno|cap|componga|chiami|tel|telefono|volo",
  codeFillers: "è|il|la|di|al|numero|lo|postale",
  romanWords: "capitolo|parte|tomo|volume|fase|tipo|classe|atto|articolo|livello|secolo",
  abbreviations: [
    ["p.es.", "per esempio", "inner"], ["ad es.", "ad esempio", "inner"], ["es.", "esempio", "inner"], ["cfr.", "confronta", "inner"], ["ca.", "circa", "number"], ["ecc.", "eccetera", "any"], ["etc.", "eccetera", "any"],
    ["sig.", "signor", "title"], ["sig.ra", "signora", "title"], ["sig.na", "signorina", "title"], ["sigg.", "signori", "title"], ["dott.", "dottor", "title"],
    ["dott.ssa", "dottoressa", "title"], ["dr.", "dottor", "title"], ["prof.", "professor", "title"], ["prof.ssa", "professoressa", "title"],
    ["ing.", "ingegner", "title"], ["avv.", "avvocato", "title"], ["geom.", "geometra", "title"], ["rag.", "ragionier", "title"], ["S.", "San", "title"],
    ["V.le", "viale", "title"], ["P.zza", "piazza", "title"], ["C.so", "corso", "title"],
    ["n.", "numero", "number"], ["nº", "numero", "number"], ["n°", "numero", "number"], ["tel.", "telefono", "number"], ["pag.", "pagina", "number"], ["art.", "articolo", "number"], ["cap.", "capitolo", "number"],
    ["vol.", "volume", "number"], ["int.", "interno", "number"]
  ],
  units: {
    "m²": { one: "metro quadrato", other: "metri quadrati" }, mq: { one: "metro quadrato", other: "metri quadrati" }, "km²": { one: "chilometro quadrato", other: "chilometri quadrati" },
    "m³": { one: "metro cubo", other: "metri cubi" }, kWh: { one: "chilowattora", other: "chilowattora" }, kW: { other: "chilowatt" }, W: { other: "watt" },
    V: { other: "volt" }, mg: { one: "milligrammo", other: "milligrammi" }, Hz: { other: "hertz" }
  }
}
