import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { languages } from "../../../src/verbalizer/Languages.ts"
import * as Verbalizer from "../../../src/verbalizer/Verbalizer.ts"

const spoken = (language: string, text: string): string => {
  const verbalize = Verbalizer.of(language)
  if (verbalize === undefined) throw new Error(`No rules for ${language}`)
  return verbalize(text)
}

type Table = ReadonlyArray<readonly [written: string, spoken: string]>

const english: Table = [
  // Telephone numbers and other rows of figures
  ["Call +49 30 5550 1234 now.", "Call plus four nine, three zero, five five five zero, one two three four now."],
  ["+14155550100", "plus one, four one five, five five five, zero one zero zero"],
  ["(212) 555-0100 ext. 12", "two one two, five five five, zero one zero zero extension twelve"],
  ["415.555.0100 or 555-0123", "four one five, five five five, zero one zero zero or five five five, zero one two three"],
  ["1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"],
  ["0800 123 4567", "zero eight zero zero, one two three, four five six seven"],
  ["4111 1111 1111 1111", "four one one one, one one one one, one one one one, one one one one"],
  ["SSN 123-45-6789", "SSN one two three, four five, six seven eight nine"],
  // Codes
  ["ZIP 90210.", "ZIP nine zero two one zero."],
  ["Your order number is 4512.", "Your order number is four five one two."],
  ["PIN 0042, code: 3029", "PIN zero zero four two, code: three zero two nine"],
  ["ORD-20394 and A-17", "ORD two zero three nine four and A seventeen"],
  ["SW1A 2AA", "S W one A two AA"],
  ["Call 911.", "Call nine one one."],
  ["B2B, MP3, 4K, COVID-19", "B two B, MP three, four K, COVID nineteen"],
  ["10000 people, 12345", "ten thousand people, one two three four five"],
  // Times
  ["We open at 18:00.", "We open at six PM."],
  ["9:00, 9:05, 9:30, 0:15, 12:00", "nine o'clock, nine oh five, nine thirty, twelve fifteen AM, twelve o'clock"],
  ["We open at 9 a.m. on Monday.", "We open at nine AM on Monday."],
  ["We close at 5 p.m. Come in.", "We close at five PM. Come in."],
  ["Mon–Fri 9am–5pm", "Monday to Friday nine AM to five PM"],
  ["10 a.m. - 2:30 p.m., 9–11 am", "ten AM to two thirty PM, nine AM to eleven AM"],
  // Dates, years, ordinals
  ["May 3, 2024", "May third, twenty twenty-four"],
  ["July 4th, 3 May, the 3rd of May", "July fourth, May third, the third of May"],
  ["5/3/2024, 2024-05-03, 31/12/2024", "May third, twenty twenty-four, May third, twenty twenty-four, December thirty-first, twenty twenty-four"],
  ["Jan. 5, Sept. 12", "January fifth, September twelfth"],
  ["may 3 people come", "may three people come"],
  ["1st, 2nd, 21st, 112th", "first, second, twenty-first, one hundred twelfth"],
  ["In 1995, 2005 and 2024", "In nineteen ninety-five, two thousand five and twenty twenty-four"],
  ["the 1990s, the '80s", "the nineteen nineties, the eighties"],
  ["World War II, Chapter IV, vitamin C, I", "World War two, Chapter four, vitamin C, I"],
  // Money
  ["$5.50, $1, $0.99, $1.01", "five dollars and fifty cents, one dollar, ninety-nine cents, one dollar and one cent"],
  ["US$ 5, 15 EUR, £3.20", "five US dollars, fifteen euros, three pounds and twenty pence"],
  ["$1,250,000.50", "one million two hundred fifty thousand dollars and fifty cents"],
  ["$5 million, £2.5bn, $3k", "five million dollars, two point five billion pounds, three thousand dollars"],
  ["$10–$20, 5-10 €", "ten to twenty dollars, five to ten euros"],
  ["$3.50/month", "three dollars and fifty cents per month"],
  // Numbers with units, ranges
  ["20%, 3.5 %, 5–7 %, 10%-20%", "twenty percent, three point five percent, five to seven percent, ten to twenty percent"],
  ["-5 °C, 72°F, 20°", "minus five degrees Celsius, seventy-two degrees Fahrenheit, twenty degrees"],
  ["1 km, 5 km, 60 mph, 2 lbs, 10 min. later", "one kilometer, five kilometers, sixty miles per hour, two pounds, ten minutes later"],
  ["5–7 days, 5-7, pp. 5–7", "five to seven days, five to seven, pages five to seven"],
  ["1,250 or 1250.5 or 3.14", "one thousand two hundred fifty or one thousand two hundred fifty point five or three point one four"],
  ["v2.0.1, 3.11.2", "version two point zero point one, three point eleven point two"],
  ["1/2 hour, 2 1/2, 1½, ¾", "half a hour, two and a half, one and a half, three quarters"],
  ["24/7, 50/50, 3/5", "twenty-four seven, fifty fifty, three slash five"],
  ["It is 5. We go.", "It is five. We go."],
  // Abbreviations
  ["That is, i.e. now, e.g. tea.", "That is, that is now, for example tea."],
  ["221 Baker St., London", "two hundred twenty-one Baker Street, London"],
  ["St. James, Main St. is closed.", "Saint James, Main Street is closed."],
  ["Dr. Smith vs. Mr Jones and Mrs. Hill", "Doctor Smith versus Mister Jones and Missis Hill"],
  ["Elm Dr. is here. It is on 5th Ave.", "Elm Drive is here. It is on fifth Avenue."],
  ["Apples, etc. We go.", "Apples, et cetera. We go."],
  ["No. 5. I said no. Then", "Number five. I said no. Then"],
  // Signs
  ["Smith & Sons, R&D", "Smith and Sons, R and D"],
  ["Take #1, press # or *.", "Take number one, press pound or star."],
  ["Dial *67 or *21*0170#.", "Dial star six seven or star two one star zero one seven zero pound."],
  ["2 * 3 = 6, a < b, 5 > 3, 3+4", "two times three equals six, a less than b, five greater than three, three plus four"],
  ["C++, C#, ~5, and/or", "C plus plus, C sharp, about five, and or"],
  ["in % and €", "in percent and euros"],
  // Addresses
  ["jane.doe42@example.com", "jane dot doe four two at example dot com"],
  ["Go to example.co.uk/pay.", "Go to example dot co dot U K slash pay."],
  ["www.example.com, https://www.example.org", "W W W dot example dot com, example dot org"],
  ["report_2024.pdf, snake_case, @handle, #sale", "report underscore two zero two four dot P D F, snake case, at handle, hashtag sale"]
]

const german: Table = [
  ["Am 3. Mai um 18:00 Uhr.", "Am dritten Mai um achtzehn Uhr."],
  ["der 3. Mai, bis 31.12.2024, 3.5.", "der dritte Mai, bis einunddreißigsten Dezember zweitausendvierundzwanzig, dritter Mai"],
  ["den 3. und 4. Mai", "den dritten und vierten Mai"],
  ["im 2. Stock, der 1. Versuch", "im zweiten Stock, der erste Versuch"],
  ["9–17 Uhr, um 9.30 Uhr, 1 Uhr", "neun bis siebzehn Uhr, um neun Uhr dreißig, ein Uhr"],
  ["Mo–Fr 9-17 Uhr", "Montag bis Freitag neun bis siebzehn Uhr"],
  ["20 % … 15 €", "zwanzig Prozent … fünfzehn Euro"],
  ["12,50 €, 0,99 €, 1 €, 1.250,75 EUR", "zwölf Euro fünfzig, neunundneunzig Cent, ein Euro, eintausendzweihundertfünfzig Euro fünfundsiebzig"],
  ["3,5 Mio. €, 5 Millionen €, 3 Mio. Menschen", "drei Komma fünf Millionen Euro, fünf Millionen Euro, drei Millionen Menschen"],
  ["Müller & Söhne, und/oder", "Müller und Söhne, und oder"],
  ["z. B. Dr. Schmidt, d.h. ca. 5 km", "zum Beispiel Doktor Schmidt, das heißt circa fünf Kilometer"],
  ["Hauptstr. 5, § 5 Abs. 2, Nr. 7", "Hauptstraße fünf, Paragraf fünf Absatz zwei, Nummer sieben"],
  ["1 Termin, 1 Stunde, Nummer 1", "ein Termin, eine Stunde, Nummer eins"],
  ["1995 und 2024", "neunzehnhundertfünfundneunzig und zweitausendvierundzwanzig"],
  ["10115 Berlin, Code 4711", "eins null eins eins fünf Berlin, Code vier sieben eins eins"],
  ["+49 30 5550 1234, 0171-1234567", "plus vier neun, drei null, fünf fünf fünf null, eins zwei drei vier, null eins sieben eins, eins zwei drei vier fünf sechs sieben"],
  ["20 °C, 80 km/h, 50 m²", "zwanzig Grad Celsius, achtzig Kilometer pro Stunde, fünfzig Quadratmeter"],
  ["info@firma.de", "info ät firma Punkt D E"],
  ["2 1/2 Stunden, 1/2 Stunde", "zweieinhalb Stunden, eine halbe Stunde"],
  ["3,5 oder 3.5", "drei Komma fünf oder drei Komma fünf"],
  ["Drücken Sie * oder #.", "Drücken Sie Stern oder Raute."],
  ["Ihr Zimmer ist 12. Es ist groß.", "Ihr Zimmer ist zwölf. Es ist groß."]
]

const french: Table = [
  ["20 % de 15 €", "vingt pour cent de quinze euros"],
  ["à 18h30, à 9:00, de 9h à 17h, 9–17 h", "à dix-huit heures trente, à neuf heures, de neuf heures à dix-sept heures, neuf à dix-sept heures"],
  ["le 1er mai 2024, le 3 mai, le 14/07/2025", "le premier mai deux mille vingt-quatre, le trois mai, le quatorze juillet deux mille vingt-cinq"],
  ["01 42 68 53 00", "zéro un, quarante-deux, soixante-huit, cinquante-trois, zéro zéro"],
  ["12,50 €, 0,50 €, 1 000 €, 5 millions €", "douze euros cinquante, cinquante centimes, mille euros, cinq millions d'euros"],
  ["M. Dupont & Mme Martin, M. et Mme Petit", "Monsieur Dupont et Madame Martin, Monsieur et Madame Petit"],
  ["n° 5, 3e étage, 1re fois", "numéro cinq, troisième étage, première fois"],
  ["1 personne, 21 personnes, 80 personnes", "une personne, vingt-et-une personnes, quatre-vingts personnes"],
  ["75001 Paris, code 1234", "sept cinq zéro zéro un Paris, code un deux trois quatre"],
  ["contact@exemple.fr", "contact arobase exemple point F R"],
  ["5–7 jours, lun-ven, et/ou", "cinq à sept jours, lundi à vendredi, et ou"],
  ["Tapez *67 ou #.", "Tapez étoile six sept ou dièse."],
  ["-5 °C, 1 250,5 kg", "moins cinq degrés Celsius, mille deux cent cinquante virgule cinq kilogrammes"]
]

const spanish: Table = [
  ["el 20 % de 15 €", "el veinte por ciento de quince euros"],
  ["a las 18:00, a las 9:30, a la 1:00", "a las dieciocho horas, a las nueve y treinta, a la una"],
  ["3 de mayo de 2024, el 1/5/2024", "tres de mayo de dos mil veinticuatro, el primero de mayo de dos mil veinticuatro"],
  ["Sr. García y Sra. López", "Señor García y Señora López"],
  ["12,50 €, $5, 5 millones €", "doce euros con cincuenta, cinco dólares, cinco millones de euros"],
  ["1 hora, 21 personas, 200 personas, 21 días", "una hora, veintiuna personas, doscientas personas, veintiún días"],
  ["3.º piso, 2ª planta", "tercer piso, segunda planta"],
  ["600 123 456", "seis cero cero, uno dos tres, cuatro cinco seis"],
  ["p. ej. 1.250 km, 5–7 días", "por ejemplo mil doscientos cincuenta kilómetros, cinco a siete días"],
  ["5 & 6, nombre@ejemplo.es", "cinco y seis, nombre arroba ejemplo punto E S"]
]

const italian: Table = [
  ["il 20% di 15 €", "il venti percento di quindici euro"],
  ["alle 18:00, alle 9:30", "alle diciotto, alle nove e trenta"],
  ["il 1 maggio 2024, 3 maggio", "il primo maggio duemilaventiquattro, tre maggio"],
  ["sig. Rossi e sig.ra Bianchi", "signor Rossi e signora Bianchi"],
  ["12,50 €, 5 milioni €", "dodici euro e cinquanta, cinque milioni di euro"],
  ["1 persona, 21 giorni, 2º piano", "una persona, ventun giorni, secondo piano"],
  ["CAP 00184, 5 & 6, -5 °C", "CAP zero zero uno otto quattro, cinque e sei, meno cinque gradi Celsius"]
]

const dutch: Table = [
  ["20 % van € 15", "twintig procent van vijftien euro"],
  ["om 18:00 uur, 9.30 uur, 9-17 uur", "om achttien uur, negen uur dertig, negen tot zeventien uur"],
  ["3 mei 2024", "drie mei tweeduizendvierentwintig"],
  ["dhr. Jansen en mevr. de Vries", "de heer Jansen en mevrouw de Vries"],
  ["€ 12,50, € 0,50", "twaalf euro vijftig, vijftig cent"],
  ["1012 AB Amsterdam, +31 6 12345678", "een nul een twee A B Amsterdam, plus drie een, zes, een twee drie vier vijf zes zeven acht"],
  ["2 1/2 uur, bijv. 3,5 km", "tweeënhalf uur, bijvoorbeeld drie komma vijf kilometer"]
]

const portuguese: Table = [
  ["20 % de R$ 15", "vinte por cento de quinze reais"],
  ["às 18:00, às 9h30", "às dezoito horas, às nove e trinta"],
  ["1 de maio, 3 de maio de 2024", "primeiro de maio, três de maio de dois mil e vinte e quatro"],
  ["Sr. Silva e Dra. Souza", "Senhor Silva e Doutora Souza"],
  ["R$ 12,50, R$ 0,50", "doze reais e cinquenta centavos, cinquenta centavos"],
  ["1 hora, 2 pessoas, 2º andar", "uma hora, duas pessoas, segundo andar"],
  ["CEP 01310-100, (11) 91234-5678", "CEP zero um três um zero, um zero zero, um um, nove um dois três quatro, cinco seis sete oito"]
]

const polish: Table = [
  ["20 % z 15 zł", "dwadzieścia procent z piętnaście złotych"],
  ["o 18:00, od 9:00 do 17:00, 9:30", "o osiemnastej, od dziewiątej do siedemnastej, dziewiąta trzydzieści"],
  ["3 maja 2024 r. rano", "trzeciego maja dwa tysiące dwudziestego czwartego roku rano"],
  ["w 1995 roku", "w tysiąc dziewięćset dziewięćdziesiątym piątym roku"],
  ["dr Nowak, ul. Długa 5", "doktor Nowak, ulica Długa pięć"],
  ["12,50 zł, 1 zł, 2 zł, 5 zł, 22 zł", "dwanaście złotych pięćdziesiąt groszy, jeden złoty, dwa złote, pięć złotych, dwadzieścia dwa złote"],
  ["2 osoby, 5 & 6, 00-950 Warszawa", "dwie osoby, pięć i sześć, zero zero dziewięć pięć zero Warszawa"],
  ["2. piętro, 600 123 456", "drugie piętro, sześć zero zero, jeden dwa trzy, cztery pięć sześć"]
]

const tables = { en: english, de: german, fr: french, es: spanish, it: italian, nl: dutch, pt: portuguese, pl: polish }

describe.each(Object.entries(tables))("as people say it: %s", (language, table) => {
  it.each(table)("%j is %j", (written, expected) => assert.strictEqual(spoken(language, written), expected))

  it("no figure is left, and the result does not change when it is verbalized again", () => {
    for (const [written] of table) {
      const once = spoken(language, written)
      assert.notMatch(once, /[\d%&€$£*#@]/, written)
      assert.strictEqual(spoken(language, once), once, written)
    }
  })
})

const letters = "\\p{L}\\p{M}"
const Language = Schema.Literals([...languages.keys()])

/** Words that are no abbreviation, with the punctuation of sentences. */
const Word = Schema.Literals([
  "we", "are", "open", "Monday", "I", "well-kept", "it's", "O'Neill", "Zoë", "Grüß", "schön", "où", "d'accord", "señor", "żółty", "café,", "yes.", "No!", "Really?", "(please)", "\"hello\"", "a;", "US", "NATO",
  "the:", "...", "我们九点开门。", "مرحبا", "Привет,", "ok"
])

const Fragment = Schema.Union([
  Schema.Literals([
    "5", "12", "007", "3.50", "1,250", "1.250,75", "18:00", "9am", "9 a.m.", "3.", "1st", "May 3", "3. Mai", "2024", "2024-05-03", "1/2", "½", "€", "$", "5 €", "$5", "%", "20 %", "–", "-", "+", "*", "#", "*67", "&", "<", ">", "=",
    "/", "@", "a@b.de", "example.com", "https://x.y/z", "_", "snake_case", "St.", "Dr.", "z. B.", "i.e.", "°C", "km", "v2.0.1", "+49 30 5550 1234", "A-17", "II", "War II", "Uhr", " ", " ", " ", ", ", ". ", "…", "😀", "é", "١٢", "Ⅷ", "²"
  ]),
  Schema.String.check(Schema.isMaxLength(8))
])
const Text = Schema.Array(Fragment).check(Schema.isMaxLength(16))

describe("for any text", () => {
  it.prop("nothing changes without figures, signs and abbreviations", [Language, Schema.Array(Word), Schema.Literals([" ", "  ", "\n"])], ([language, words, blank]) => {
    const text = words.join(blank)
    assert.strictEqual(spoken(language, text), text)
  }, { arbitrary: { runs: 500 } })

  it.prop("it never throws, and no ASCII figure is left", [Language, Text], ([language, fragments]) => {
    const text = fragments.join("")
    assert.notMatch(spoken(language, text), /\d/)
  }, { arbitrary: { runs: 1500 } })

  it.prop("the result does not change when it is verbalized again, if the figures stand apart", [Language, Schema.Array(Schema.Literals([
    "5", "12", "007", "3.50", "1,250", "18:00", "1/2", "20 %", "5 €", "+49 30 5550 1234", "2024-05-03", "*67", "a@b.de", "we", "open", "and", "on", "A-17"
  ])).check(Schema.isMinLength(1), Schema.isMaxLength(8))], ([language, parts]) => {
    const once = spoken(language, parts.join(", "))
    assert.strictEqual(spoken(language, once), once)
  }, { arbitrary: { runs: 500 } })

  it.prop("each figure of a code is said, in order", [Language, Schema.String.check(Schema.isPattern(/^[1-9]\d{4}[1-9]$/))], ([language, code]) => {
    const said = spoken(language, `(${code})`)
    assert.strictEqual(said, `(${Array.from(code, (digit) => spoken(language, digit)).join(" ")})`)
  })

  it.prop("words keep their place around figures", [Language, Word, Word, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))], ([language, before, after, number]) => {
    const said = spoken(language, `${before} ; ${number} ; ${after}`)
    assert.isTrue(said.startsWith(`${before} ; `), said)
    assert.isTrue(said.endsWith(` ; ${after}`), said)
    assert.match(said, new RegExp(`^[${letters}\\s\\S]* ; [${letters} -]+ ; `, "u"))
  })

  // A regular expression that tries every way to match such a text would run into the timeout.
  it("a thousand repetitions of a sign are read in seconds, with a few words for each", { timeout: 20_000 }, () => {
    for (const sign of ["1", "1 ", "1,", "1.", "-", "5-", "+1 ", "(1) ", "a1", "A-", "@a.", "a.", "http://", "1:", "€", "5 €", "/a", "_a", "#", "*1", "Dr. ", "I"]) {
      for (const language of languages.keys()) {
        const said = spoken(language, sign.repeat(1000))
        assert.isNotEmpty(said)
        assert.isBelow(said.length, 1000 * 60, `${language}: ${sign}`)
      }
    }
  })
})

describe("a language", () => {
  it("without rules is left to the engine", () => {
    for (const tag of ["zh", "ja", "sv", "xx", "", "not a language"]) assert.strictEqual(Verbalizer.of(tag), undefined)
  })

  it("is found by any of its tags", () => {
    for (const tag of ["de", "de-AT", "DE", "de_CH"]) assert.strictEqual(Verbalizer.of(tag)?.("5"), "fünf")
  })
})
