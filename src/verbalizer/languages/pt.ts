import type { LanguageRules } from "../LanguageRules.ts"

export const pt: LanguageRules = {
  language: "pt",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-cardinal-masculine", feminine: "spellout-cardinal-feminine" },
  feminine: /(?:^(?!(?:di|problem|program|sistem|idiom|tem|clim|map|quilogram)as?$)\p{L}+as?|ção|ções|são|sões|dades?|noites?|vez|vezes|tardes?)$/iu,
  signs: {
    to: "a", plus: "mais", minus: "menos", times: "vezes", per: "por", equals: "igual a", less: "menor que", greater: "maior que", plusMinus: "mais ou menos",
    about: "cerca de", star: "asterisco", hash: "cerquilha", number: "número", hashtag: "hashtag", section: "seção", at: "arroba", dotInAddress: "ponto",
    slash: "barra", dash: "hífen", underscore: "sublinhado", colon: "dois pontos", dotInNumber: "ponto", version: "versão"
  },
  ordinalMarks: [
    ["º", "spellout-ordinal-masculine"], ["ª", "spellout-ordinal-feminine"], [".º", "spellout-ordinal-masculine"], [".ª", "spellout-ordinal-feminine"],
    ["°", "spellout-ordinal-masculine"]
  ],
  date: ({ day, month, year }, words) =>
    `${day === 1 ? "primeiro" : words.cardinal(day)} de ${month}${year === undefined ? "" : ` de ${words.cardinal(year)}`}`,
  hourWord: "horas?|h",
  hourMark: "h",
  clock: ({ hours, isHourWordLater, minutes }, words) => {
    const hour = words.cardinal(hours, "feminine")
    if (minutes > 0) return `${hour} e ${words.cardinal(minutes)}`
    return isHourWordLater === true ? hour : `${hour} ${hours < 2 ? "hora" : "horas"}`
  },
  fractions: {
    "1/2": "um meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto", "3/4": "três quartos", "1/5": "um quinto", "1/10": "um décimo"
  },
  half: { masculine: "meio", feminine: "meia" },
  mixed: (whole, fraction) => `${whole} e ${fraction.replace(/^um meio$/, "meio")}`,
  currencies: { $: { one: "dólar", other: "dólares" }, BRL: { one: "real", other: "reais" }, EUR: { one: "euro", other: "euros" }, GBP: { one: "libra", other: "libras" } },
  cents: {
    EUR: { one: "cêntimo", other: "cêntimos" }, BRL: { one: "centavo", other: "centavos" }, USD: { one: "centavo", other: "centavos" },
    GBP: { one: "pêni", other: "pence" }
  },
  money: (whole, cents, name) => name === undefined ? `${whole} e ${cents}` : `${whole} e ${cents} ${name}`,
  scales: { mi: { one: "milhão", other: "milhões" }, bi: { one: "bilhão", other: "bilhões" } },
  scaleWords: "mil|milhão|milhões|bilhão|bilhões",
  scaleJoint: () => " de ",
  codeWords: "código|pin|número|referência|pedido|conta|senha|reserva|bilhete|processo|ramal|cep|postal|disque|ligue|tel|telefone|voo|protocolo",
  codeFillers: "é|o|a|de|do|da|para|número|postal|são",
  postcode: "\\d{5}-\\d{3}|\\d{4}-\\d{3}",
  romanWords: "capítulo|parte|tomo|volume|fase|tipo|classe|ato|artigo|nível|século",
  abbreviations: [
    ["p.ex.", "por exemplo", "inner"], ["aprox.", "aproximadamente", "inner"], ["máx.", "máximo", "any"], ["mín.", "mínimo", "any"], ["etc.", "et cetera", "any"],
    ["Sr.", "Senhor", "title"], ["Sra.", "Senhora", "title"], ["Srta.", "Senhorita", "title"], ["Srs.", "Senhores", "title"], ["Dr.", "Doutor", "title"], ["Dra.", "Doutora", "title"],
    ["Prof.", "Professor", "title"], ["Profa.", "Professora", "title"], ["Eng.", "Engenheiro", "title"], ["D.", "Dona", "title"], ["Sto.", "Santo", "title"],
    ["Sta.", "Santa", "title"], ["S.", "São", "title"], ["Av.", "Avenida", "title"], ["R.", "Rua", "title"], ["Pça.", "Praça", "title"],
    ["n.º", "número", "number"], ["nº", "número", "number"], ["n°", "número", "number"], ["tel.", "telefone", "number"], ["pág.", "página", "number"],
    ["art.", "artigo", "number"], ["cap.", "capítulo", "number"], ["vol.", "volume", "number"]
  ],
  units: {
    "m²": { one: "metro quadrado", other: "metros quadrados" }, "km²": { one: "quilômetro quadrado", other: "quilômetros quadrados" },
    "m³": { one: "metro cúbico", other: "metros cúbicos" }, kWh: { one: "quilowatt-hora", other: "quilowatts-hora" },
    kW: { one: "quilowatt", other: "quilowatts" }, W: { one: "watt", other: "watts" }, V: { one: "volt", other: "volts" },
    mg: { one: "miligrama", other: "miligramas" }, Hz: { other: "hertz" }
  }
}
