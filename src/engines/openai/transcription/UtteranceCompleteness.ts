/**
 * Judges by the last words of a transcript whether it is complete. A turn ends sooner after "Yes, please." and later after "I would like
 * to". Pure.
 *
 * Whisper puts a full stop even after half a sentence, so the last word counts more than the full stop.
 */
import type { Transcript } from "../../../conversation/ports/SpeechToText.ts"

type UtteranceCompleteness = Transcript["ending"]

/** Words and phrases after which the sentence goes on. Spaces separate them, and `|` stands for a space within a phrase. */
interface Trailing {
  /** No sentence ends with these. */
  readonly always: string
  /** A question may end with these ("What is it for?"), but a statement rarely does. */
  readonly unlessAsked: string
}

/** The words by language (ISO 639-1). */
const trailingWords: Readonly<Record<string, Trailing>> = {
  en: {
    always: "and or but because if although unless while the a an my your our their its um uh uhm er erm hmm and|then and|so "
      + "i'm i'd i'll i've we're i|would would|like i|want i|need i|have very such|as let|me|see name|is number|is address|is",
    unlessAsked: "i to for with at on in of from into about than as"
  },
  de: {
    always: "und oder aber weil dass wenn ob ein eine einen einem einer mein meine meinen äh ähm hm ich|möchte ich|hätte "
      + "ich|hätte|gern ich|will ich|brauche name|ist nummer|ist",
    unlessAsked: "ich der die das den dem zu für mit bei von nach in im am also"
  },
  fr: {
    always: "et ou mais parce|que que si le la les un une des mon ma mes votre vos euh heu hum je|voudrais j'aimerais je|veux",
    unlessAsked: "je à de du pour avec chez dans sur par est donc alors"
  },
  es: {
    always: "y e o u pero porque que si el la los las un una mi mis su sus eh em este quiero quisiera me|gustaría necesito",
    unlessAsked: "yo a de del para con en por es pues"
  },
  it: {
    always: "e ed o ma perché che se il lo la i gli le un uno una mio mia ehm uhm vorrei voglio",
    unlessAsked: "io a di da per con in su è allora"
  },
  pt: {
    always: "e ou mas porque que se o os as um uma meu minha ahn hum eu|queria eu|quero gostaria",
    unlessAsked: "eu a de do da para com em por é então"
  },
  nl: {
    always: "en of maar omdat dat als de het een mijn uw eh uhm ik|wil ik|zou|graag",
    unlessAsked: "ik te voor met bij van naar op in aan is dus"
  }
}

const setOf = (list: string): ReadonlySet<string> => new Set(list.split(" ").map((phrase) => phrase.replaceAll("|", " ")))

const trailingSets = new Map(
  Object.entries(trailingWords).map(([language, { always, unlessAsked }]) =>
    [language, { always: setOf(always), unlessAsked: setOf(unlessAsked) }] as const
  )
)

/** The number of words in the longest phrase of the lists. */
const longestPhrase = 3

/** The last word, the last two words, and so on, in lower case and without punctuation. */
const lastWords = (text: string): ReadonlyArray<string> => {
  const all = text.toLowerCase().replaceAll("’", "'").match(/[\p{L}\p{N}'-]+/gu) ?? []
  return Array.from({ length: longestPhrase }, (_, count) => all.slice(-1 - count).join(" "))
}

/** `language`: ISO 639-1. If there is no list for the language, only the punctuation counts. */
export const of = (text: string, language: string): UtteranceCompleteness => {
  const said = text.trim().replace(/["'”’»)\]]+$/u, "")
  if (!/[\p{L}\p{N}]/u.test(said)) return "unknown"
  if (/(\.\.\.|…|[-–—,:;、，])$/u.test(said)) return "trailing"
  const isQuestion = /[?？;؟]$/u.test(said)
  const trailing = trailingSets.get(language.slice(0, 2).toLowerCase())
  if (trailing !== undefined) {
    for (const phrase of lastWords(said)) {
      if (trailing.always.has(phrase)) return "trailing"
      if (!isQuestion && trailing.unlessAsked.has(phrase)) return "trailing"
    }
  }
  // A caller who dictates a telephone number pauses between its groups.
  if (/\d[\s,.-]*\d[\s,.-]*\d[\s.]*$/.test(said)) return "unknown"
  return /[.!?。！？؟।]$/u.test(said) ? "complete" : "unknown"
}
