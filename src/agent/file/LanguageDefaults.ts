/**
 * The default texts of agents by language: lines, phrases, and the intents that every agent has. `docs/agents.md` lists them.
 *
 * English and French have defaults. An agent file in another language must contain its own lines.
 */
import type { Lines } from "../../definition/AgentDefinition.ts"
import type { Intent, NotUnderstood } from "../../definition/DialogScript.ts"

/** The defaults of one language. Phrases are in the notation of `definition/PhraseNotation`. */
export interface LanguageDefaults {
  readonly lines: Lines
  /** The fillers for a file that has `fillers` but not `fillers.lines`. */
  readonly fillers: ReadonlyArray<string>
  /** See `DialogScript.openQuestion`. */
  readonly openQuestion: string
  /** See `Intent.denialReply`. */
  readonly denialReply: string
  readonly notUnderstood: NotUnderstood
  readonly backchannels: ReadonlyArray<string>
  /**
   * The most common hold requests (`HoldRequest`). They are given as hints to the recognizer, because the embedded one understands only the
   * phrases that it was given.
   */
  readonly holdRequests: ReadonlyArray<string>
  /** Phrases that ask for nothing: the caller says thanks, agrees, or checks whether the agent hears. */
  readonly smallTalk: ReadonlyArray<string>
  /** Phrases with which people answer the telephone. They are hints for the recognizer. */
  readonly greetings: ReadonlyArray<string>
  readonly yes: ReadonlyArray<string>
  readonly no: ReadonlyArray<string>
  /** The words that callers say before a slot's value when they answer a question or correct the agent: "no, I said …". */
  readonly beforeValue: string
  /** Each agent has these intents, unless its file has an intent of the same name. */
  readonly intents: ReadonlyArray<Intent>
}

const intent = (name: string, after: Intent["after"], phrases: ReadonlyArray<string>, answers: ReadonlyArray<string>): Intent => ({
  name,
  phrases,
  needs: [],
  answers,
  after
})

/**
 * The keys are ISO 639-1 codes. The embedded recognizer knows every word of the intents' phrases, `yes`, `no`, `backchannels`, `greetings`
 * and `holdRequests`; `AgentDictionary.test.ts` checks that.
 */
export const languageDefaults: ReadonlyMap<string, LanguageDefaults> = new Map([
  ["en", {
    lines: {
      greeting: "Hello. How can I help you?",
      idle: "Are you still there?",
      idleGoodbye: "I can't hear you. Goodbye.",
      apology: "Sorry, something went wrong. Please say that again.",
      failure: "Sorry, I have a problem here. Please call again later. Goodbye.",
      timeIsUp: "Sorry, our time is up. Goodbye.",
      transferFailed: "Sorry, I could not put you through. What else can I do for you?",
      resumed: "Sorry, we were cut off.",
      recorded: "This call is recorded.",
      hold: "Of course, take your time."
    },
    fillers: ["One moment.", "Let me see.", "Just a second."],
    openQuestion: "What can I do for you?",
    denialReply: "All right, let us try again.",
    notUnderstood: {
      first: "Sorry, I did not get that.",
      second: "I still did not get that. Please say it in other words.",
      third: "I am sorry, I can't understand you. Please call again later. Goodbye.",
      next: "hangUp"
    },
    backchannels: ["uh-huh", "mm-hmm", "mhm", "hmm", "okay", "ok", "yeah", "right", "i see", "sure", "all right"],
    holdRequests: ["(hold on | hang on | wait) [a (moment | minute | second)] [please]", "(one | just a) (moment | minute | second) [please]", "let me check"],
    smallTalk: [
      "hello", "hi", "hey", "are you there", "are you still there", "is anybody there", "anybody there", "can you hear me", "do you hear me",
      "thanks", "thank you", "great", "good", "fine", "perfect", "yes", "yep", "um", "uh"
    ],
    greetings: ["(hello | hi) [hello | there]", "yes hello", "good (morning | afternoon | evening)", "is anybody there"],
    yes: [
      "(yes | yeah | yep | sure | okay | correct | right | exactly | perfect) [please | thanks | thank you]",
      "[yes | yeah] (that's | that is | it's | it is) (right | correct | fine | good | perfect)",
      "[yes | yeah] (that works | sounds good | of course | i do | i would | go ahead)"
    ],
    no: [
      "(no | nope) [thanks | thank you]",
      "[no] (that's | that is | it's | it is) (wrong | not right | not correct)",
      "[no] (not (right | correct) | wrong | nothing [else] | (that's | that is) all | i don't | not really) [thanks | thank you]"
    ],
    beforeValue: "[no | yes | actually | sorry] [make it | i said | i mean | not | how about]",
    intents: [
      intent("repeat", "repeat", [
        "[can you | could you] (repeat (that | it) | say (that | it) again) [please]",
        "(pardon [me] | what did you say | once more please)"
      ], []),
      intent("cancel", "startOver", ["(cancel | never mind | forget it)"], ["All right. What can I do for you?"]),
      intent("goodbye", "hangUp", ["[okay | thanks | thank you] (goodbye | bye [bye])", "have a (nice | good) day"], ["Thank you for calling. Goodbye."])
    ]
  }],
  ["fr", {
    lines: {
      greeting: "Bonjour. Comment puis-je vous aider ?",
      idle: "Vous êtes toujours là ?",
      idleGoodbye: "Je ne vous entends pas. Au revoir.",
      apology: "Pardon, il y a eu un problème. Pouvez-vous répéter ?",
      failure: "Je suis désolée, nous avons un problème. Rappelez plus tard. Au revoir.",
      timeIsUp: "Je suis désolée, nous n'avons plus de temps. Au revoir.",
      transferFailed: "Je suis désolée, je n'ai pas pu vous passer quelqu'un. Que puis-je faire d'autre ?",
      resumed: "Pardon, nous avons été coupés.",
      recorded: "Cet appel est enregistré.",
      hold: "Bien sûr, prenez votre temps."
    },
    fillers: ["Un instant.", "Voyons voir.", "Une petite seconde."],
    openQuestion: "Que puis-je faire pour vous ?",
    denialReply: "D'accord, recommençons.",
    notUnderstood: {
      first: "Pardon, je n'ai pas compris.",
      second: "Pardon, je n'ai toujours pas compris. Dites-le autrement.",
      third: "Je suis désolée, je ne vous comprends pas. Rappelez plus tard. Au revoir.",
      next: "hangUp"
    },
    backchannels: ["oui", "d'accord", "je vois", "bien"],
    holdRequests: ["[attendez] (un | une) (instant | moment | minute | seconde)", "laissez moi vérifier"],
    smallTalk: ["allô", "vous êtes là", "vous m'entendez", "il y a quelqu'un", "merci", "parfait", "très bien", "euh"],
    greetings: ["[oui] (allô | bonjour)", "bonsoir"],
    yes: ["oui [merci]", "[oui] (d'accord | exactement | parfait | juste | bien sûr)"],
    no: ["non [merci]", "[non] (faux | pas ça | rien | pas bon)"],
    beforeValue: "[non | oui | pardon] [plutôt]",
    intents: [
      intent("repeat", "repeat", ["(pouvez vous répéter | pardon | encore une fois)"], []),
      intent("cancel", "startOver", ["(annuler | laissez tomber | stop)"], ["D'accord. Que puis-je faire pour vous ?"]),
      intent("goodbye", "hangUp", ["[merci] (au revoir | salut | bonne journée)"], ["Merci de votre appel. Au revoir."])
    ]
  }]
])
