import type { LanguageRules } from "../LanguageRules.ts"

export const en: LanguageRules = {
  language: "en",
  ruleSets: { number: "spellout-numbering", masculine: "spellout-numbering", feminine: "spellout-numbering", year: "spellout-numbering-year" },
  signs: {
    to: "to", plus: "plus", minus: "minus", times: "times", per: "per", equals: "equals", less: "less than", greater: "greater than",
    plusMinus: "plus or minus", about: "about", star: "star", hash: "pound", number: "number", hashtag: "hashtag", section: "section",
    at: "at", dotInAddress: "dot", slash: "slash", dash: "dash", underscore: "underscore", colon: "colon", dotInNumber: "point", version: "version"
  },
  ordinalMarks: [["st", "spellout-ordinal"], ["nd", "spellout-ordinal"], ["rd", "spellout-ordinal"], ["th", "spellout-ordinal"]],
  isMonthFirst: true,
  date: ({ before, day, month, year }, words) => {
    const ordinal = words.ordinal(day, "spellout-ordinal")
    return `${/\bthe\s$/i.test(before) ? `${ordinal} of ${month}` : `${month} ${ordinal}`}${year === undefined ? "" : `, ${words.year(year)}`}`
  },
  hasDayPeriods: true,
  clock: ({ dayPeriod, hours, minutes }, words) => {
    const hour = words.cardinal(hours % 12 === 0 ? 12 : hours % 12)
    const marker = dayPeriod ?? (hours >= 13 && hours < 24 ? "pm" : hours === 0 || hours === 24 ? "am" : undefined)
    const minute = minutes === 0 ? undefined : minutes < 10 ? `oh ${words.cardinal(minutes)}` : words.cardinal(minutes)
    if (marker === undefined) return minute === undefined ? `${hour} o'clock` : `${hour} ${minute}`
    return [hour, minute, marker.toUpperCase()].filter((part) => part !== undefined).join(" ")
  },
  year: (year, _before, _after, words) => words.year(year),
  decade: ["s", (words) => words.endsWith("y") ? `${words.slice(0, -1)}ies` : `${words}s`],
  fractions: {
    "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters", "1/5": "one fifth",
    "1/8": "one eighth", "3/8": "three eighths", "5/8": "five eighths", "1/10": "one tenth"
  },
  half: { masculine: "half a", feminine: "half a" },
  mixed: (whole, fraction) => `${whole} and ${fraction.replace(/^one (?=half|quarter|third|fifth|eighth|tenth)/, "a ").replace("a eighth", "an eighth")}`,
  currencies: { $: { one: "dollar", other: "dollars" }, GBP: { one: "pound", other: "pounds" }, PLN: { one: "zloty", other: "zlotys" }, JPY: { other: "yen" } },
  cents: {
    EUR: { one: "cent", other: "cents" }, USD: { one: "cent", other: "cents" }, GBP: { one: "penny", other: "pence" },
    CAD: { one: "cent", other: "cents" }, AUD: { one: "cent", other: "cents" }, NZD: { one: "cent", other: "cents" }
  },
  money: (whole, cents, name) => name === undefined ? `${whole} ${cents}` : `${whole} and ${cents} ${name}`,
  scales: {
    k: { other: "thousand" }, K: { other: "thousand" }, m: { other: "million" }, M: { other: "million" }, mn: { other: "million" },
    bn: { other: "billion" }, B: { other: "billion" }
  },
  scaleWords: "hundred|thousand|million|billion|trillion",
  codeWords:
    "code|pin|pass(?:code|word)|number|order|account|reference|ref|confirmation|booking|ticket|zip|postcode|id|ext|extension|case|tracking|serial|invoice|policy|dial|call|flight|digits",
  codeFillers: "is|was|are|number|code|no|of|to|it's|the|number's",
  romanWords: "War|Chapter|Part|Volume|Phase|Type|Level|Act|Bowl|Grade|Title|Section|Class|Stage|Division|Article|Appendix|Rocky",
  abbreviations: [
    ["i.e.", "that is", "inner"], ["e.g.", "for example", "inner"], ["eg.", "for example", "inner"], ["ie.", "that is", "inner"],
    ["vs.", "versus", "inner"], ["vs", "versus", "inner"], ["cf.", "compare", "inner"], ["ca.", "about", "number"], ["approx.", "approximately", "inner"],
    ["w/", "with", "inner"], ["w/o", "without", "inner"],
    ["etc.", "et cetera", "any"], ["Inc.", "Incorporated", "any"], ["Ltd.", "Limited", "any"], ["Corp.", "Corporation", "any"],
    ["Co.", "Company", "any"], ["Bros.", "Brothers", "any"], ["dept.", "department", "any"], ["appt.", "appointment", "any"], ["Jr.", "Junior", "any"], ["Sr.", "Senior", "any"],
    ["Dr.", "Doctor", "title"], ["Mr.", "Mister", "title"], ["Mrs.", "Missis", "title"], ["Ms.", "Miz", "title"], ["Prof.", "Professor", "title"],
    ["Rev.", "Reverend", "title"], ["Gen.", "General", "title"], ["Col.", "Colonel", "title"], ["Lt.", "Lieutenant", "title"],
    ["Capt.", "Captain", "title"], ["Sgt.", "Sergeant", "title"], ["Hon.", "Honorable", "title"], ["Gov.", "Governor", "title"],
    ["Sen.", "Senator", "title"], ["St.", "Saint", "title"], ["Mt.", "Mount", "title"], ["Ft.", "Fort", "title"], ["Messrs.", "Messieurs", "title"],
    ["St.", "Street", "street"], ["Ave.", "Avenue", "street"], ["Blvd.", "Boulevard", "street"], ["Rd.", "Road", "street"], ["Dr.", "Drive", "street"],
    ["Ln.", "Lane", "street"], ["Ct.", "Court", "street"], ["Pl.", "Place", "street"], ["Sq.", "Square", "street"], ["Hwy.", "Highway", "street"],
    ["Pkwy.", "Parkway", "street"],
    ["no.", "number", "number"], ["nos.", "numbers", "number"], ["ext.", "extension", "number"], ["tel.", "telephone", "number"], ["fig.", "figure", "number"],
    ["vol.", "volume", "number"], ["min.", "minimum", "number"], ["max.", "maximum", "number"], ["art.", "article", "number"],
    ["p.", "page", "number"], ["pp.", "pages", "number"], ["ch.", "chapter", "number"], ["sec.", "section", "number"], ["apt.", "apartment", "number"],
    ["rm.", "room", "number"], ["Hwy.", "Highway", "number"]
  ],
  units: {
    "¢": { one: "cent", other: "cents" },
    "m²": { one: "square meter", other: "square meters" }, "km²": { one: "square kilometer", other: "square kilometers" },
    "sq ft": { one: "square foot", other: "square feet" }, "m³": { one: "cubic meter", other: "cubic meters" },
    "kWh": { one: "kilowatt hour", other: "kilowatt hours" }, "kW": { one: "kilowatt", other: "kilowatts" }, "W": { one: "watt", other: "watts" },
    "V": { one: "volt", other: "volts" }, "mg": { one: "milligram", other: "milligrams" }, "Hz": { other: "hertz" }, "kHz": { other: "kilohertz" },
    "hrs": { one: "hour", other: "hours" }, "hr": { one: "hour", other: "hours" }, "mins": { one: "minute", other: "minutes" },
    "secs": { one: "second", other: "seconds" }, "lbs": { one: "pound", other: "pounds" }
  }
}
