/**
 * Decides whether the caller only asks the agent to wait: "Hold on a minute", "let me get my card". Pure. Each language (ISO 639-1) has its rules.
 *
 * The whole utterance must be a request to wait: "hold on, I need to book a table" asks for a table.
 */

/** Sources of regular expressions. The expressions match lower-case words with single blanks between them, without punctuation and hyphens. */
interface HoldWords {
  /** Polite words before or after a request. */
  readonly polite: string
  /** Thanks for waiting. */
  readonly thanks: string
  /** Requests to wait: "hold on". */
  readonly wait: string
  /** Reasons that are a request to wait even without other words: "let me check". */
  readonly standaloneReason: string
  /** Reasons that count only after a request to wait, since they also occur in other requests: "I need to find my card". */
  readonly reason: string
}

const holdWords: Readonly<Record<string, HoldWords>> = {
  en: {
    polite: "oh|um|uh|er|okay|ok|yes|yeah|sure|well|so|all right|alright|sorry|excuse me|please|thanks|thank you|one thing|for me|can you|could you|would you|will you|if you can|if you could|right there|there|actually|now",
    thanks: "thanks|thank you|thanks (?:a lot|very much|so much)|thank you (?:very|so) much|much appreciated|cheers",
    wait: "(?:just )?(?:hold on|hold the line|hold|hang on|wait up|wait|bear with me|stay on the line|stand by|hold that thought)(?: (?:for )?(?:just )?(?:a|one|two|a couple(?: of)?|a few|half a) (?:quick |little |short )?(?:moments?|minutes?|mins?|seconds?|secs?|bit|while|mo|tick))?"
      + "|(?:just )?(?:give me |gimme |i need )?(?:just )?(?:a|one|two|a couple(?: of)?|a few|half a) (?:quick |little )?(?:moments?|minutes?|mins?|seconds?|secs?|mo|tick)(?: to (?:think|check|look|find (?:it|that|my \\w+)))?|(?:i'll|i will) be (?:right|straight) back|be right back|don't (?:hang up|go away)",
    standaloneReason: "(?:just )?let me (?:just |quickly )?(?:check|see|look|think|have a look|take a look|find out|look it up|check (?:that|it|this)|see if i can find (?:it|that)|(?:get|grab|find|fetch|look for|look up|dig out|go get|check|look at) (?:it|that|them|a (?:pen|pencil|piece of paper)|something to write(?: with)?|(?:my|the) (?:\\w+ )?(?:card|calendar|diary|schedule|agenda|notes|wallet|purse|bag|phone|papers|paperwork|glasses|computer|number|letter|bill|invoice|passport|id|e ?mails?|documents?|keys|pen))|(?:ask|check with) (?:my|the) \\w+)"
      + "|i(?:'m| am) (?:just |still )?(?:looking|checking|looking for it|getting it|trying to find it)",
    reason: "(?:while )?i(?:'ll| will|'m| am| have to| need to|'ve got to)? (?:just |quickly |going to |gonna )?(?:get|grab|find|fetch|look for|look up|check|getting|looking for|trying to find|go and get|go get) (?:it|that|a pen|(?:my|the) (?:\\w+ )?(?:card|calendar|diary|schedule|agenda|notes|wallet|purse|bag|phone|papers|paperwork|glasses|computer|number|letter|passport|id|documents?|keys|pen|details))|(?:someone(?:'s| is)|somebody(?:'s| is)|there's someone|there is someone) (?:is )?at the door|i(?:'m| am) (?:just )?(?:driving|looking)"
  },
  de: {
    polite: "äh|ähm|oh|okay|ok|ja|gut|also|bitte|danke|mal|kurz|eben|noch|entschuldigung|sorry|nur|da|doch|können sie|könnten sie|kannst du",
    thanks: "danke|dankeschön|danke (?:schön|sehr)|vielen dank|besten dank",
    wait: "(?:(?:warten|bleiben) sie|warte(?:n)?|moment|augenblick|momentchen|sekunde|sekündchen|minute|minütchen)(?: (?:mal|bitte|kurz|noch|eben|dran|am apparat|einen|eine|ein) ?)*(?: ?(?:kurzen |kleinen )?(?:moment|augenblick|momentchen|sekunde|sekündchen|minute|minütchen))?"
      + "|(?:nur |noch |bitte |geben sie mir |gib mir )*(?:einen|eine|ein|nen|ne) (?:kurzen |kleinen |kleine |kurze )?(?:moment|augenblick|momentchen|sekunde|sekündchen|minute|minütchen)|bleiben sie (?:bitte )?(?:dran|am apparat)|legen sie (?:bitte )?nicht auf|ich bin gleich (?:wieder|zurück)(?: da)?",
    standaloneReason: "(?:ich )?(?:muss |schaue? |seh(?:e)? |guck(?:e)? |kucke? |lassen sie mich )(?:nur |eben |mal |kurz |schnell |gerade |gleich |ich )*(?:nach|nachsehen|nachschauen|gucken|schauen|sehen|überlegen|nachdenken)?(?: nach)?(?! \\w)",
    reason: "(?:ich )?(?:hole?|suche?) (?:nur |eben |mal |kurz |schnell |gerade )*(?:meine?n? \\w+|einen stift|die nummer|sie|ihn|es)(?: raus| heraus)?|ich muss (?:nur |eben |mal |kurz |schnell |erst )*(?:meine?n? \\w+ |einen stift |die nummer |das )?(?:holen|suchen|raussuchen|finden|nachsehen|nachschauen)|es (?:hat |ist )?(?:an der tür )?(?:geklingelt|klingelt)(?: jemand)?|es klingelt"
  },
  fr: {
    polite: "euh|oh|ok|okay|oui|d'accord|alors|bon|ben|merci|s'il vous plaît|s'il te plaît|svp|pardon|excusez-moi|juste|je vous prie|là|vous pouvez|pouvez-vous|tu peux",
    thanks: "merci|merci (?:beaucoup|bien)",
    wait: "(?:attendez|attends|attendre|patientez|patienter|ne quittez pas|ne raccrochez pas|restez en ligne)(?: (?:juste )?(?:un|une|deux) (?:petit |petite )?(?:instant|moment|minutes?|secondes?))?(?: un peu)?|(?:juste )?(?:donnez-moi |laissez-moi |encore )?(?:un|une|deux) (?:petit |petite |tout petit )?(?:instants?|moments?|minutes?|secondes?)|une seconde|(?:deux|cinq) (?:secondes|minutes)|je reviens(?: tout de suite)?",
    standaloneReason: "(?:laissez-moi|laisse-moi) (?:juste )?(?:vérifier|regarder|voir|réfléchir|chercher)(?: (?:ça|mon|ma|mes) ?\\w*)?|je (?:vais )?(?:vérifie|vérifier|regarde|regarder|réfléchis|réfléchir)(?: (?:ça|mon agenda|mes notes))?",
    reason: "(?:je dois |il faut que je |je vais |je )(?:aller |juste |d'abord )*(?:chercher|prendre|trouver|vérifier|regarder|cherche|prends|prenne|trouve|vérifie)(?: (?:ça|(?:mon|ma|mes) \\w+|un stylo))?|on sonne(?: à la porte)?"
  },
  es: {
    polite: "eh|oh|ok|vale|sí|si|bueno|pues|por favor|gracias|perdón|perdone|disculpe|solo|puede|podría|a ver|ahí",
    thanks: "(?:muchas )?gracias",
    wait: "(?:espere|espera|espéreme|espérame|esperar|aguarde|aguarda|no cuelgue|no cuelgues|no se retire)(?: (?:solo )?(?:un|una|dos) (?:momentos?|momentito|instante|minutos?|minutito|segundos?|segundito|ratito))?|(?:solo )?(?:deme |dame |me da )?(?:un|una|dos) (?:momentos?|momentito|instante|minutos?|minutito|segundos?|segundito|momento nada más)|ahora vuelvo|enseguida vuelvo|ya vuelvo",
    standaloneReason: "(?:déjeme|déjame|deja que|deje que|voy a) (?:yo )?(?:ver|mirar|mirarlo|comprobar|comprobarlo|pensar|pensarlo|buscar|buscarlo|revisar|mire|vea|piense|lo mire)(?: (?:mi|mis) \\w+)?|lo (?:miro|busco|compruebo)|(?:lo )?estoy (?:buscándol[oa]|mirándol[oa])",
    reason: "(?:que |tengo que |necesito |voy a |estoy )(?:voy a |estoy )?(?:buscar|busco|buscando|coger|cojo|sacar|encontrar|mirar|mirando)(?: (?:mi|mis) \\w+| un bolígrafo)?|llaman a la puerta"
  },
  it: {
    polite: "ehm|eh|oh|ok|okay|sì|si|allora|bene|per favore|per piacere|grazie|scusi|scusa|mi scusi|solo|può|potrebbe|qui|in linea",
    thanks: "grazie|grazie mille|(?:molte|tante) grazie",
    wait: "(?:aspetti|aspetta|aspettare|attenda|attendi|attendere|resti in linea|non riattacchi|non chiuda)(?: (?:solo )?(?:un|una|due|qualche) ?(?:attimo|attimino|momento|momentino|minuto|minuti|minutino|secondo|secondi))?|(?:solo )?(?:mi dia |dammi |ancora )?(?:un|una|due|qualche) ?(?:attimo|attimino|momento|momentino|minuto|minuti|minutino|secondo|secondi)(?: solo)?|torno subito",
    standaloneReason: "(?:mi faccia|fammi|mi lasci|lasciami) (?:vedere|controllare|guardare|pensare|cercare|verificare)(?: (?:il mio|la mia) \\w+)?|(?:la sto|lo sto) (?:cercando|guardando|controllando)|(?:controllo|vedo|guardo|cerco) (?:subito|un attimo)",
    reason: "(?:che |devo |vado a |sto )(?:prendo|prendere|cerco|cercare|cercando|trovare|controllo|controllare|controllando)(?: (?:(?:il mio|la mia) \\w+|la carta|la tessera|l'agenda|una penna))?|suonano alla porta"
  },
  nl: {
    polite: "eh|uhm|oh|oké|okay|ok|ja|goed|nou|alstublieft|alsjeblieft|graag|bedankt|dank u|sorry|even|hoor|kunt u|kun je|wilt u|hier",
    thanks: "bedankt|hartelijk bedankt|dank (?:u|je)|dank (?:u|je) wel|dankjewel",
    wait: "(?:wacht|wachten|blijf|blijft u|hang niet op|blijf aan de lijn|blijft u aan de lijn)(?: u)?(?: (?:even|eens|hier|heel|nog|maar))*(?: (?:een|één) ?(?:klein |kort )?(?:moment|momentje|ogenblik|ogenblikje|minuut|minuutje|seconde|secondje))?|(?:nog |geef me |geeft u me |heel even |eventjes )*(?:een|één) (?:klein |kort )?(?:moment|momentje|ogenblik|ogenblikje|minuut|minuutje|seconde|secondje)|momentje|ogenblikje|heel even|eventjes|ik ben zo terug",
    standaloneReason: "(?:laat me|ik moet|ik ga|ik zal)(?: (?:even|eens|het|dat|snel))* (?:kijken|nakijken|checken|controleren|denken|nadenken|opzoeken|zoeken)|(?:ik )?(?:kijk|zoek|check)(?: (?:het|dat|even|eens))+(?: (?:na|op))?",
    reason: "ik (?:moet|ga|zal|pak|zoek)(?: (?:even|snel|eerst))*(?: (?:mijn \\w+|het nummer|een pen|het))?(?: (?:pakken|zoeken|halen|opzoeken|erbij))*|er wordt (?:aan)?gebeld"
  },
  pl: {
    polite: "eee|yyy|oh|ok|okej|tak|dobrze|no|proszę|dziękuję|przepraszam|tylko|może pan|może pani|czy może pan|czy może pani|na linii",
    thanks: "dziękuję|dziękuję bardzo|bardzo dziękuję|dzięki",
    wait: "(?:proszę )?(?:zaczekać|poczekać|zaczekaj|poczekaj|niech pan poczeka|niech pani poczeka|czekaj|nie rozłączać się|się nie rozłączać)(?: (?:tylko )?(?:na )?(?:jeszcze )?(?:chwilę|chwilkę|chwileczkę|moment|momencik|minutę|minutkę|sekundę|sekundkę))?|(?:tylko |jeszcze |jedną |jedna |daj mi |proszę mi dać )*(?:chwilę|chwilkę|chwileczkę|chwila|chwilka|chwileczka|moment|momencik|minutę|minutkę|minuta|minutka|sekundę|sekundkę|sekunda|sekundka)|zaraz wracam",
    standaloneReason: "(?:muszę |już |zaraz |tylko )*(?:sprawdzę|sprawdzić|zobaczę|spojrzę|pomyślę|poszukam|znajdę|zastanowię się|sprawdzam|szukam)(?: (?:to|w kalendarzu))?",
    reason: "(?:muszę |tylko |zaraz |już )*(?:wezmę|wziąć|znaleźć|znajdę|poszukać|poszukam|przyniosę|sprawdzić)(?: (?:(?:moją|mój|swoją|swój) )?(?:kartę|portfel|kalendarz|numer|dokumenty|długopis|telefon|notatki|okulary))?|pójdę po \\w+|ktoś (?:puka|dzwoni)(?: do drzwi)?"
  },
  pt: {
    polite: "ahn|é|oh|ok|tá|sim|bom|bem|então|por favor|por gentileza|obrigado|obrigada|desculpe|desculpa|só|apenas|pode|poderia|aí|na linha",
    thanks: "(?:muito )?obrigad[oa]",
    wait: "(?:espere|espera|peraí|espera aí|aguarde|aguarda|aguardar|esperar|não desligue|não desliga|fique na linha)(?: (?:só )?(?:um|uma|dois) ?(?:momento|momentinho|instante|instantinho|minuto|minutinho|segundo|segundinho|bocadinho|pouquinho|pouco))?|(?:só )?(?:me dê |me dá |dê-me |mais )?(?:um|uma|dois) ?(?:momento|momentinho|instante|instantinho|minuto|minutos|minutinho|segundo|segundinho|segundos|bocadinho)(?: só)?|já volto|volto já",
    standaloneReason: "(?:deixa eu|deixe-me|deixa-me|deixe eu|vou) (?:só )?(?:ver|verificar|olhar|checar|conferir|pensar|procurar)(?: (?:(?:o meu|a minha|meu|minha) \\w+|isso|aqui))?|estou (?:procurando|vendo|a procurar|a ver)",
    reason: "(?:que )?(?:vou|preciso|tenho que) (?:só )?(?:pegar|buscar|procurar|achar|apanhar)(?: (?:(?:o meu|a minha|meu|minha|o|a) (?:cartão|carteira|agenda|número|telefone|celular|telemóvel|documento|documentos|óculos)|uma caneta))?|estou (?:procurando|a procurar) (?:o meu|a minha|meu|minha) \\w+|estão (?:batendo|a bater) à porta|tem alguém na porta"
  }
}

const plain = (text: string): string =>
  text.normalize("NFKC").toLowerCase().replaceAll("’", "'").replace(/[^\p{L}\p{M}\p{N}\s']/gu, " ").replace(/(^|\s)'+|'+(?=\s|$)/gu, " ").replace(/\s+/g, " ").trim()

/** If an utterance has more words than this, it also asks for something else. */
const maxRequestWords = 20

/** A single polite phrase, request or reason has at most this many words. */
const maxPartWords = 10

interface HoldPatterns {
  readonly polite: RegExp
  readonly thanks: RegExp
  readonly request: RegExp
  readonly reason: RegExp
}

const patterns = new Map(
  Object.entries(holdWords).map(([language, { polite, reason, standaloneReason, thanks, wait }]): readonly [string, HoldPatterns] => {
    // JavaScript's `\w` matches only ASCII letters.
    const whole = (source: string) =>
      new RegExp(`^(?:${source.replaceAll(/(?<=\p{L})-(?=\p{L})/gu, " ").replaceAll("\\w", "[\\p{L}\\p{M}\\p{N}']")})$`, "u")
    return [language, { polite: whole(polite), thanks: whole(thanks), request: whole(`${wait}|${standaloneReason}`), reason: whole(reason) }]
  })
)

/** Thanks with polite words around them have at most this many words. */
const maxThanksWords = 8

/** Whether the caller only thanks the agent for waiting: "Okay, thank you." `false` for a language without rules. */
export const isThanks = (text: string, language: string): boolean => {
  const rules = patterns.get(language)
  const words = plain(text).split(" ", maxThanksWords + 1)
  if (rules === undefined || words.length > maxThanksWords) return false
  const isPolite = (some: ReadonlyArray<string>) => some.every((word) => rules.polite.test(word))
  return words.some((_, from) =>
    words.some((_, at) => at >= from && isPolite(words.slice(0, from)) && isPolite(words.slice(at + 1)) &&
      rules.thanks.test(words.slice(from, at + 1).join(" "))))
}

/** Whether the caller only asks the agent to wait. `false` for a language without rules. */
export const isOne = (text: string, language: string): boolean => {
  const rules = patterns.get(language)
  const words = plain(text).split(" ", maxRequestWords + 1)
  if (rules === undefined || words.length > maxRequestWords) return false
  /** Indexes of words. All words before an index in `polite` are polite phrases. Before an index in `requested` there is also a request to wait. */
  const polite = new Set([0])
  const requested = new Set<number>()
  // The loop visits each index once. A single regular expression would try every division of the words.
  for (let from = 0; from < words.length; from++) {
    if (!polite.has(from) && !requested.has(from)) continue
    for (let to = from + 1; to <= Math.min(words.length, from + maxPartWords); to++) {
      const part = words.slice(from, to).join(" ")
      if (rules.polite.test(part)) {
        if (polite.has(from)) polite.add(to)
        if (requested.has(from)) requested.add(to)
      }
      if (rules.request.test(part) || (requested.has(from) && rules.reason.test(part))) requested.add(to)
    }
  }
  return requested.has(words.length)
}
