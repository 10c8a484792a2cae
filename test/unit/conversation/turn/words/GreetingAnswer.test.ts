import { assert, describe, it } from "@effect/vitest"
import * as GreetingAnswer from "../../../../../src/conversation/turn/words/GreetingAnswer.ts"
import * as PhonePhrases from "../../../../../src/definition/languages/PhonePhrases.ts"
import * as Words from "../../../../../src/definition/languages/Words.ts"

interface Row {
  readonly language: string
  /** Words that ask for nothing on any call. */
  readonly bare: ReadonlyArray<string>
  /** Words that ask for nothing when somebody answers our call with them. */
  readonly calleesName: ReadonlyArray<string>
  readonly request: ReadonlyArray<string>
}

const rows: ReadonlyArray<Row> = [
  {
    language: "en",
    bare: [
      "Hello?", "hello", "Hello! Hello?", "Hi.", "Hey there.", "Yes?", "Hi, yes, hello?", "Good morning.", "Hello? Is anybody there?", "Hello... hello?", "Uh, hello?",
      "This is Anna.", "Hello, this is Dr. Anna Smith.", "Anna speaking.", "Speaking.", "Smith here, good morning!", "Uh-huh.", "Can you hear me?"
    ],
    calleesName: ["Smith?", "smith", "Maple Dental, good morning.", "Maple Dental, how can I help you?", "Jean-Luc O’Brien."],
    request: [
      "I need an appointment.", "Hello, I need an appointment.", "Hi, I'd like to book.", "This is urgent.", "Yes, I'm calling about my bill.", "No.", "No, thanks.", "Stop.",
      "Who is this?", "What?", "Wrong number.", "Not interested.", "Hello, who's calling?", "Stop calling me.", "It is 5551234.", "911"
    ]
  },
  {
    language: "de",
    bare: ["Hallo?", "Ja, hallo?", "Ja bitte?", "Guten Tag!", "Grüß Gott.", "Hier ist Müller.", "Hallo, hier spricht Anna Müller.", "Schmidt am Apparat.", "Ist da jemand?", "Moin moin."],
    calleesName: ["Müller.", "müller", "Müller, guten Tag.", "Peter Müller?", "Praxis Dr. Schmidt, guten Morgen."],
    request: ["Ich brauche einen Termin.", "Guten Tag, ich hätte gern einen Termin.", "Kein Interesse.", "Nein.", "Nein danke.", "Falsche Nummer.", "Wer ist da?", "Was?"]
  },
  {
    language: "fr",
    bare: ["Allô ?", "Allô, oui ?", "Bonjour.", "Oui, j’écoute.", "C'est Camille Martin.", "Dupont à l'appareil.", "Vous m'entendez ?"],
    calleesName: ["Dupont ?", "Cabinet Martin, bonjour."],
    request: ["Je voudrais un rendez-vous.", "Bonjour, c'est pour un rendez-vous.", "Non merci.", "Qui est-ce ?"]
  },
  {
    language: "es",
    bare: ["¿Diga?", "¿Dígame?", "Hola, buenas tardes.", "¿Sí?", "Soy Carmen Ruiz.", "¿Hola? ¿Hay alguien ahí?"],
    calleesName: ["García.", "Clínica Ruiz, buenos días."],
    request: ["Quiero una cita.", "Hola, quiero una cita.", "No, gracias.", "¿Quién es?"]
  },
  { language: "it", bare: ["Pronto?", "Sì, pronto.", "Buongiorno, sono Giulia Rossi."], calleesName: ["Rossi."], request: ["Vorrei un appuntamento.", "Pronto, vorrei un appuntamento.", "No."] },
  { language: "nl", bare: ["Hallo?", "Met Anna Jansen.", "Goedemiddag."], calleesName: ["Jansen."], request: ["Ik wil een afspraak.", "Nee."] },
  { language: "pl", bare: ["Halo?", "Słucham?", "Dzień dobry, mówi Anna Nowak."], calleesName: ["Nowak."], request: ["Chciałbym umówić wizytę.", "Nie."] },
  { language: "pt", bare: ["Alô?", "Estou?", "Olá, bom dia."], calleesName: ["Silva."], request: ["Queria marcar uma consulta.", "Não."] },
  { language: "ru", bare: ["Алло?", "Да, слушаю вас."], calleesName: ["Иванов."], request: ["Мне нужна запись.", "Нет."] },
  { language: "ja", bare: ["もしもし。", "はい、もしもし?", "もしもしもしもし"], calleesName: ["田中です。", "はい、田中です。"], request: ["予約をお願いしたいのですが。", "はい、予約をお願いしたいのですが。"] },
  { language: "zh", bare: ["喂?", "喂,你好。", "喂你好"], calleesName: ["我是王明。"], request: ["我想预约。", "你好,我想预约明天。"] },
  { language: "ko", bare: ["여보세요?", "네, 여보세요."], calleesName: ["김민수."], request: ["예약하고 싶은데요.", "네, 예약하고 싶은데요."] },
  // A language without a list: words that are said everywhere, and names.
  { language: "sw", bare: ["Hello?", "Hallo hallo"], calleesName: ["Juma."], request: ["Nataka miadi ya kesho."] }
]

describe("words during a greeting", () => {
  const settings = { smallTalk: ["are you there"], backchannels: ["uh-huh"] }

  for (const { bare, calleesName, language, request } of rows) {
    const inbound = GreetingAnswer.make({ ...settings, language })
    const outbound = GreetingAnswer.make({ ...settings, language, isOutbound: true })

    it.each(bare)(`${language}: "%s" asks for nothing`, (text) => {
      for (const isFirst of [true, false]) {
        assert.isTrue(inbound(text, isFirst), "inbound")
        assert.isTrue(outbound(text, isFirst), "outbound")
      }
    })

    it.each(calleesName)(`${language}: "%s" is a greeting if we placed the call, and else a request`, (text) => {
      assert.isTrue(outbound(text, true))
      assert.isFalse(outbound(text, false))
      assert.isFalse(inbound(text, true))
    })

    it.each(request)(`${language}: "%s" is a request`, (text) => {
      assert.isFalse(inbound(text, true), "inbound")
      assert.isFalse(outbound(text, true), "outbound")
    })
  }

  it("are no greeting when there are none", () => {
    for (const text of ["", " ", "...", "?!"]) assert.isFalse(GreetingAnswer.make({})(text, true))
  })

  it("may be the agent's own phrases", () => {
    assert.isFalse(GreetingAnswer.make({ language: "en" })("Ahoy hoy!", true))
    assert.isTrue(GreetingAnswer.make({ language: "en", smallTalk: ["ahoy hoy"] })("Ahoy hoy!", true))
  })
})

describe("the phrases of a language", () => {
  it.each(PhonePhrases.known)("%s: are plain, and a refusal is no opening", (language) => {
    const { beforeName, afterName, closings, nonNames, openings } = PhonePhrases.of(language)
    for (const phrase of [...beforeName, ...afterName, ...closings, ...nonNames, ...openings]) assert.strictEqual(Words.plain(phrase), phrase)
    for (const word of nonNames) assert.notInclude(openings, word)
    for (const word of nonNames) assert.strictEqual(word.split(" ").length, 1, word)
  })
})
