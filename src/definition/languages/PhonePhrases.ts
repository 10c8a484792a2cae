/**
 * Phrases that people say at the beginning and at the end of a telephone call, by language. `GreetingAnswer` and `Farewell` use them.
 *
 * All phrases are in lower case and without punctuation, as `Words.plain` writes them.
 */

interface PhonePhrases {
  /** Phrases with which people answer the telephone, or check whether somebody is there. They ask for nothing. */
  readonly openings: ReadonlyArray<string>
  /** Words before and after the speaker's own name: "this is Anna", "Anna speaking". */
  readonly beforeName: ReadonlyArray<string>
  readonly afterName: ReadonlyArray<string>
  /** Single words that are not a name. A person who says one of them wants something. */
  readonly nonNames: ReadonlyArray<string>
  /** Phrases with which people end a call, and which need no answer. "Yes" is not among them, because it may answer a question. */
  readonly closings: ReadonlyArray<string>
}

/** Phrases that are said in every language. */
const inEveryLanguage: PhonePhrases = {
  openings: ["hello", "hallo", "allo", "hi"],
  beforeName: [],
  afterName: [],
  nonNames: ["stop", "ok"],
  closings: ["bye", "bye bye", "ciao", "ok", "okay"]
}

const languages: Readonly<Record<string, PhonePhrases>> = {
  en: {
    openings: [
      "hey", "hiya", "hi there", "hello there", "hey there", "good morning", "good afternoon", "good evening", "good day", "morning", "afternoon",
      "evening", "yes", "yeah", "yep", "yes please", "anyone there", "anybody there", "is anyone there", "is anybody there",
      "is someone there", "is somebody there", "are you there", "are you still there", "can you hear me", "do you hear me", "how can i help",
      "how can i help you", "how may i help", "how may i help you", "what can i do for you", "um", "uh", "er", "ah", "oh"
    ],
    beforeName: ["this is", "my name is", "the name is", "you are speaking to", "you're speaking to", "you are speaking with", "you're speaking with"],
    afterName: ["speaking", "here"],
    nonNames: [
      "no", "nope", "nah", "not", "never", "don't", "wrong", "what", "what's", "who", "who's", "why", "where", "when", "which", "how", "sorry", "pardon",
      "help", "cancel", "leave", "please", "thanks", "goodbye", "bye", "repeat", "again", "wait", "unsubscribe", "spam"
    ],
    closings: [
      "goodbye", "good bye", "bye now", "see you", "see you soon", "see you then", "see you later", "talk soon", "talk to you soon", "thanks",
      "thank you", "thanks a lot", "thank you very much", "thank you so much", "thanks so much", "many thanks", "cheers", "you too", "same to you",
      "have a good day", "have a nice day", "have a great day", "have a good one", "take care", "good night", "great", "perfect", "fine", "good",
      "lovely", "wonderful", "all right", "alright", "will do", "great thanks"
    ]
  },
  de: {
    openings: [
      "hey", "ja", "ja bitte", "ja hallo", "bitte", "guten tag", "guten morgen", "guten abend", "schönen guten tag", "tag", "morgen", "abend", "moin",
      "moin moin", "grüß gott", "grüss gott", "grüß sie", "grüezi", "servus", "hallöchen", "sind sie da", "sind sie noch da", "bist du da", "hören sie mich",
      "können sie mich hören", "hörst du mich", "ist da jemand", "ist jemand da", "jemand da", "was kann ich für sie tun", "wie kann ich ihnen helfen",
      "äh", "ähm", "hm"
    ],
    beforeName: ["hier", "hier ist", "hier spricht", "mein name ist", "sie sprechen mit"],
    afterName: ["hier", "am apparat", "am telefon", "mein name"],
    nonNames: [
      "nein", "nee", "nicht", "nie", "kein", "keine", "stopp", "halt", "falsch", "falsche", "was", "wer", "wie", "warum", "wieso", "wo", "wann", "welche",
      "hilfe", "danke", "tschüss", "entschuldigung", "verzeihung", "moment", "nochmal", "werbung"
    ],
    closings: [
      "tschüss", "tschüs", "tschau", "auf wiederhören", "auf wiedersehen", "wiederhören", "wiedersehen", "bis dann", "bis bald", "bis später", "bis morgen",
      "danke", "danke schön", "dankeschön", "vielen dank", "danke sehr", "danke ihnen", "danke gleichfalls", "gleichfalls", "ebenso", "ihnen auch",
      "schönen tag", "schönen tag noch", "einen schönen tag", "einen schönen tag noch", "schönen abend", "schönen abend noch", "gut", "sehr gut", "prima",
      "super", "alles klar", "in ordnung", "passt"
    ]
  },
  fr: {
    openings: [
      "allô", "oui", "oui allô", "ouais", "bonjour", "bonsoir", "salut", "oui bonjour", "j'écoute", "je vous écoute", "vous êtes là", "vous êtes toujours là",
      "tu es là", "vous m'entendez", "est-ce que vous m'entendez", "il y a quelqu'un", "y a quelqu'un", "euh", "comment puis-je vous aider"
    ],
    beforeName: ["c'est", "ici", "mon nom est", "je m'appelle", "je suis"],
    afterName: ["à l'appareil", "au téléphone"],
    nonNames: [
      "non", "pas", "jamais", "quoi", "qui", "comment", "pourquoi", "où", "quand", "pardon", "faux", "aide", "merci", "désolé", "désolée", "attendez",
      "erreur", "aucun", "mauvais"
    ],
    closings: [
      "au revoir", "salut", "à bientôt", "à plus tard", "à plus", "à demain", "merci", "merci beaucoup", "merci bien", "merci à vous", "bonne journée",
      "bonne soirée", "bonne fin de journée", "vous aussi", "à vous aussi", "de même", "d'accord", "parfait", "très bien", "bien", "entendu"
    ]
  },
  es: {
    openings: [
      "hola", "sí", "si", "diga", "dígame", "digame", "bueno", "buenas", "buenos días", "buenas tardes", "buenas noches", "aló", "alo", "oigo", "mande",
      "me escucha", "me oye", "me oyes", "está ahí", "estás ahí", "hay alguien", "hay alguien ahí", "en qué puedo ayudarle", "eh"
    ],
    beforeName: ["soy", "habla", "le habla", "me llamo", "mi nombre es", "aquí"],
    afterName: ["al habla", "al aparato", "al teléfono"],
    nonNames: ["no", "qué", "quién", "cómo", "por", "dónde", "cuándo", "cuál", "nunca", "nada", "perdón", "ayuda", "gracias", "equivocado", "espere", "ningún"],
    closings: [
      "adiós", "adios", "chao", "hasta luego", "hasta pronto", "hasta mañana", "hasta la vista", "gracias", "muchas gracias", "igualmente", "buen día",
      "que tenga buen día", "que tenga un buen día", "vale", "de acuerdo", "perfecto", "muy bien", "bien"
    ]
  },
  it: {
    openings: [
      "pronto", "ciao", "sì", "si", "salve", "buongiorno", "buon giorno", "buonasera", "buona sera", "buon pomeriggio", "mi sente", "mi senti", "c'è qualcuno",
      "è lì", "chi parla", "ehm", "eh", "dica", "mi dica"
    ],
    beforeName: ["sono", "qui", "parla", "mi chiamo", "il mio nome è"],
    afterName: ["all'apparecchio", "al telefono"],
    nonNames: ["no", "non", "mai", "niente", "che", "cosa", "chi", "come", "perché", "dove", "quando", "quale", "scusi", "scusa", "aiuto", "grazie", "sbagliato", "aspetti"],
    closings: [
      "arrivederci", "arrivederla", "a presto", "a dopo", "a domani", "grazie", "grazie mille", "molte grazie", "altrettanto", "anche a lei", "buona giornata",
      "buona serata", "va bene", "d'accordo", "perfetto", "bene", "benissimo"
    ]
  },
  nl: {
    openings: [
      "hoi", "ja", "ja hallo", "hé", "goedemorgen", "goedemiddag", "goedenavond", "goedendag", "dag", "bent u daar", "bent u er nog", "ben je daar", "hoort u mij",
      "kunt u mij horen", "is daar iemand", "is er iemand", "zeg het maar", "waarmee kan ik u helpen", "eh"
    ],
    beforeName: ["met", "u spreekt met", "je spreekt met", "dit is", "hier is", "mijn naam is"],
    afterName: ["hier", "aan de lijn", "aan de telefoon"],
    nonNames: ["nee", "niet", "nooit", "geen", "wat", "wie", "waarom", "waar", "wanneer", "hoe", "welke", "sorry", "pardon", "help", "bedankt", "verkeerd", "wacht"],
    closings: [
      "dag", "doei", "doeg", "tot ziens", "tot straks", "tot morgen", "tot dan", "bedankt", "dank u", "dank u wel", "dankjewel", "dank je wel", "insgelijks",
      "u ook", "fijne dag", "fijne dag nog", "fijne avond", "prima", "goed", "oké", "is goed"
    ]
  },
  pl: {
    openings: [
      "halo", "słucham", "tak", "tak słucham", "proszę", "dzień dobry", "dobry wieczór", "cześć", "hej", "witam", "jest tam kto", "jest ktoś", "słyszy mnie pan",
      "słyszy mnie pani", "czy mnie słychać", "słychać mnie", "w czym mogę pomóc", "no", "eee"
    ],
    beforeName: ["tu", "mówi", "z tej strony", "nazywam się", "przy telefonie"],
    afterName: ["przy telefonie", "z tej strony", "przy aparacie"],
    nonNames: ["nie", "nigdy", "żaden", "co", "kto", "jak", "dlaczego", "gdzie", "kiedy", "który", "przepraszam", "pomocy", "dziękuję", "pomyłka", "chwileczkę"],
    closings: [
      "do widzenia", "do usłyszenia", "na razie", "pa", "cześć", "dziękuję", "dziękuję bardzo", "dzięki", "nawzajem", "wzajemnie", "miłego dnia", "dobrze", "w porządku",
      "dobra"
    ]
  },
  pt: {
    openings: [
      "alô", "alo", "olá", "oi", "sim", "está", "estou", "está lá", "bom dia", "boa tarde", "boa noite", "diga", "pois não", "está aí", "está me ouvindo",
      "consegue me ouvir", "tem alguém aí", "está a ouvir-me", "em que posso ajudar", "eh"
    ],
    beforeName: ["aqui é", "aqui fala", "fala", "sou o", "sou a", "meu nome é", "o meu nome é", "chamo-me"],
    afterName: ["falando", "ao telefone", "ao aparelho"],
    nonNames: ["não", "nunca", "nada", "quê", "que", "quem", "como", "porquê", "onde", "quando", "qual", "desculpe", "ajuda", "obrigado", "obrigada", "engano", "espere"],
    closings: [
      "tchau", "adeus", "até logo", "até breve", "até amanhã", "até mais", "obrigado", "obrigada", "muito obrigado", "muito obrigada", "igualmente", "para você também",
      "bom dia", "boa tarde", "boa noite", "está bem", "tá bom", "certo", "perfeito", "ótimo"
    ]
  },
  sv: {
    openings: ["hej", "hallå", "hejsan", "ja", "ja hallå", "god morgon", "god dag", "goddag", "god kväll", "är du där", "hör du mig", "är det någon där"],
    beforeName: ["det är", "det här är", "mitt namn är", "jag heter"],
    afterName: ["här"],
    nonNames: ["nej", "inte", "aldrig", "ingen", "vad", "vem", "varför", "var", "när", "hur", "ursäkta", "förlåt", "hjälp", "tack", "fel"],
    closings: ["hej då", "hejdå", "adjö", "vi hörs", "tack", "tack så mycket", "tack ska du ha", "tack detsamma", "detsamma", "ha det bra", "bra"]
  },
  da: {
    openings: ["hej", "ja", "ja hallo", "goddag", "god morgen", "godmorgen", "godaften", "er du der", "kan du høre mig", "er der nogen"],
    beforeName: ["det er", "mit navn er", "jeg hedder", "du taler med"],
    afterName: ["her"],
    nonNames: ["nej", "ikke", "aldrig", "ingen", "hvad", "hvem", "hvorfor", "hvor", "hvornår", "hvordan", "undskyld", "hjælp", "tak", "forkert"],
    closings: ["farvel", "hej hej", "vi ses", "mange tak", "tusind tak", "tak for det", "i lige måde", "hav en god dag", "fint", "godt"]
  },
  no: {
    openings: ["hei", "hallo", "ja", "ja hallo", "god dag", "god morgen", "god kveld", "er du der", "hører du meg", "er det noen der"],
    beforeName: ["det er", "dette er", "mitt navn er", "jeg heter", "du snakker med"],
    afterName: ["her"],
    nonNames: ["nei", "ikke", "aldri", "ingen", "hva", "hvem", "hvorfor", "hvor", "når", "hvordan", "unnskyld", "hjelp", "takk", "feil"],
    closings: ["ha det", "ha det bra", "hadet", "vi snakkes", "takk", "tusen takk", "takk skal du ha", "i like måte", "ha en fin dag", "fint", "bra"]
  },
  fi: {
    openings: ["haloo", "hei", "moi", "terve", "no terve", "kyllä", "joo", "niin", "huomenta", "hyvää huomenta", "päivää", "hyvää päivää", "iltaa", "oletko siellä", "kuuletko"],
    beforeName: ["täällä", "täällä on", "nimeni on", "tässä on"],
    afterName: ["puhelimessa", "täällä"],
    nonNames: ["ei", "en", "mitä", "mikä", "kuka", "miksi", "missä", "milloin", "miten", "anteeksi", "apua", "kiitos", "väärä"],
    closings: ["hei hei", "moi moi", "moikka", "näkemiin", "kuulemiin", "kiitos", "kiitos paljon", "kiitoksia", "samoin", "kiitos samoin", "hyvää päivänjatkoa", "hyvä", "selvä"]
  },
  cs: {
    openings: ["haló", "prosím", "ano", "ano prosím", "jo", "dobrý den", "dobré ráno", "dobrý večer", "ahoj", "čau", "jste tam", "slyšíte mě", "je tam někdo"],
    beforeName: ["tady", "tady je", "u telefonu", "jmenuji se", "jmenuju se"],
    afterName: ["u telefonu", "u aparátu"],
    nonNames: ["ne", "nikdy", "žádný", "co", "kdo", "proč", "kde", "kdy", "jak", "který", "promiňte", "pardon", "pomoc", "děkuji", "omyl"],
    closings: ["na shledanou", "nashledanou", "ahoj", "čau", "na slyšenou", "děkuji", "děkuju", "díky", "moc děkuji", "nápodobně", "hezký den", "dobře"]
  },
  tr: {
    openings: ["alo", "efendim", "buyurun", "buyrun", "evet", "merhaba", "selam", "günaydın", "iyi günler", "iyi akşamlar", "orada mısınız", "beni duyuyor musunuz", "kimse var mı"],
    beforeName: ["ben", "adım", "benim adım"],
    afterName: ["konuşuyor"],
    nonNames: ["hayır", "yok", "değil", "ne", "kim", "neden", "niye", "nerede", "nasıl", "hangi", "pardon", "yardım", "teşekkürler", "yanlış"],
    closings: ["hoşça kalın", "hoşçakalın", "görüşürüz", "güle güle", "iyi günler", "iyi akşamlar", "teşekkürler", "teşekkür ederim", "çok teşekkürler", "sağ olun", "sağolun", "size de", "tamam", "peki"]
  },
  ru: {
    openings: ["алло", "алё", "але", "да", "да слушаю", "слушаю", "слушаю вас", "здравствуйте", "добрый день", "доброе утро", "добрый вечер", "привет", "вы здесь", "вы меня слышите", "меня слышно", "есть кто-нибудь"],
    beforeName: ["это", "меня зовут", "вас слушает"],
    afterName: ["слушает", "у телефона"],
    nonNames: ["нет", "не", "никогда", "что", "кто", "почему", "где", "когда", "как", "какой", "простите", "извините", "помогите", "спасибо", "ошиблись"],
    closings: ["до свидания", "до встречи", "всего доброго", "всего хорошего", "пока", "спасибо", "большое спасибо", "спасибо большое", "и вам", "взаимно", "хорошего дня", "хорошо", "ладно", "отлично"]
  },
  uk: {
    openings: ["алло", "ало", "так", "так слухаю", "слухаю", "слухаю вас", "добрий день", "доброго дня", "доброго ранку", "добрий вечір", "вітаю", "привіт", "ви мене чуєте", "мене чути"],
    beforeName: ["це", "мене звати", "вас слухає"],
    afterName: ["слухає", "біля телефону"],
    nonNames: ["ні", "не", "ніколи", "що", "хто", "чому", "де", "коли", "як", "який", "вибачте", "допоможіть", "дякую", "помилилися"],
    closings: ["до побачення", "бувайте", "на все добре", "усього найкращого", "дякую", "щиро дякую", "дуже дякую", "вам теж", "навзаєм", "гарного дня", "добре", "гаразд"]
  },
  ja: {
    openings: ["もしもし", "はい", "ええ", "こんにちは", "おはようございます", "こんばんは", "聞こえますか", "聞こえてますか", "誰かいますか", "お電話ありがとうございます", "あの", "えっと"],
    beforeName: [],
    afterName: ["です", "と申します", "でございます"],
    nonNames: [],
    closings: ["さようなら", "失礼します", "失礼いたします", "ありがとう", "ありがとうございます", "ありがとうございました", "わかりました", "お願いします", "よろしくお願いします", "では", "それでは", "どうも"]
  },
  zh: {
    openings: ["喂", "你好", "您好", "哎", "嗯", "是", "是的", "在", "早上好", "上午好", "下午好", "晚上好", "听得到吗", "听得见吗", "能听到吗", "能听见吗", "你在吗", "您在吗", "有人吗", "請講", "请讲", "請說", "请说"],
    beforeName: ["我是", "这里是", "這裡是", "我叫"],
    afterName: [],
    nonNames: [],
    closings: ["再见", "再見", "拜拜", "谢谢", "謝謝", "谢谢你", "谢谢您", "多谢", "好", "好的", "行", "没问题", "辛苦了"]
  },
  ko: {
    openings: ["여보세요", "네", "예", "네 여보세요", "안녕하세요", "들리세요", "제 말 들리세요", "누구 계세요", "계세요"],
    beforeName: ["저는"],
    afterName: [],
    nonNames: ["아니요", "아니오", "안돼요", "뭐", "뭐요", "누구", "누구세요", "왜", "어디", "언제"],
    closings: ["안녕히 계세요", "안녕히 가세요", "감사합니다", "고맙습니다", "네 감사합니다", "알겠습니다", "수고하세요", "좋아요"]
  },
  ar: {
    openings: ["ألو", "الو", "آلو", "نعم", "مرحبا", "أهلا", "اهلا", "السلام عليكم", "صباح الخير", "مساء الخير", "تسمعني", "هل تسمعني"],
    beforeName: ["أنا", "معك", "اسمي"],
    afterName: [],
    nonNames: ["لا", "ليس", "ماذا", "من", "لماذا", "أين", "متى", "كيف", "عفوا", "شكرا"],
    closings: ["مع السلامة", "إلى اللقاء", "شكرا", "شكرا جزيلا", "شكرا لك", "تمام", "حسنا"]
  },
  hi: {
    openings: ["हेलो", "हैलो", "नमस्ते", "नमस्कार", "हाँ", "हां", "जी", "जी हाँ", "जी हां", "हाँ जी", "बोलिए", "कहिए", "सुनाई दे रहा है"],
    beforeName: ["मैं"],
    afterName: ["बोल रहा हूँ", "बोल रही हूँ"],
    nonNames: ["नहीं", "मत", "क्या", "कौन", "क्यों", "कहाँ", "कब", "कैसे", "माफ़"],
    closings: ["अलविदा", "धन्यवाद", "शुक्रिया", "बहुत धन्यवाद", "ठीक है", "अच्छा", "नमस्ते"]
  }
}

const join = (one: PhonePhrases, other: PhonePhrases): PhonePhrases => ({
  openings: [...one.openings, ...other.openings],
  beforeName: [...one.beforeName, ...other.beforeName],
  afterName: [...one.afterName, ...other.afterName],
  nonNames: [...one.nonNames, ...other.nonNames],
  closings: [...one.closings, ...other.closings]
})

/** The lists are joined once, so that `of` returns the same lists every time. */
const phrasesOf: ReadonlyMap<string, PhonePhrases> = new Map(Object.entries(languages).map(([language, phrases]) => [language, join(inEveryLanguage, phrases)]))

/** `language`: ISO 639-1. An unknown language has only the phrases that are said in every language. */
export const of = (language: string): PhonePhrases => phrasesOf.get(language) ?? inEveryLanguage

/** The languages that have phrases of their own. */
export const known: ReadonlyArray<string> = Object.keys(languages)
