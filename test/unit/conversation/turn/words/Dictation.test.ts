import { assert, describe, it } from "@effect/vitest"
import * as Dictation from "../../../../../src/conversation/turn/words/Dictation.ts"
import { dictationWords } from "../../../../../src/definition/languages/DictationWords.ts"

/** The caller's words, the question before them, and whether more words are awaited. */
type Row = readonly [said: string, question: string, isInProgress: boolean]

const tables: Readonly<Record<string, ReadonlyArray<Row>>> = {
  en: [
    // Digits, after any question.
    ["555", "How can I help you?", true],
    ["My number is 555 123", "How can I help you?", true],
    ["five five five", "How can I help you?", true],
    ["It's double five", "How can I help you?", true],
    ["Five, five, five. One, two, three.", "", true],
    ["oh two oh", "", true],
    // Figures that are not dictated.
    ["A table for four", "How can I help you?", false],
    ["At ten thirty", "How can I help you?", false],
    ["At 10:30.", "How can I help you?", false],
    ["I was there in 2024.", "How can I help you?", false],
    ["It was $300.", "How can I help you?", false],
    ["I have 300 questions.", "How can I help you?", false],
    ["Four", "For how many people?", false],
    ["Two", "What number of guests is it for?", false],
    ["Is it 555?", "", false],
    ["Ten a.m.", "How can I help you?", false],
    ["At seven a m", "How can I help you?", false],
    ["P A M", "How can I help you?", true],
    ["In the U.S.", "How can I help you?", false],
    ["Plan A or B", "How can I help you?", false],
    ["On the third.", "How can I help you?", false],
    ["My number is 10, 11", "What's your phone number?", true],
    // A number that was asked for.
    ["555", "What's your phone number?", true],
    ["555 123", "What's your phone number?", true],
    ["555-123-4567.", "What's your phone number?", false],
    ["555 123 4567", "What's your phone number?", false],
    ["415 555 0100", "Please tell me your phone number.", false],
    ["four one five five five five oh one double zero", "What's your phone number?", false],
    ["four one five five five five oh one double", "What's your phone number?", true],
    ["+1 415 555", "What's your phone number?", true],
    ["+1 415 555 0100", "What's your phone number?", false],
    ["My phone number is 415 555 0100", "", false],
    ["Sure, it's", "What's your phone number?", true],
    ["Okay, my number is", "What's your phone number?", true],
    ["It's five", "What's your phone number?", true],
    ["I don't have one.", "What's your phone number?", false],
    ["Why do you need it?", "What's your phone number?", false],
    ["Yes.", "Is your number 555 123 4567?", false],
    ["No.", "I have your phone number. Anything else?", false],
    ["4111 1111 1111", "What is your card number?", true],
    ["43", "What are the last four digits of your card?", true],
    ["4321", "What are the last four digits of your card?", false],
    ["B 4", "What's the order number?", true],
    // Letters.
    ["J A", "Could you spell that?", true],
    ["J-A-N", "Could you spell that?", true],
    ["J.A.", "Could you spell that?", true],
    ["J.", "Could you spell that?", true],
    ["J as in Juliet", "Could you spell your name?", true],
    ["It's capital J", "Could you spell your name?", true],
    ["SMI", "How do you spell that?", true],
    ["No.", "Could you spell that?", false],
    ["No thanks.", "Could you spell that?", false],
    ["My name is S M I", "What can I do for you?", true],
    ["Plan B", "Which plan?", false],
    // E-mail.
    ["jane dot", "What is your e-mail address?", true],
    ["jane dot doe at", "What is your email?", true],
    ["jane dot doe at example", "What is your email?", true],
    ["jane dot doe at example dot", "What is your email?", true],
    ["jane dot doe at example dot com", "What is your email?", false],
    ["jane dot doe at example dot co", "What is your email?", true],
    ["jane.doe@example.com", "What is your email?", false],
    ["jane.doe@", "What is your email?", true],
    ["Jane.", "What is your email?", true],
    ["It's jane.", "What is your email?", true],
    ["I don't have one.", "What is your email?", false],
    ["My email is broken.", "What can I do for you?", false],
    // Address.
    ["12 Main Street", "What is your address?", true],
    ["12 Main Street, Springfield, 62704.", "What is your address?", false],
    ["Main Street", "What is your address?", true],
    ["No.", "Is that the right address?", false],
    ["I'd rather come by and tell you in person.", "What is your address?", false],
    // Dates.
    ["The third", "What is your date of birth?", true],
    ["The third of May", "What is your date of birth?", true],
    ["The third of May 1985.", "What is your date of birth?", false],
    ["May 3rd, 1985", "What is your date of birth?", false],
    ["May third nineteen", "What is your date of birth?", true],
    ["May third nineteen eighty-five", "What is your date of birth?", false],
    ["05/03/1985", "What is your date of birth?", false],
    ["The third", "For what date?", true],
    ["The third of May", "For what date?", false],
    ["Tomorrow.", "For what date?", false],
    ["On Monday.", "On which day?", false]
  ],
  de: [
    ["null eins sieben", "Wie kann ich helfen?", true],
    ["0170", "Wie ist Ihre Telefonnummer?", true],
    ["zwo fünf", "Wie ist Ihre Telefonnummer?", true],
    ["Die ist", "Wie ist Ihre Telefonnummer?", true],
    ["Das ist die Null", "Wie ist Ihre Telefonnummer?", true],
    ["Für vier Personen", "Für wie viele Personen?", false],
    ["Um halb drei", "Um wie viel Uhr?", false],
    ["Nein.", "Wie ist Ihre Telefonnummer?", false],
    ["M wie Martha", "Können Sie das buchstabieren?", true],
    ["M A Y", "Können Sie das buchstabieren?", true],
    ["jana punkt", "Wie lautet Ihre E-Mail-Adresse?", true],
    ["jana punkt m ät beispiel punkt de", "Wie lautet Ihre E-Mail-Adresse?", false],
    ["Hauptstraße 12", "Wie ist Ihre Adresse?", true],
    ["Hauptstraße 12, 10115 Berlin", "Wie ist Ihre Adresse?", false],
    ["Am dritten", "Wann sind Sie geboren?", true],
    ["Am 3. Mai", "Wann sind Sie geboren?", true],
    ["Am 3. Mai 1985.", "Wann sind Sie geboren?", false]
  ],
  fr: [
    ["zéro six, douze", "Comment puis-je vous aider ?", true],
    ["06 12", "Quel est votre numéro de téléphone ?", true],
    ["06 12 34 56 78", "Quel est votre numéro de téléphone ?", false],
    ["C'est le", "Quel est votre numéro de téléphone ?", true],
    ["Quatre personnes", "Pour combien de personnes ?", false],
    ["Non.", "Quel est votre numéro de téléphone ?", false],
    ["M A R", "Pouvez-vous épeler votre nom ?", true],
    ["M comme Marie", "Pouvez-vous épeler votre nom ?", true],
    ["marie point", "Quelle est votre adresse e-mail ?", true],
    ["marie arobase exemple point fr", "Quelle est votre adresse e-mail ?", false],
    ["12 rue de la Paix", "Quelle est votre adresse ?", true],
    ["12 rue de la Paix, 75002 Paris", "Quelle est votre adresse ?", false],
    ["Le trois mai", "Quelle est votre date de naissance ?", true],
    ["Le 3 mai 1985.", "Quelle est votre date de naissance ?", false]
  ],
  es: [
    ["seis uno dos", "¿En qué puedo ayudarle?", true],
    ["612", "¿Cuál es su número de teléfono?", true],
    ["612 345 678", "¿Cuál es su número de teléfono?", false],
    ["Es el", "¿Cuál es su número de teléfono?", true],
    ["Cuatro", "¿Para cuántas personas?", false],
    ["No.", "¿Cuál es su número de teléfono?", false],
    ["G A R", "¿Puede deletrearlo?", true],
    ["G de gato", "¿Puede deletrearlo?", true],
    ["ana arroba", "¿Cuál es su correo electrónico?", true],
    ["ana arroba ejemplo punto es", "¿Cuál es su correo electrónico?", false],
    ["Calle Mayor 12", "¿Cuál es su dirección?", true],
    ["El tres de mayo", "¿Cuál es su fecha de nacimiento?", true],
    ["El 3 de mayo de 1985", "¿Cuál es su fecha de nacimiento?", false]
  ],
  it: [
    ["tre quattro sette", "Come posso aiutarla?", true],
    ["347", "Qual è il suo numero di telefono?", true],
    ["Il numero è", "Qual è il suo numero di telefono?", true],
    ["Quattro", "Per quante persone?", false],
    ["No.", "Qual è il suo numero di telefono?", false],
    ["R O S", "Come si scrive?", true],
    ["R come Roma", "Come si scrive?", true],
    ["anna chiocciola", "Qual è la sua mail?", true],
    ["anna chiocciola esempio punto it", "Qual è la sua mail?", false],
    ["Via Roma 12", "Qual è il suo indirizzo?", true],
    ["Il tre maggio", "Qual è la sua data di nascita?", true],
    ["Il 3 maggio 1985", "Qual è la sua data di nascita?", false]
  ],
  nl: [
    ["nul zes een", "Hoe kan ik u helpen?", true],
    ["06 12", "Wat is uw telefoonnummer?", true],
    ["06 12345678", "Wat is uw telefoonnummer?", false],
    ["Het is", "Wat is uw telefoonnummer?", true],
    ["Vier", "Voor hoeveel personen?", false],
    ["Nee.", "Wat is uw telefoonnummer?", false],
    ["J A N", "Kunt u dat spellen?", true],
    ["J van Jan", "Kunt u dat spellen?", true],
    ["anna apenstaartje", "Wat is uw e-mailadres?", true],
    ["anna apenstaartje voorbeeld punt nl", "Wat is uw e-mailadres?", false],
    ["Kerkstraat 12", "Wat is uw adres?", true],
    ["Drie mei", "Wat is uw geboortedatum?", true],
    ["3 mei 1985", "Wat is uw geboortedatum?", false]
  ],
  pl: [
    ["pięć zero jeden", "W czym mogę pomóc?", true],
    ["501", "Jaki jest pana numer telefonu?", true],
    ["501 234 567", "Jaki jest pana numer telefonu?", false],
    ["To jest", "Jaki jest pana numer telefonu?", true],
    ["Cztery", "Na ile osób?", false],
    ["Nie.", "Jaki jest pana numer telefonu?", false],
    ["K O W", "Proszę przeliterować nazwisko.", true],
    ["K jak Karol", "Proszę przeliterować nazwisko.", true],
    ["anna małpa", "Jaki jest pani e-mail?", true],
    ["anna małpa przyklad kropka pl", "Jaki jest pani e-mail?", false],
    ["Długa 12", "Jaki jest pani adres?", true],
    ["Trzeciego maja", "Jaka jest data urodzenia?", true],
    ["3 maja 1985", "Jaka jest data urodzenia?", false]
  ],
  pt: [
    ["nove oito meia", "Como posso ajudar?", true],
    ["11 98", "Qual é o seu telefone?", true],
    ["11 98765 4321", "Qual é o seu telefone?", false],
    ["O número é", "Qual é o seu telefone?", true],
    ["Quatro", "Para quantas pessoas?", false],
    ["Não.", "Qual é o seu telefone?", false],
    ["S I L", "Pode soletrar?", true],
    ["S de sapo", "Pode soletrar?", true],
    ["ana arroba", "Qual é o seu e-mail?", true],
    ["ana arroba exemplo ponto com", "Qual é o seu e-mail?", false],
    ["Rua das Flores 12", "Qual é o seu endereço?", true],
    ["Três de maio", "Qual é a sua data de nascimento?", true],
    ["3 de maio de 1985", "Qual é a sua data de nascimento?", false]
  ],
  // A language without its own words. Figures, letters and addresses are the same in all languages.
  sv: [
    ["070 123", "Hej?", true],
    ["J A N", "Hej?", true],
    ["jan@", "Hej?", true],
    ["Hej då", "Hej?", false]
  ]
}

describe("the agent waits for a caller who dictates", () => {
  for (const [language, table] of Object.entries(tables)) {
    it.each(table)(`${language}: "%s" to "%s": %s`, (said, question, isInProgress) => {
      assert.strictEqual(Dictation.of(language).isInProgress(said, { question }), isInProgress)
    })
  }

  it("in each language for which there are words", () => {
    for (const language of Object.keys(dictationWords)) assert.property(tables, language)
  })

  it("if a question of the script fills a slot of that kind", () => {
    const asked = { question: "Fine. And for Jane, which one is it?", needs: [{ slot: "phone_number", ask: "And for {name}, which one is it?" }] }
    assert.isTrue(Dictation.of("en").isInProgress("five", asked))
    assert.isFalse(Dictation.of("en").isInProgress("five", { question: asked.question }))
  })

  it("until the number is complete in the agent's region", () => {
    const question = "What is your phone number?"
    assert.isTrue(Dictation.of("en", "GB").isInProgress("020 7946 095", { question }))
    assert.isFalse(Dictation.of("en", "GB").isInProgress("020 7946 0958", { question }))
    // More digits may follow in regions whose numbers differ in length.
    assert.isTrue(Dictation.of("de").isInProgress("030 123456", { question: "Wie ist Ihre Telefonnummer?" }))
  })
})
