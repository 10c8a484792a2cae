import { assert, describe, it } from "@effect/vitest"
import * as HoldRequest from "../../../../../src/conversation/turn/words/HoldRequest.ts"

const tables: Readonly<Record<string, { readonly holds: ReadonlyArray<string>; readonly others: ReadonlyArray<string> }>> = {
  en: {
    holds: [
      "Hold on a minute.", "Hold on.", "Hang on a second, please.", "One moment.", "One moment, please.", "Wait a second.", "Just a minute.", "Just a sec.",
      "Could you hold on for a moment?", "Okay, give me one second.", "Let me check.", "Let me see.", "Sure, let me get my card.", "Hold on, let me find my calendar.",
      "Um, hold the line please, I need to get my wallet.", "Bear with me.", "I'll be right back.", "Wait, wait.", "Sorry, just a moment, someone is at the door.",
      "Let me just grab a pen.", "Give me a minute to think."
    ],
    others: [
      "", "Hold on, I need to book a table.", "I need to check my balance.", "Wait, what did you say?", "Can I hold the table for a minute?", "A minute ago I called you.",
      "Let me speak to a person.", "Let me book a table.", "Wait, not Monday.", "Okay.", "Please.", "How long is the wait?", "One moment ago it worked.", "I have a minute.",
      "Let me check in.", "Hold my order.", "I want to get my card back.", "Five minutes is fine.", "No, wait, make it Tuesday.",
      "Hold on, I need to get my car fixed.", "I'm looking for my order.", "Hold on, I'm looking for my order.", "Wait, I want to check my balance.", "Let me look at the menu."
    ]
  },
  de: {
    holds: [
      "Moment bitte.", "Einen Augenblick.", "Einen Moment, bitte.", "Warten Sie kurz.", "Warte mal.", "Sekunde.", "Bleiben Sie bitte dran.", "Eine Sekunde, ich hole meine Karte.",
      "Ich schau mal kurz nach.", "Moment, ich muss nachsehen.", "Ja, einen kleinen Moment noch."
    ],
    others: ["Moment, ich möchte einen Tisch bestellen.", "Im Moment nicht.", "Ich warte auf meine Bestellung.", "Ja bitte.", "Wie lange muss ich warten?", "Einen Tisch bitte.", "Ich suche einen Tisch für vier.", "Ich suche die Toilette.", "Moment, ich muss einen Termin absagen."]
  },
  fr: {
    holds: ["Un instant.", "Un instant s'il vous plaît.", "Attendez.", "Attendez une minute.", "Une petite seconde.", "Ne quittez pas.", "Laissez-moi vérifier.", "Un moment, je cherche mon agenda.", "Oui, deux secondes."],
    others: ["Attendez, je voudrais réserver une table.", "Pour l'instant non.", "Un café s'il vous plaît.", "Oui merci.", "J'attends ma commande.", "Je cherche mon colis.", "Je cherche un hôtel.", "Un instant, je dois annuler mon rendez-vous."]
  },
  es: {
    holds: ["Un momento.", "Un momento, por favor.", "Espere un segundo.", "No cuelgue.", "Déjeme ver.", "Vale, espera un momentito.", "Un segundo, estoy buscando mi tarjeta."],
    others: ["Espere, quiero reservar una mesa.", "Estoy esperando mi pedido.", "Por favor.", "En este momento no.", "Un café por favor.", "Voy a buscar un hotel.", "Estoy buscando mi pedido.", "Un momento, quiero cancelar mi cita."]
  },
  it: {
    holds: ["Un attimo.", "Un momento, per favore.", "Aspetti un secondo.", "Aspetta.", "Mi faccia vedere.", "Resti in linea.", "Un attimo, devo prendere la carta."],
    others: ["Aspetti, vorrei prenotare un tavolo.", "Sto aspettando il mio ordine.", "Per favore.", "In questo momento no.", "Un caffè per favore.", "Sto cercando un albergo.", "Mi faccia vedere il menù.", "Un attimo, devo disdire il mio appuntamento."]
  },
  nl: {
    holds: ["Een moment.", "Een ogenblikje alstublieft.", "Wacht even.", "Momentje.", "Ik kijk even.", "Blijf aan de lijn.", "Wacht even, ik pak mijn agenda."],
    others: ["Wacht, ik wil een tafel reserveren.", "Op dit moment niet.", "Ik wacht op mijn bestelling.", "Ja graag.", "Een tafel alstublieft.", "Ik zoek een tafel.", "Ik zoek mijn bestelling.", "Wacht even, ik moet een afspraak afzeggen."]
  },
  pl: {
    holds: ["Chwileczkę.", "Moment.", "Proszę chwilę zaczekać.", "Proszę poczekać.", "Sekundę.", "Zaraz sprawdzę.", "Chwileczkę, muszę znaleźć kartę."],
    others: ["Chwileczkę, chciałbym zarezerwować stolik.", "W tym momencie nie.", "Czekam na zamówienie.", "Tak, proszę.", "Proszę stolik.", "Szukam mojego zamówienia.", "Chwileczkę, muszę zarezerwować stolik.", "Moment, muszę odwołać wizytę."]
  },
  pt: {
    holds: ["Um momento.", "Só um minutinho.", "Espera aí.", "Aguarde um instante, por favor.", "Deixa eu ver.", "Um segundo, vou pegar meu cartão.", "Não desligue."],
    others: ["Espere, quero reservar uma mesa.", "No momento não.", "Estou esperando meu pedido.", "Sim, por favor.", "Um café por favor.", "Deixa eu ver o cardápio.", "Estou procurando meu pedido.", "Um momento, preciso cancelar a consulta."]
  }
}

describe("a request to wait", () => {
  for (const [language, { holds, others }] of Object.entries(tables)) {
    it.each(holds)(`${language}: "%s"`, (text) => {
      assert.isTrue(HoldRequest.isOne(text, language))
    })
    it.each(others)(`${language}: not "%s"`, (text) => {
      assert.isFalse(HoldRequest.isOne(text, language))
    })
  }

  it("is not recognized in a language without rules", () => {
    assert.isFalse(HoldRequest.isOne("Hold on", "ja"))
  })

  it("may be repeated, but is not recognized if it is long", () => {
    assert.isTrue(HoldRequest.isOne("wait ".repeat(20), "en"))
    assert.isFalse(HoldRequest.isOne("wait ".repeat(21), "en"))
    assert.isFalse(HoldRequest.isOne(`${"tylko chwileczkę zaraz muszę ".repeat(4)}stolik`, "pl"))
  })
})

describe("thanks for waiting", () => {
  const thanks: Readonly<Record<string, ReadonlyArray<string>>> = {
    en: ["Thanks.", "Thank you.", "Okay, thank you very much.", "Sure, thanks a lot.", "Thank you so much, okay."],
    de: ["Danke.", "Okay, vielen Dank.", "Ja, danke schön.", "Gut, danke."],
    fr: ["Merci.", "D'accord, merci beaucoup."],
    es: ["Gracias.", "Vale, muchas gracias."],
    it: ["Grazie.", "Okay, grazie mille."],
    nl: ["Bedankt.", "Oké, dank u wel."],
    pl: ["Dziękuję.", "Dobrze, dziękuję bardzo."],
    pt: ["Obrigada.", "Tá bom, muito obrigado."]
  }
  for (const [language, texts] of Object.entries(thanks)) {
    it.each(texts)(`${language}: "%s"`, (text) => {
      assert.isTrue(HoldRequest.isThanks(text, language))
    })
  }

  it.each(["", "Okay.", "Thanks, I am back.", "Thank you, I found it.", "No thanks to you.", "Hello?"])("not \"%s\"", (text) => {
    assert.isFalse(HoldRequest.isThanks(text, "en"))
  })

  it("is not recognized in a language without rules", () => {
    assert.isFalse(HoldRequest.isThanks("Thanks", "ja"))
  })
})
