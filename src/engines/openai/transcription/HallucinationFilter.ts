/**
 * What Whisper invents where nothing was said: thanks, goodbyes and the credits of subtitles that it was trained on,
 * descriptions of sounds, its own prompt, and words repeated without end. Pure.
 *
 * Credits are never said on the telephone, so they go wherever they stand. "Thank you." is said often, so it goes only
 * where the sound can't hold it or the model itself doubts it.
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
  /** What the model was told to expect. */
  readonly prompt?: string
  /** Words of which the model is less sure (e to the mean logarithm of their probability) are doubtful, but for short ones; 0: none are. */
  readonly leastConfidence?: number
}

export interface Judged {
  /** Without what was invented; maybe empty. */
  readonly text: string
  /** It was speech, but what the model made of it is no use; `text` is empty. */
  readonly isUnintelligible: boolean
  /** The model itself doubts these words, or the sound is too short for them. */
  readonly isDoubtful?: boolean
  /** 0 to 1, where the server tells. */
  readonly confidence?: number
}

/** OpenAI's own bounds for "no speech here" and for "it repeats itself". */
const silentNoSpeech = 0.6
const silentLogProbability = -1
const repeats = 2.4

/** Below it the words are a guess: e^−1.5 is one in five for each piece of a word. */
const guessedLogProbability = -1.5

/**
 * Words of which the model is less sure are doubtful: e^−0.8, the mean over the pieces of the words. Where a short text ends and
 * how it is written is a doubt of its own, which weighs on the mean the more the shorter it is: so much is allowed for it, divided
 * by the number of words. Both were measured (docs/engines.md).
 */
export const standardLeastConfidence = 0.45
const brevityDoubt = 0.45

/** What is also invented is believed only within these: real thanks were seen below 0.02 and above −0.5. */
const doubtedNoSpeech = 0.3
const doubtedLogProbability = -0.9

/** ms of voice that a letter takes in hurried speech, and the least that any word takes. */
const millisPerLetter = 25
const leastMillis = 160

/** dB over the line's noise. */
const leastOverFloor = 9

/** No human says more letters in a second; what Whisper adds to a short sound does not fit into it. */
const lettersPerSecond = 40
const lettersBeside = 20

/** Characters of a transcript: an utterance has far fewer, and what has more is not even looked at. */
const longestTranscript = 10_000

/** ms of voice below which nonsense is a cough or a click, and no speech. */
const speechMillis = 500

/** The same words this often in a row are the model's. */
const loops = 8

/** Whole sentences, lower case and without punctuation, that callers say too; each is doubted in every language. */
const doubted = new Set([
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

/** Whole sentences that nobody says to an agent on the telephone. */
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

/** `[Music]`, `(coughs)`, `*sighs*`, `♪ la la ♪`: what subtitles write for sounds. */
const soundLabel = /\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|\*[^*]+\*|♪[^♪]*♪?|[♫🎵🎶]/gu

/** Of those, the ones that stand for speech. */
const unclearSpeech = /[[(（*]\s*(unintelligible|inaudible|indistinct|unclear|garbled|unverständlich|inaudible|incompréhensible|ininteligible|incomprensibile|inint)/iu

const plain = (text: string): string =>
  text.toLowerCase().replaceAll("’", "'").replace(/[^\p{L}\p{N}'.\- ]+/gu, " ").replace(/\.(?!\p{L})/gu, " ").replace(/\s+/g, " ").trim()

const letters = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

/** One takes longer to make than a transcript to cut. */
const segmenters = new Map<string, Intl.Segmenter>()

const sentences = (text: string, language: string): ReadonlyArray<string> => {
  const known = /^[a-z]{2,3}$/.test(language) ? language : "en"
  const segmenter = segmenters.get(known) ?? new Intl.Segmenter([known, "en"], { granularity: "sentence" })
  segmenters.set(known, segmenter)
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

const isCredit = (sentence: string): boolean => {
  const said = plain(sentence)
  return credits.some((credit) => credit.test(said))
}

const mean = (segments: ReadonlyArray<Segment>, key: "logProbability" | "noSpeech"): number | undefined => {
  const known = segments.flatMap((segment) => segment[key] ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
}

const isSilent = ({ logProbability = 0, noSpeech = 0 }: Segment): boolean =>
  noSpeech > silentNoSpeech && logProbability < silentLogProbability

/** One to eight words, over and over to the end of the text. */
const isLoop = (text: string): boolean => {
  const words = plain(text).split(" ")
  for (let period = 1; period <= 8; period++) {
    let same = 0
    for (let at = words.length - 1; at >= period && words[at] === words[at - period]; at--) same++
    if (same >= period * (loops - 1) && /\p{L}/u.test(words.slice(-period).join(""))) return true
  }
  return false
}

/** Whether the sound has room for these words, and the model no doubt of them. */
const isSupported = (text: string, segments: ReadonlyArray<Segment>, { overFloor, voicedMillis }: Sound): boolean =>
  voicedMillis >= Math.max(leastMillis, letters(text) * millisPerLetter)
  && overFloor >= leastOverFloor
  && (mean(segments, "noSpeech") ?? 0) < doubtedNoSpeech
  && (mean(segments, "logProbability") ?? 0) > doubtedLogProbability

const nothing: Judged = { text: "", isUnintelligible: false }

/** Takes out of a transcript what was not said. */
export const judge = (
  heard: Heard,
  { language, leastConfidence = standardLeastConfidence, prompt, sound }: Circumstances
): Judged => {
  const garbled: Judged = { text: "", isUnintelligible: sound.voicedMillis >= speechMillis }
  if (heard.text.length > longestTranscript || heard.segments.reduce((sum, { text }) => sum + text.length, 0) > longestTranscript) return garbled
  const segments = heard.segments.filter((segment) => !isSilent(segment))
  const kept = segments.length === heard.segments.length ? heard.text : segments.map(({ text }) => text).join(" ")
  const isUnclear = unclearSpeech.test(kept)
  const text = sentences(kept.replace(soundLabel, " "), language)
    .filter((sentence) => !isCredit(sentence))
    .join("")
    .replace(/\s+/g, " ")
    .trim()
  if (letters(text) === 0) return isUnclear ? garbled : nothing

  const said = plain(text)
  if (prompt !== undefined && said === plain(prompt)) return nothing
  if (letters(text) > lettersBeside + lettersPerSecond * sound.millis / 1000) return nothing
  const logProbability = mean(segments, "logProbability")
  if (doubted.has(said.replace(/[.-]/g, " ").replace(/\s+/g, " ")) && !isSupported(text, segments, sound)) return nothing
  if (isLoop(text) || segments.some(({ compression = 0 }) => compression > repeats)) return garbled
  if (logProbability !== undefined && logProbability < guessedLogProbability) return garbled
  const isDoubtful = leastConfidence > 0
    && ((logProbability !== undefined && logProbability < Math.log(leastConfidence) - brevityDoubt / Math.max(1, Words.count(text)))
      || (mean(segments, "noSpeech") ?? 0) > silentNoSpeech
      || sound.voicedMillis < Math.max(leastMillis, letters(text) * millisPerLetter))
  return {
    text,
    isUnintelligible: false,
    ...(isDoubtful ? { isDoubtful } : {}),
    ...(logProbability === undefined ? {} : { confidence: Math.min(1, Math.exp(logProbability)) })
  }
}
