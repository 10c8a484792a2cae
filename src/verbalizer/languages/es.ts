import type { LanguageRules } from "../LanguageRules.ts"

export const es: LanguageRules = {
  language: "es",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine" },
  feminine: /(?:^(?!(?:d|problem|program|sistem|idiom|tem|clim|map|kilogram)as?$|días?$)\p{L}+as?|ci(?:ón|ones)|si(?:ón|ones)|dad(?:es)?|tud(?:es)?|noches?|veces|clases?|calles?|llaves?|tardes?)$/iu,
  signs: {
    to: "a", plus: "más", minus: "menos", times: "por", per: "por", equals: "igual a", less: "menor que", greater: "mayor que", plusMinus: "más menos",
    about: "aproximadamente", star: "asterisco", hash: "almohadilla", number: "número", hashtag: "hashtag", section: "sección", at: "arroba",
    dotInAddress: "punto", slash: "barra", dash: "guion", underscore: "guion bajo", colon: "dos puntos", dotInNumber: "punto", version: "versión"
  },
  ordinalMarks: [
    ["º", "spellout-ordinal-masculine", "spellout-ordinal-masculine-adjective"], ["ª", "spellout-ordinal-feminine"], [".º", "spellout-ordinal-masculine", "spellout-ordinal-masculine-adjective"], [".ª", "spellout-ordinal-feminine"],
    ["er", "spellout-ordinal-masculine-adjective"], [".er", "spellout-ordinal-masculine-adjective"], ["°", "spellout-ordinal-masculine", "spellout-ordinal-masculine-adjective"]
  ],
  date: ({ day, month, year }, words) =>
    `${day === 1 ? "primero" : words.cardinal(day)} de ${month}${year === undefined ? "" : ` de ${words.cardinal(year)}`}`,
  hourWord: "horas?|hs?\\.?",
  clock: ({ hours, isHourWordLater, minutes }, words) => {
    const hour = words.cardinal(hours, "feminine")
    if (minutes > 0) return `${hour} y ${words.cardinal(minutes)}`
    return isHourWordLater === true || (hours <= 12 && hours > 0) ? hour : `${hour} horas`
  },
  fractions: {
    "1/2": "un medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto", "3/4": "tres cuartos", "1/5": "un quinto", "1/10": "un décimo"
  },
  half: { masculine: "medio", feminine: "media" },
  mixed: (whole, fraction) => `${whole} y ${fraction.replace(/^un medio$/, "medio")}`,
  currencies: { $: { one: "dólar", other: "dólares" }, GBP: { one: "libra", other: "libras" }, MXN: { one: "peso", other: "pesos" }, JPY: { one: "yen", other: "yenes" } },
  cents: {
    EUR: { one: "céntimo", other: "céntimos" }, USD: { one: "centavo", other: "centavos" }, MXN: { one: "centavo", other: "centavos" },
    GBP: { one: "penique", other: "peniques" }
  },
  money: (whole, cents) => `${whole} con ${cents}`,
  scales: { "mill.": { one: "millón", other: "millones" }, M: { one: "millón", other: "millones" } },
  scaleWords: "mil|millón|millones",
  scaleJoint: () => " de ",
  codeWords: "código|pin|número|referencia|pedido|cuenta|contraseña|clave|reserva|billete|expediente|extensión|postal|marque|llame|tel|teléfono|vuelo",
  codeFillers: "es|el|la|de|al|número|postal|son",
  romanWords: "capítulo|parte|tomo|volumen|fase|tipo|clase|acto|artículo|nivel|siglo",
  abbreviations: [
    ["p.ej.", "por ejemplo", "inner"], ["i.e.", "es decir", "inner"], ["aprox.", "aproximadamente", "any"], ["máx.", "máximo", "any"], ["mín.", "mínimo", "any"], ["etc.", "etcétera", "any"], ["EE.UU.", "Estados Unidos", "any"],
    ["Sr.", "Señor", "title"], ["Sra.", "Señora", "title"], ["Srta.", "Señorita", "title"], ["Sres.", "Señores", "title"], ["Dr.", "Doctor", "title"],
    ["Dra.", "Doctora", "title"], ["D.", "Don", "title"], ["Dña.", "Doña", "title"], ["Prof.", "Profesor", "title"], ["Sto.", "Santo", "title"], ["Sta.", "Santa", "title"],
    ["Ing.", "Ingeniero", "title"], ["Lic.", "Licenciado", "title"],
    ["Ud.", "usted", "inner"], ["Uds.", "ustedes", "inner"], ["Vd.", "usted", "inner"], ["Avda.", "Avenida", "title"], ["Av.", "Avenida", "title"], ["C/", "Calle", "title"], ["Pza.", "Plaza", "title"],
    ["núm.", "número", "number"], ["n.º", "número", "number"], ["nº", "número", "number"], ["n°", "número", "number"], ["tel.", "teléfono", "number"], ["pág.", "página", "number"], ["págs.", "páginas", "number"], ["art.", "artículo", "number"],
    ["cap.", "capítulo", "number"], ["ext.", "extensión", "number"], ["vol.", "volumen", "number"]
  ],
  units: {
    "m²": { one: "metro cuadrado", other: "metros cuadrados" }, "km²": { one: "kilómetro cuadrado", other: "kilómetros cuadrados" },
    "m³": { one: "metro cúbico", other: "metros cúbicos" }, kWh: { one: "kilovatio hora", other: "kilovatios hora" },
    kW: { one: "kilovatio", other: "kilovatios" }, W: { one: "vatio", other: "vatios" }, V: { one: "voltio", other: "voltios" },
    mg: { one: "miligramo", other: "miligramos" }, Hz: { one: "hercio", other: "hercios" }
  }
}
