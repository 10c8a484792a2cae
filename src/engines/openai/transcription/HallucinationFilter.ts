/**
 * Removes invented words from a transcript. In silence, Whisper invents thanks, goodbyes and credits of the subtitles that it was
 * trained on, descriptions of sounds, its own prompt, and words repeated without end. Pure.
 *
 * Nobody says credits on the telephone, so they are always removed. Callers often say "Thank you.", so it is removed only if the sound is
 * too short or too quiet for it, or if the model's scores are low.
 *
 * After https://github.com/openai/whisper/discussions/928 and the thresholds of OpenAI's `transcribe.py`.
 */
import * as Words from "../../../definition/languages/Words.ts"
import type { Sound } from "./SpeechEnergy.ts"
import type { Heard, Segment } from "./TranscriptionBody.ts"

export interface Circumstances {
  /** ISO 639-1. */
  readonly language: string
  readonly sound: Sound
  /** The prompt of the request. It names words that the model should expect. */
  readonly prompt?: string
  /**
   * Below this confidence a text is doubtful. The confidence is 0 to 1: e to the mean logarithm of the tokens' probabilities. A short text
   * may have a little less. 0: no text is doubtful.
   */
  readonly leastConfidence?: number
}

interface Judgement {
  /** The text without invented words. It may be empty. */
  readonly text: string
  /** The caller spoke, but the model has not understood it; `text` is empty. */
  readonly isUnintelligible: boolean
  /** The model's scores for these words are low, or the sound is too short for them. */
  readonly isDoubtful?: boolean
  /** 0 to 1; unset if the server reports no scores. */
  readonly confidence?: number
}

/** OpenAI's bounds of silence: a segment with a higher `noSpeech` and a lower `logProbability` is silence. */
const silentNoSpeech = 0.6
const silentLogProbability = -1

/** OpenAI's bound of repetition: a segment with a higher `compression` repeats itself. */
const repeatingCompression = 2.4

/** If `logProbability` is below this, the words are a guess: e^−1.5 is a probability of one in five for each token. */
const guessedLogProbability = -1.5

/**
 * The default of `leastConfidence`. It is e^−0.8: a mean logarithm of −0.8. The model is also unsure about the end and the spelling of
 * a text, which weighs more on the mean of a short text. So the logarithm may be lower by `brevityDoubt` divided by the number of words.
 * Both numbers were measured (docs/engines.md).
 */
export const standardLeastConfidence = 0.45
const brevityDoubt = 0.45

/**
 * A sentence that is often invented is believed only if its `noSpeech` is below `doubtedNoSpeech` and its `logProbability` is above
 * `doubtedLogProbability`. Real thanks had a `noSpeech` below 0.02 and a `logProbability` above −0.5.
 */
const doubtedNoSpeech = 0.3
const doubtedLogProbability = -0.9

/** ms of voice that a letter takes in hurried speech. */
const millisPerLetter = 25

/** ms of voice that any word takes at least. */
const minWordMillis = 160

/** Real words are at least this many dB above the line's noise. */
const minOverFloor = 9

/** Nobody says more letters in a second. */
const maxLettersPerSecond = 40

/** A transcript may have this many letters more, so that a short sound is not judged too strictly. */
const extraLetters = 20

/** The most characters of a transcript. A longer transcript is not read, because an utterance has far fewer. */
const maxTranscriptCharacters = 10_000

/** If an utterance has fewer ms of voice than this, garbled words are a cough or a click. */
const minSpeechMillis = 500

/** Words that are repeated this often in a row are invented. */
const minRepetitions = 8

/** The longest phrase, in words, whose repetitions are looked for. */
const maxPeriod = 8

/** Sentences that are often invented, but that callers also say. In lower case, without punctuation. All count in every language. */
const doubtedTexts = new Set([
  "thank you", "thank you very much", "thank you so much", "thanks", "thanks a lot", "thank you all", "thank you bye",
  "thank you bye bye", "you", "bye", "bye bye", "goodbye", "good night", "see you", "see you later", "see you next time",
  "so", "oh", "okay", "the end", "that's all", "i'm sorry", "yeah", "hmm", "mm", "uh",
  "vielen dank", "danke", "danke schön", "tschüss", "das war's", "bis zum nächsten mal",
  "merci", "merci beaucoup", "au revoir", "à bientôt",
  "gracias", "muchas gracias", "adiós", "hasta luego", "hasta la próxima",
  "grazie", "grazie mille", "grazie a tutti", "ciao", "ciao ciao", "arrivederci",
  "obrigado", "obrigada", "tchau", "tchau tchau", "até a próxima",
  "dank u wel", "dank je wel", "bedankt", "tot ziens", "doei",
  "tack", "hej då", "takk", "tak", "dziękuję", "dziękuję bardzo", "děkuji", "спасибо", "до свидания", "teşekkür ederim",
  "teşekkürler", "谢谢", "謝謝", "谢谢大家", "ありがとうございました", "おやすみなさい", "감사합니다", "고맙습니다"
])

/** Sentences that nobody says on the telephone. */
const credits: ReadonlyArray<RegExp> = [
  /amara\.?\s?org|mooji\.?\s?org|opensubtitles|soustitreur|zeoranger|beadaholique|dimatorzok/u,
  /^(thanks|thank you)( (so|very) much)?( you)?( all| guys| everyone)? for (your )?(watching|viewing|listening)(?!\p{L})/u,
  /^(please )?(don't forget to )?(like|subscribe|like and subscribe)( and [a-z ]+)?( to (my|our|the) channel)?$/u,
  /^(please )?(don't forget to )?subscribe (to|for)(?!\p{L})/u,
  /^(i'll )?see you (guys )?(in|on) the next (video|one|episode)(?!\p{L})/u,
  /^((we'll|we will) be right back|to be continued)$/u,
  /^(subtitles?|captions?|closed captions?|captioning|transcription|translation|translated|transcribed|subtitled|captioned) (by|provided by|created by|made possible by)(?!\p{L})/u,
  /^(copyright )?(wdr|swr|ndr|zdf|ard)( mediagroup)?( gmbh)? (19|20)\d\d$|^copyright(?!\p{L})/u,
  /^untertitel(ung)?( der| von| im| des| aufgrund|$)/u,
  /^(vielen dank|danke)( schön)? fürs? (zuschauen|zusehen|zuhören|anschauen)(?!\p{L})/u,
  /^bis zum nächsten video$/u,
  /^sous[- ]titr(es?|age)(?!\p{L})/u,
  /^(merci|merci beaucoup)( à tous)? d'avoir (regardé|écouté|visionné)(?!\p{L})/u,
  /^(abonnez-vous|n'oubliez pas de vous abonner)(?!\p{L})/u,
  /^(subtítulos|subtitulado|subtitulos)( (realizados|hechos|creados))? (por|en)(?!\p{L})/u,
  /^(muchas )?gracias por (ver|mirar|escuchar)( el (vídeo|video))?$/u,
  /^(suscríbete|no olvides suscribirte)(?!\p{L})/u,
  /^sottotitoli( e revisione)?( creati| a cura| di| by|$)/u,
  /^grazie (mille )?per (la visione|aver guardato|l'attenzione)(?!\p{L})/u,
  /^(legendas?|legendado)( pela| por| de|$)/u,
  /^(muito )?obrigad[oa] por (assistir|assistirem|ver)(?!\p{L})/u,
  /^(inscreva-se|se inscreva) (no|em) /u,
  /^(ondertitel(d|s|ing)|ondertiteling)( door| ingediend| van|$)/u,
  /^bedankt voor het kijken(?!\p{L})/u,
  /^(undertexter|svensktextning|undertekster|danske tekster|teksting)( från| av| fra| af| ved|:|$)/u,
  /^(napisy|tłumaczenie)( stworzone| wykonane| i | by|$)/u,
  /^dziękuję za (uwagę|oglądanie|obejrzenie)(?!\p{L})/u,
  /^titulky( vytvořil| pro|:|$)/u,
  /^(субтитры|редактор субтитров)( |$)/u,
  /^(продолжение следует|спасибо за просмотр|подписывайтесь на( наш)? канал)/u,
  /^altyazı( |$)|^abone olmayı unutmayın|^izlediğiniz için teşekkür/u,
  /^(请不吝点赞|字幕由|字幕製作|中文字幕|谢谢观看|謝謝觀看|感谢观看|感謝觀看)/u,
  /^(ご視聴|ご清聴|チャンネル登録|次の動画|最後まで(ご視聴|ご覧))/u,
  /^(시청해|구독과|다음 영상에서|한글자막|mbc 뉴스)/u
]

/** Sounds, as subtitles write them: `[Music]`, `(coughs)`, `*sighs*`, `♪ la la ♪`. */
const soundLabel = /\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|\*[^*]+\*|♪[^♪]*♪?|[♫🎵🎶]/gu

/** Labels of speech that was not understood. */
const unclearSpeech = /[[(（*]\s*(unintelligible|inaudible|indistinct|unclear|garbled|unverständlich|inaudible|incompréhensible|ininteligible|incomprensibile|inint)/iu

const plainText = (text: string): string =>
  text.toLowerCase().replaceAll("’", "'").replace(/[^\p{L}\p{N}'.\- ]+/gu, " ").replace(/\.(?!\p{L})/gu, " ").replace(/\s+/g, " ").trim()

const letterCount = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

/** Segmenters by language. They are kept, because making a segmenter takes longer than cutting a transcript into sentences. */
const segmenters = new Map<string, Intl.Segmenter>()

const sentences = (text: string, language: string): ReadonlyArray<string> => {
  const known = /^[a-z]{2,3}$/.test(language) ? language : "en"
  const segmenter = segmenters.get(known) ?? new Intl.Segmenter([known, "en"], { granularity: "sentence" })
  segmenters.set(known, segmenter)
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

const isCredit = (sentence: string): boolean => {
  const said = plainText(sentence)
  return credits.some((credit) => credit.test(said))
}

const mean = (segments: ReadonlyArray<Segment>, key: "logProbability" | "noSpeech"): number | undefined => {
  const known = segments.flatMap((segment) => segment[key] ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
}

const isSilent = ({ logProbability = 0, noSpeech = 0 }: Segment): boolean =>
  noSpeech > silentNoSpeech && logProbability < silentLogProbability

/** Whether the text ends with a phrase of one to eight words that is repeated at least `minRepetitions` times. */
const isLoop = (text: string): boolean => {
  const words = plainText(text).split(" ")
  for (let period = 1; period <= maxPeriod; period++) {
    let same = 0
    for (let at = words.length - 1; at >= period && words[at] === words[at - period]; at--) same++
    if (same >= period * (minRepetitions - 1) && /\p{L}/u.test(words.slice(-period).join(""))) return true
  }
  return false
}

/** Whether the sound is long and loud enough for these words, and the model's scores for them are good. */
const isSupported = (text: string, segments: ReadonlyArray<Segment>, { overFloor, voicedMillis }: Sound): boolean =>
  voicedMillis >= Math.max(minWordMillis, letterCount(text) * millisPerLetter)
  && overFloor >= minOverFloor
  && (mean(segments, "noSpeech") ?? 0) < doubtedNoSpeech
  && (mean(segments, "logProbability") ?? 0) > doubtedLogProbability

const nothing: Judgement = { text: "", isUnintelligible: false }

/** Removes words that were not said, and judges whether the other words can be believed. */
export const judge = (
  heard: Heard,
  { language, leastConfidence = standardLeastConfidence, prompt, sound }: Circumstances
): Judgement => {
  const garbled: Judgement = { text: "", isUnintelligible: sound.voicedMillis >= minSpeechMillis }
  if (heard.text.length > maxTranscriptCharacters || heard.segments.reduce((sum, { text }) => sum + text.length, 0) > maxTranscriptCharacters) return garbled
  const segments = heard.segments.filter((segment) => !isSilent(segment))
  const spoken = segments.length === heard.segments.length ? heard.text : segments.map(({ text }) => text).join(" ")
  const isUnclear = unclearSpeech.test(spoken)
  const text = sentences(spoken.replace(soundLabel, " "), language)
    .filter((sentence) => !isCredit(sentence))
    .join("")
    .replace(/\s+/g, " ")
    .trim()
  if (letterCount(text) === 0) return isUnclear ? garbled : nothing

  const said = plainText(text)
  if (prompt !== undefined && said === plainText(prompt)) return nothing
  if (letterCount(text) > extraLetters + maxLettersPerSecond * sound.millis / 1000) return nothing
  const logProbability = mean(segments, "logProbability")
  if (doubtedTexts.has(said.replace(/[.-]/g, " ").replace(/\s+/g, " ")) && !isSupported(text, segments, sound)) return nothing
  if (isLoop(text) || segments.some(({ compression = 0 }) => compression > repeatingCompression)) return garbled
  if (logProbability !== undefined && logProbability < guessedLogProbability) return garbled
  const isDoubtful = leastConfidence > 0
    && ((logProbability !== undefined && logProbability < Math.log(leastConfidence) - brevityDoubt / Math.max(1, Words.count(text)))
      || (mean(segments, "noSpeech") ?? 0) > silentNoSpeech
      || sound.voicedMillis < Math.max(minWordMillis, letterCount(text) * millisPerLetter))
  return {
    text,
    isUnintelligible: false,
    ...(isDoubtful ? { isDoubtful } : {}),
    ...(logProbability === undefined ? {} : { confidence: Math.min(1, Math.exp(logProbability)) })
  }
}
