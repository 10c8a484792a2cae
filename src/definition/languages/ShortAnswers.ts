/**
 * Short answers, by language: yes, no, figures and letters. A recognizer often transcribes a short answer correctly but with low confidence,
 * because a short word gives little evidence. Without this list, the agent would ask a caller to repeat a clear "yes".
 */
import * as Words from "./Words.ts"

/** The longest short answer, in words. A telephone number is longer. */
const maxWords = 4

/** By ISO 639-1: yes and no, words that people say with them, the numbers from zero to twenty, and the tens. */
const words: Readonly<Record<string, string>> = {
  en: "yes yeah yep yup no nope nah sure okay ok right correct exactly please thanks thank you not hello hi zero oh one "
    + "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    + "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred",
  de: "ja jawohl jo nein nee nö doch genau richtig gut bitte danke okay ok gerne stimmt nicht hallo null eins zwei zwo "
    + "drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn "
    + "neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
  fr: "oui ouais non si d'accord merci s'il vous plaît voilà exactement exact bien sûr pas allô bonjour zéro un une "
    + "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante "
    + "cinquante soixante cent et",
  es: "sí si no claro vale bueno correcto exacto por favor gracias eso es hola cero uno una dos tres cuatro cinco seis "
    + "siete ocho nueve diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta ochenta "
    + "noventa cien y",
  it: "sì si no certo esatto giusto va bene per favore grazie pronto zero uno una due tre quattro cinque sei sette otto "
    + "nove dieci undici dodici tredici quattordici quindici sedici venti trenta quaranta cinquanta sessanta settanta "
    + "ottanta novanta cento",
  pt: "sim não claro certo isso exato por favor obrigado obrigada alô zero um uma dois duas três quatro cinco seis sete "
    + "oito nove dez onze doze meia treze catorze quinze vinte trinta quarenta cinquenta sessenta setenta oitenta "
    + "noventa cem e",
  nl: "ja jawel nee klopt juist goed graag dank u je wel hallo nul een één twee drie vier vijf zes zeven acht negen "
    + "tien elf twaalf dertien veertien vijftien zestien twintig dertig veertig vijftig zestig zeventig tachtig "
    + "negentig honderd hoor",
  pl: "tak nie dobrze jasne zgadza się proszę dziękuję halo zero jeden jedna dwa dwie trzy cztery pięć sześć siedem "
    + "osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście dwadzieścia trzydzieści "
    + "czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt sto"
}

const wordsByLanguage = new Map(Object.entries(words).map(([language, list]) => [language, new Set(list.split(" "))]))

/** `language`: ISO 639-1. In a language without a list, only figures and single letters count. */
export const isShortAnswer = (text: string, language: string): boolean => {
  const said = Words.plain(text).replaceAll("-", " ").split(" ").filter((word) => word.length > 0)
  const known = wordsByLanguage.get(language.slice(0, 2).toLowerCase())
  return said.length > 0 && said.length <= maxWords && said.every((word) => /^(?:\p{N}{1,6}|\p{L})$/u.test(word) || known?.has(word) === true)
}
