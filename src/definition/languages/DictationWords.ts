/**
 * The words with which callers dictate, and with which agents ask for dictation, by language (ISO 639-1). Most names of numbers and months
 * are not here, because CLDR and `Intl` have them.
 *
 * A list has its words in one string, with a space between two words. In `asIn` and `answer`, `|` stands for a space within a phrase. A
 * pattern is the source of a regular expression for lower-case text. In a pattern `_` matches the edge of a word in any script.
 */

/** The kinds of dictation. */
export type Kind = "phone" | "number" | "spelling" | "email" | "address" | "birthDate" | "date"

export interface DictationWords {
  /** Names of digits and numbers in addition to CLDR's: "oh", "zwo". */
  readonly digits: Readonly<Record<string, string>>
  /** Words that repeat the next digit or letter, each with how often that digit or letter counts: "double" is 2. */
  readonly repeats: Readonly<Record<string, number>>
  /** A list. Names of the signs in an address: "at", "dot". The verbalizer's names count even if they are not here. */
  readonly signs: string
  /** A list. Words between a letter and a word that begins with this letter: "J as in Juliet". */
  readonly asIn: string
  /** A list. Words that callers say before a letter or within a spelt word: "capital". */
  readonly spelling: string
  /** A list. Sounds that callers make while they think: "um". */
  readonly hesitations: string
  /** A list. Words between the parts of a number or of a date: "and", "of". */
  readonly between: string
  /** A pattern. Ordinals as words, in addition to those of the verbalizer's `ordinalMarks`. */
  readonly ordinal: string
  /** A pattern. Nouns for digits: "the last four digits". */
  readonly digitNoun: string
  /** A pattern. Words with which a caller announces a dictation: "it's", "my number is". */
  readonly leadIn: string
  /** A list. Words that begin an answer without a dictation: "no", "yes". */
  readonly answer: string
  /** A pattern for each kind, for the agent's question or the caller's announcement. The first match counts. */
  readonly asks: ReadonlyArray<readonly [kind: Kind, pattern: string]>
}

export const dictationWords: Readonly<Record<string, DictationWords>> = {
  en: {
    digits: { oh: "0", o: "0", nought: "0", naught: "0", nil: "0", niner: "9" },
    repeats: { double: 2, triple: 3, treble: 3 },
    signs: "at dot point dash hyphen minus underscore slash plus period",
    asIn: "as|in like for",
    spelling: "capital uppercase lowercase letter space new word",
    hesitations: "um uh uhm er erm hmm",
    between: "and of the on",
    ordinal: "",
    digitNoun: "digits?|numbers",
    leadIn: "it's|it is|that's|that is|that'd be|that would be|(?:my|the|our) (?:\\p{L}+ ){0,2}(?:number|e-?mail|address|name|birthday|code|pin)(?: is|'s)|i'm at|you can (?:reach|call) me (?:at|on)|starts? with",
    answer: "no nope none yes yeah yep sure okay ok right correct exactly why what how i|don't i|do|not",
    asks: [
      ["email", "e-?mail"],
      ["spelling", "_(?:spell(?:ed|ing|s)?|spelt|letter by letter)_"],
      ["birthDate", "_(?:date of birth|birth ?da(?:te|y)|(?:were|was|are) (?:you|he|she) born|i was born|d\\.?o\\.?b)_"],
      ["phone", "_(?:(?:tele)?phone|mobile|cell(?:phone)?|(?:call|reach|ring) (?:you|me)(?: back)? (?:at|on)|call-?back number|number (?:can|may|should|could) (?:i|we) (?:call|reach))_"],
      ["address", "_(?:address|street|where do you live|house number)_"],
      ["number", "_(?:numbers?(?! of)|digits|pin|zip|post ?code|passcode|code|reference|account|serial|tracking)_"],
      ["date", "_(?:(?:what|which) date|the date|date of|expir(?:y|ation|es?))_"]
    ]
  },
  de: {
    digits: { zwo: "2", ein: "1", fuenf: "5", zwoundzwanzig: "22" },
    repeats: { doppel: 2, doppelt: 2, zweimal: 2, dreimal: 3 },
    signs: "ät at punkt strich bindestrich minus unterstrich schrägstrich plus klammeraffe",
    asIn: "wie",
    spelling: "groß klein großes kleines buchstabe wort",
    hesitations: "äh ähm hm öh",
    between: "und am der den des",
    ordinal: "(?:erst|zweit|dritt|viert|fünft|sechst|siebt|siebent|acht|neunt|zehnt|elft|zwölft|\\p{L}+zehnt|\\p{L}*(?:zwanzig|dreißig|dreissig)st)e[nrms]?",
    digitNoun: "ziffern?|stellen?|zahlen",
    leadIn: "das ist|das wäre|es ist|die lautet|die ist|(?:meine?|die|der) (?:\\p{L}+ )?\\p{L}*(?:nummer|adresse|mail|name|geburtsdatum|kennzahl|pin) (?:ist|lautet)|beginnt mit|also",
    answer: "nein nee ja jo klar okay ok richtig genau stimmt warum wieso was wie ich",
    asks: [
      ["email", "e-?mail|mailadresse"],
      ["spelling", "buchstabier|_wie schreibt man_|_wie schreibe? (?:ich|sich)_"],
      ["birthDate", "geburtsdatum|geburtstag|_geboren_"],
      ["phone", "telefon|handy|mobilnummer|rufnummer|rückruf|_(?:sie|dich|mich) (?:zurückrufen|erreichen)_|_unter welcher nummer_"],
      ["address", "(?:adresse|anschrift|straße|strasse|hausnummer)|_wo wohnen_"],
      ["number", "nummern?_|_(?:pin|ziffern|postleitzahl|code|iban)_|postleitzahl|kennzahl|zahlencode"],
      ["date", "_(?:welche[sn]? datum|das datum|an welchem tag|ablaufdatum|gültig bis)_"]
    ]
  },
  fr: {
    digits: { une: "1" },
    repeats: { double: 2, triple: 3 },
    signs: "arobase arrobase point tiret underscore slash plus moins",
    asIn: "comme pour",
    spelling: "majuscule minuscule lettre accent apostrophe",
    hesitations: "euh heu hum",
    between: "et le du de",
    ordinal: "premier|première",
    digitNoun: "chiffres?|numéros",
    leadIn: "c'est(?: le)?|alors|ce serait(?: le)?|(?:mon|ma|le|l'|mes) ?(?:\\p{L}+ )?(?:numéro|adresse|mail|e-?mail|nom|code|date de naissance)(?: de \\p{L}+)? (?:est|c'est)(?: le)?|ça commence par",
    answer: "non oui ouais d'accord exact exactement pourquoi quoi comment je",
    asks: [
      ["email", "e-?mail|_mél_|_mail_|courriel|adresse électronique"],
      ["spelling", "_épel(?:er|ez|lez|le)_|lettre par lettre|_ça s'écrit_|_s'écrit(?: comment)?_"],
      ["birthDate", "date de naissance|_(?:êtes|es)-(?:vous|tu) née?_|_je suis née?_"],
      ["phone", "téléphone|_(?:portable|mobile)_|_(?:vous|me|t')\\s?(?:rappeler|joindre)_"],
      ["address", "_adresse_|_rue_|_(?:où )?(?:habitez|habites)_"],
      ["number", "_(?:numéros?|chiffres|code|pin|référence)_"],
      ["date", "_(?:quelle date|la date|à quelle date|expiration)_"]
    ]
  },
  es: {
    digits: { un: "1", una: "1" },
    repeats: { doble: 2, triple: 3 },
    signs: "arroba punto guión guion barra más menos subrayado bajo",
    asIn: "como de",
    spelling: "mayúscula minúscula letra acento",
    hesitations: "eh em este mmm",
    between: "y de del el",
    ordinal: "primero|primer",
    digitNoun: "dígitos?|cifras?|números",
    leadIn: "es(?: el)?|sería(?: el)?|pues|a ver|(?:mi|el|la) (?:\\p{L}+ )?(?:número|teléfono|correo|dirección|nombre|código|fecha de nacimiento)(?: de \\p{L}+)? es(?: el)?|empieza (?:por|con)",
    answer: "no sí si vale claro correcto exacto por|qué qué cómo yo",
    asks: [
      ["email", "e-?mail|_correo_"],
      ["spelling", "deletre|letra por letra|_cómo se escribe_|_se escribe_"],
      ["birthDate", "fecha de nacimiento|_naci(?:ó|ste)_|_nací_"],
      ["phone", "teléfono|móvil|celular|_(?:le|te|lo|la|me) (?:llamamos|llamo|localizamos)_"],
      ["address", "_(?:dirección|calle|domicilio)_|_dónde vive"],
      ["number", "_(?:números?(?! de personas)|dígitos|código|pin|dni|referencia)_"],
      ["date", "_(?:qué fecha|la fecha|fecha de|caducidad|vencimiento)_"]
    ]
  },
  it: {
    digits: { un: "1", una: "1" },
    repeats: { doppia: 2, doppio: 2, tripla: 3, triplo: 3 },
    signs: "chiocciola punto trattino underscore barra più meno lineetta basso",
    asIn: "come di",
    spelling: "maiuscola minuscola maiuscolo minuscolo lettera accento",
    hesitations: "ehm uhm eh mmm",
    between: "e di del il",
    ordinal: "primo",
    digitNoun: "cifre?|cifra|numeri",
    leadIn: "è(?: il)?|sarebbe|allora|dunque|(?:il mio|la mia|il|la|l') ?(?:\\p{L}+ )?(?:numero|telefono|mail|e-?mail|indirizzo|nome|codice|data di nascita)(?: di \\p{L}+)? è|comincia con|inizia con",
    answer: "no sì si certo va|bene esatto giusto perché cosa come io",
    asks: [
      ["email", "e-?mail|_mail_|posta elettronica"],
      ["spelling", "_(?:sillab\\p{L}*|compit\\p{L}*|lettera per lettera|spelling|come si scrive|si scrive)_"],
      ["birthDate", "data di nascita|_(?:è|sei) nat[oa]_|_sono nat[oa]_"],
      ["phone", "telefono|cellulare|_(?:la|ti|mi) (?:richiam|contatt)\\p{L}*_|recapito"],
      ["address", "_(?:indirizzo|via|dove abita|domicilio)_"],
      ["number", "_(?:numer[oi](?! di)|cifre|codice|pin|cap)_"],
      ["date", "_(?:che data|quale data|la data|data di|scadenza)_"]
    ]
  },
  nl: {
    digits: { één: "1", een: "1" },
    repeats: { dubbel: 2, dubbele: 2, tweemaal: 2, driemaal: 3 },
    signs: "at apenstaartje punt streepje min underscore slash plus koppelteken",
    asIn: "van als",
    spelling: "hoofdletter kleine letter",
    hesitations: "eh uhm uh hm",
    between: "en de van",
    ordinal: "(?:eerste|tweede|derde|vierde|vijfde|zesde|zevende|achtste|negende|tiende|elfde|twaalfde|\\p{L}+tiende|\\p{L}*(?:twintig|dertig)ste)",
    digitNoun: "cijfers?|nummers",
    leadIn: "het is|dat is|dat zou|(?:mijn|het|de) (?:\\p{L}+ )?\\p{L}*(?:nummer|adres|mail|naam|geboortedatum|code) is|begint met",
    answer: "nee ja oké okay ok klopt precies goed waarom wat hoe ik",
    asks: [
      ["email", "e-?mail|mailadres"],
      ["spelling", "_spel(?:len|t|ling)?_|letter voor letter|_hoe schrijf"],
      ["birthDate", "geboortedatum|_geboren_|verjaardag"],
      ["phone", "telefoon|mobiel|_(?:u|je|mij) (?:terugbellen|bereiken)_"],
      ["address", "_adres_|straat|huisnummer|_waar woon"],
      ["number", "nummers?_|_(?:cijfers|postcode|pincode|pin|code)_"],
      ["date", "_(?:welke datum|de datum|vervaldatum|op welke dag)_"]
    ]
  },
  pl: {
    digits: { jedna: "1", dwie: "2", jedynka: "1", dwójka: "2", trójka: "3", czwórka: "4", piątka: "5", szóstka: "6", siódemka: "7", ósemka: "8", dziewiątka: "9" },
    repeats: { podwójne: 2, podwójny: 2, podwójna: 2, potrójne: 3 },
    signs: "małpa kropka kreska myślnik podkreślnik podkreślenie ukośnik plus minus",
    asIn: "jak",
    spelling: "duże małe duża mała litera wielka",
    hesitations: "yyy eee hmm no",
    between: "i dnia",
    ordinal: "\\p{L}+(?:ego|szego|iego|ty|szy|gi|ci|my)",
    digitNoun: "cyfry|cyfr|cyfra",
    leadIn: "to|to jest|to będzie|(?:mój|moja|numer|adres) (?:\\p{L}+ )?(?:to|jest)|zaczyna się od",
    answer: "nie tak dobrze okej ok zgadza dlaczego co jak ja",
    asks: [
      ["email", "e-?mail|_mail|pocztę elektroniczną"],
      ["spelling", "liter(?:ować|uj|owanie)|litera po literze|_jak (?:to )?się pisze"],
      ["birthDate", "dat[aęy] urodzenia|urodził"],
      ["phone", "telefon|komórk|_oddzwonić_"],
      ["address", "_adres|ulic[aęy]|_gdzie (?:pan|pani )?mieszka"],
      ["number", "_(?:numer\\p{L}*|cyfr\\p{L}*|kod\\p{L}*|pin|pesel)_"],
      ["date", "_(?:jaka data|jaką datę|data|ważności)_"]
    ]
  },
  pt: {
    digits: { meia: "6", um: "1", uma: "1" },
    repeats: { duplo: 2, dupla: 2, dobro: 2, triplo: 3 },
    signs: "arroba ponto traço hífen barra mais menos sublinhado underline underscore",
    asIn: "de como",
    spelling: "maiúscula minúscula maiúsculo minúsculo letra acento",
    hesitations: "ahn hum é eh",
    between: "e de do",
    ordinal: "primeiro",
    digitNoun: "dígitos?|números|algarismos",
    leadIn: "é(?: o)?|seria|então|(?:o meu|a minha|meu|minha|o|a) (?:\\p{L}+ )?(?:número|telefone|celular|e-?mail|endereço|morada|nome|código|data de nascimento)(?: de \\p{L}+)? é(?: o)?|começa (?:com|por)",
    answer: "não sim claro certo exato isso por|que quê como eu",
    asks: [
      ["email", "e-?mail|correio eletrônico"],
      ["spelling", "soletr|letra por letra|_como se escreve_|_se escreve_"],
      ["birthDate", "data de nascimento|_nasc(?:eu|i|este)_"],
      ["phone", "telefone|celular|telemóvel|_(?:te|lhe|me) (?:ligar|ligo)_"],
      ["address", "_(?:endereço|morada|rua)_|_onde mora"],
      ["number", "_(?:números?(?! de pessoas)|dígitos|código|cep|cpf|pin|senha)_"],
      ["date", "_(?:que data|qual data|a data|data de|validade)_"]
    ]
  }
}
