import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as HallucinationFilter from "../../../../../src/engines/openai/transcription/HallucinationFilter.ts"
import type { Segment } from "../../../../../src/engines/openai/transcription/TranscriptionBody.ts"

/** A second of loud speech in a second and a half of sound. */
const loud = { millis: 1500, voicedMillis: 1000, overFloor: 30 }
/** A click, and noise that the gate let through. */
const click = { millis: 700, voicedMillis: 80, overFloor: 20 }
const hiss = { millis: 1500, voicedMillis: 400, overFloor: 6.5 }

const judge = (
  text: string,
  options: {
    readonly sound?: typeof loud
    readonly language?: string
    readonly segments?: ReadonlyArray<Omit<Segment, "text"> & { readonly text?: string }>
    readonly prompt?: string
  } = {}
) =>
  HallucinationFilter.judge(
    { text, segments: (options.segments ?? []).map((segment) => ({ text, ...segment })) },
    {
      language: options.language ?? "en",
      sound: options.sound ?? loud,
      ...(options.prompt === undefined ? {} : { prompt: options.prompt })
    }
  )

const dropped = (...[text, options]: Parameters<typeof judge>) => {
  const judged = judge(text, options)
  assert.deepStrictEqual([judged.text, judged.isUnintelligible], ["", false], text)
}
const passes = (...[text, options]: Parameters<typeof judge>) => assert.strictEqual(judge(text, options).text, text)

describe("thanks and goodbyes", () => {
  it("pass if they are said aloud, with or without scores", () => {
    for (const text of ["Thank you.", "Thank you very much!", "Bye.", "Okay.", "You", "Goodbye."]) {
      passes(text)
      passes(text, { segments: [{ noSpeech: 0.01, logProbability: -0.3 }] })
    }
    passes("Danke schön.", { language: "de" })
    passes("Merci beaucoup.", { language: "fr" })
  })

  it("are dropped if the sound is too short for them, or no louder than the line", () => {
    for (const text of ["Thank you.", "Thank you very much.", "you", "Bye-bye.", "Thanks!"]) {
      dropped(text, { sound: click })
      dropped(text, { sound: hiss })
    }
    dropped("Gracias.", { sound: click, language: "es" })
    dropped("ありがとうございました", { sound: click, language: "ja" })
  })

  it("are dropped if the model doubts that they were said", () => {
    dropped("Thank you.", { segments: [{ noSpeech: 0.5 }] })
    dropped("Thank you.", { segments: [{ noSpeech: 0.1, logProbability: -1.1 }] })
  })

  it("pass within a longer sentence", () => {
    passes("Thank you, and what is the address?", { sound: { ...click, voicedMillis: 200 } })
    passes("You open when?", { sound: { ...hiss, voicedMillis: 300 } })
  })

  it("are the only short answers that need more sound", () => {
    for (const text of ["Yes.", "No.", "Ten.", "Ja.", "Hello?"]) passes(text, { sound: { ...click, voicedMillis: 160 } })
  })
})

describe("credits", () => {
  it("are dropped however loud the sound is, in every language", () => {
    for (
      const text of [
        "Thanks for watching!",
        "Thank you so much for watching.",
        "Thank you guys for watching!",
        "Please like and subscribe.",
        "Don't forget to subscribe to my channel!",
        "See you in the next video!",
        "Subtitles by the Amara.org community",
        "Captions by GetTranscribed.com",
        "www.mooji.org",
        "Transcription by CastingWords",
        "Untertitel im Auftrag des ZDF, 2017",
        "Untertitelung des ZDF für funk, 2017",
        "Untertitel der Amara.org-Community",
        "Copyright WDR 2021",
        "Vielen Dank fürs Zuschauen!",
        "Sous-titres réalisés par la communauté d'Amara.org",
        "Sous-titrage ST' 501",
        "Merci d'avoir regardé cette vidéo !",
        "Subtítulos realizados por la comunidad de Amara.org",
        "¡Gracias por ver el video!",
        "Sottotitoli creati dalla comunità Amara.org",
        "Legendas pela comunidade Amara.org",
        "Ondertiteling door de Amara.org gemeenschap",
        "Undertexter från Amara.org-gemenskapen",
        "Napisy stworzone przez społeczność Amara.org",
        "Субтитры сделал DimaTorzok",
        "Продолжение следует...",
        "Altyazı M.K.",
        "字幕由 Amara.org 社区提供",
        "ご視聴ありがとうございました",
        "시청해주셔서 감사합니다!"
      ]
    ) dropped(text)
  })

  it("are removed after other words, which stay", () => {
    assert.strictEqual(judge("I'd like an appointment. Thanks for watching!").text, "I'd like an appointment.")
    assert.strictEqual(judge("Ja, am Montag. Untertitel der Amara.org-Community", { language: "de" }).text, "Ja, am Montag.")
  })

  it("do not include similar sentences, which pass", () => {
    for (
      const text of [
        "Thank you for the appointment.",
        "I am watching the house.",
        "Can I subscribe by telephone?",
        "Do you have subtitles on your videos?",
        "I'd like a translation of my papers.",
        "See you on Monday at nine."
      ]
    ) passes(text)
  })
})

describe("sounds", () => {
  it("that are described as in subtitles are removed", () => {
    for (const text of ["[Music]", "(coughs)", "*sighs*", "♪ la la la ♪", "[BLANK_AUDIO]", "...", "(phone ringing) [Applause]"]) {
      dropped(text)
    }
    assert.strictEqual(judge("(coughs) At nine, please. [Music]").text, "At nine, please.")
  })

  it("that mean unclear speech make the transcript unintelligible, unless there was hardly any voice", () => {
    for (const text of ["[inaudible]", "(unintelligible)", "[unverständlich]"]) {
      assert.deepStrictEqual(judge(text), { text: "", isUnintelligible: true })
      dropped(text, { sound: click })
    }
  })
})

describe("the model's own scores", () => {
  it("drop a segment by OpenAI's rule, which needs both scores", () => {
    dropped("And I was there.", { segments: [{ noSpeech: 0.8, logProbability: -1.2 }] })
    passes("And I was there.", { segments: [{ noSpeech: 0.8, logProbability: -0.4 }] })
    passes("And I was there.", { segments: [{ noSpeech: 0.2, logProbability: -1.2 }] })
    const text = "At nine, please. Thank you."
    assert.strictEqual(
      judge(text, {
        segments: [
          { text: " At nine, please.", noSpeech: 0.01, logProbability: -0.2 },
          { text: " Thank you.", noSpeech: 0.9, logProbability: -1.5 }
        ]
      }).text,
      "At nine, please."
    )
  })

  it("make a guess unintelligible if it was speech, and drop it if it was a cough", () => {
    const segments = [{ noSpeech: 0.1, logProbability: -1.8 }]
    assert.deepStrictEqual(judge("Gorm and pletz.", { segments }), { text: "", isUnintelligible: true })
    dropped("Gorm.", { segments, sound: click })
    assert.isTrue(judge("So we go and so on to that.", { segments: [{ compression: 3 }] }).isUnintelligible)
  })

  it("give the confidence", () => {
    assert.approximately(judge("At nine.", { segments: [{ logProbability: -0.1 }] }).confidence ?? 0, 0.905, 0.001)
    assert.notProperty(judge("At nine."), "confidence")
  })
})

describe("doubt", () => {
  const isDoubtful = (...[text, options = {}]: Parameters<typeof judge>) => judge(text, options).isDoubtful === true
  const scores = (logProbability: number, noSpeech = 0.05) => ({ segments: [{ logProbability, noSpeech }] })

  // What Whisper tiny.en heard in recorded prompts, in the first tenth of a second of some, and in French prompts.
  it("falls on words that the model guessed, not on words that it was sure of", () => {
    const short = { ...loud, voicedMillis: 600 }
    for (
      const [text, logProbability, noSpeech, sound] of [
        ["Call forward unconditional.", -0.73, 0.16, loud],
        ["Call waiting.", -0.74, 0.2, short],
        ["Press.", -1.02, 0.15, short],
        ["4.", -0.91, 0.25, short]
      ] as const
    ) assert.isFalse(isDoubtful(text, { ...scores(logProbability, noSpeech), sound }), text)
    for (
      const [text, logProbability, noSpeech, sound] of [
        ["That's it.", -0.6, 0.61, { ...click, voicedMillis: 100 }],
        ["Said on this on the fair maze.", -0.99, 0.1, loud],
        ["And...", -1.66, 0.47, { ...click, voicedMillis: 400 }]
      ] as const
    ) assert.isTrue(isDoubtful(text, { ...scores(logProbability, noSpeech), sound }) || judge(text, { ...scores(logProbability, noSpeech), sound }).text === "", text)
  })

  it("grows with the number of unsure words", () => {
    const sound = { ...loud, voicedMillis: 3000 }
    assert.isFalse(isDoubtful("Tuesday.", { ...scores(-0.95), sound }))
    assert.isFalse(isDoubtful("On Tuesday.", { ...scores(-0.95), sound }))
    assert.isTrue(isDoubtful("On Tuesday at half past nine.", { ...scores(-0.95), sound }))
    assert.isTrue(isDoubtful("Tuesday.", { ...scores(-1.3), sound }))
  })

  it("falls on words that the sound is too short for, with or without scores", () => {
    assert.isTrue(isDoubtful("That's it.", { sound: { ...click, voicedMillis: 100 } }))
    assert.isTrue(isDoubtful("I would like to book a table for two.", { sound: { ...loud, voicedMillis: 300 } }))
    assert.isFalse(isDoubtful("I would like to book a table for two.", { sound: loud }))
  })

  /**
   * The scores of Whisper tiny.en (greedy, temperature 0) for Asterisk's recorded prompts at 8 kHz: English ones, three of which it
   * misheard, and French and Spanish ones that it was told to take for English.
   */
  it("falls on less than 2 % of recorded prompts, but on most prompts in another language", () => {
    const rows = readFileSync("test/fixtures/whisper-scores.csv", "utf8").trim().split("\n").slice(1).map((line) => line.split(","))
    const asked = (language: string, leastWords = 0) => {
      const said = rows.filter(([of, words]) => of === language && Number(words) >= leastWords)
      const share = said.filter(([, words, letters, isShort, voicedMillis, logProbability, noSpeech]) => {
        const others = Array.from({ length: Number(words) - 1 }, (_, index) => String.fromCharCode(97 + index % 26))
        const text = ["x".repeat(Math.max(1, Number(letters) - Number(words) + 1)), ...others].join(" ")
        const { isDoubtful, isUnintelligible } = judge(text, {
          sound: { millis: Number(voicedMillis) + 700, voicedMillis: Number(voicedMillis), overFloor: 25 },
          segments: [{ logProbability: Number(logProbability), noSpeech: Number(noSpeech) }]
        })
        return isUnintelligible || (isDoubtful === true && isShort === "0")
      }).length / said.length
      return { count: said.length, share }
    }
    assert.isAbove(asked("en").count, 300)
    assert.isAtMost(asked("en").share, 0.02)
    assert.strictEqual(asked("en", 4).share, 0)
    assert.strictEqual(asked("en-misheard").share, 1)
    for (const language of ["fr", "es"]) {
      assert.isAtLeast(asked(language).share, 0.6)
      assert.isAtLeast(asked(language, 4).share, 0.85)
    }
  })

  it("has a bound that can be moved or switched off", () => {
    const heard = { text: "On Tuesday at half past nine.", segments: [{ text: "", logProbability: -0.95, noSpeech: 0.7 }] }
    const judged = (leastConfidence: number, noSpeech = 0) =>
      HallucinationFilter.judge({ ...heard, segments: [{ ...heard.segments[0], noSpeech }] }, { language: "en", sound: loud, leastConfidence }).isDoubtful === true
    assert.deepStrictEqual([0.45, 0.43, 0.3].map((bound) => judged(bound)), [true, true, false])
    assert.isTrue(judged(0.1, 0.7))
    assert.isFalse(judged(0, 0.7))
  })
})

describe("a transcript of more than was said", () => {
  it("is dropped if nobody can speak so fast", () => {
    const text = "And that is why I have always thought that we should go to the sea and look for the ships that are coming in."
    dropped(text, { sound: { millis: 900, voicedMillis: 600, overFloor: 30 } })
    passes(text, { sound: { millis: 6000, voicedMillis: 5000, overFloor: 30 } })
  })

  it("is unintelligible if it repeats itself without end, but not for a number or an angry caller", () => {
    const long = { millis: 9000, voicedMillis: 7000, overFloor: 30 }
    for (const text of ["you ".repeat(20), "I'm sorry. ".repeat(9), "Yes, and we will go. ".repeat(8)]) {
      assert.deepStrictEqual(judge(text.trim(), { sound: long }), { text: "", isUnintelligible: true }, text)
    }
    passes("No, no, no, no!", { sound: long })
    passes("1 1 1 1 1 1 1 1 1", { sound: long })
  })

  it("is dropped if it is the prompt", () => {
    dropped("Kowalczyk, Okonkwo", { prompt: "Kowalczyk, Okonkwo." })
    passes("Kowalczyk.", { prompt: "Kowalczyk, Okonkwo." })
  })
})

describe("a transcript that nobody could have said", () => {
  it("is not read", () => {
    for (const text of ["[".repeat(2_000_000), "no ".repeat(700_000), "(*".repeat(500_000)]) {
      assert.deepStrictEqual(judge(text), { text: "", isUnintelligible: true })
      assert.deepStrictEqual(judge("", { segments: [{ text }] }), { text: "", isUnintelligible: true })
    }
  })
})
