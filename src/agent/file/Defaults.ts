/**
 * What an agent is when its file does not say: all defaults, in one place. `docs/agents.md` lists them.
 */
import type { Endpointing, Idle, Lines, Timeouts } from "../../definition/AgentDefinition.ts"
import type { Intent, NotUnderstood } from "../../definition/DialogScript.ts"

export const language = "en"

/** ms. */
export const endpointing: Endpointing = { silence: 300, complete: 250, trailing: 800, speculate: 100, dictation: 1600 }

/** ms. */
export const minSpeech = 200

/** ms. */
export const idle: Idle = { after: 8000, hangUpAfter: 20_000, hold: 60_000 }

/** ms. */
export const timeouts: Timeouts = { transcript: 3000, reply: 5000, speech: 4000 }

/** ms: 30 minutes, or the service's `MAX_CALL_DURATION` where that is less. */
export const maxDuration = 1_800_000

/** ms; for an agent that has fillers. */
export const fillersAfter = 900

/** ms. */
export const toolTimeout = 3000

export const instructions =
  "You answer the telephone. What you say is spoken aloud: answer in one or two short sentences, without markup or lists."

/** The words of one language. */
export interface Standard {
  readonly lines: Lines
  /** For an agent whose file asks for fillers and writes none. */
  readonly fillers: ReadonlyArray<string>
  readonly prompt: string
  readonly denied: string
  readonly notUnderstood: NotUnderstood
  readonly backchannels: ReadonlyArray<string>
  /** The commonest requests to wait (`HoldRequest`), for a recognizer that hears phrases alone. */
  readonly holdRequests: ReadonlyArray<string>
  /** What callers say to find out whether they are heard; and thanks. It asks for nothing. */
  readonly attention: ReadonlyArray<string>
  /** How people answer the telephone; told to the recognizer, which may know nothing else. */
  readonly greetings: ReadonlyArray<string>
  readonly yes: ReadonlyArray<string>
  readonly no: ReadonlyArray<string>
  /** Before the value of a slot, in an answer or a correction. */
  readonly leads: string
  /** Intents that every agent has, unless its file has one of the same name. */
  readonly intents: ReadonlyArray<Intent>
}

const intent = (name: string, after: Intent["after"], phrases: ReadonlyArray<string>, answers: ReadonlyArray<string>): Intent => ({
  name,
  phrases,
  needs: [],
  answers,
  after
})

/** By ISO 639-1. Every word is in the dictionary of the recognizer that runs in this process; a test says so. */
export const standards: ReadonlyMap<string, Standard> = new Map([
  ["en", {
    lines: {
      greeting: "Hello. How can I help you?",
      idle: "Are you still there?",
      idleGoodbye: "I can't hear you. Goodbye.",
      apology: "Sorry, something went wrong. Please say that again.",
      failure: "Sorry, I have a problem here. Please call again later. Goodbye.",
      timeIsUp: "Sorry, our time is up. Goodbye.",
      transferFailed: "Sorry, I could not put you through. What else can I do for you?",
      hold: "Of course, take your time."
    },
    fillers: ["One moment.", "Let me see.", "Just a second."],
    prompt: "What can I do for you?",
    denied: "All right, let us try again.",
    notUnderstood: {
      first: "Sorry, I did not get that.",
      second: "I still did not get that. Please say it in other words.",
      third: "I am sorry, I can't understand you. Please call again later. Goodbye.",
      next: "hangUp"
    },
    backchannels: ["uh-huh", "mm-hmm", "mhm", "hmm", "okay", "ok", "yeah", "right", "i see", "sure", "all right"],
    holdRequests: ["(hold on | hang on | wait) [a (moment | minute | second)] [please]", "(one | just a) (moment | minute | second) [please]", "let me check"],
    attention: [
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
    leads: "[no | yes | actually | sorry] [make it | i said | i mean | not | how about]",
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
      hold: "Bien sûr, prenez votre temps."
    },
    fillers: ["Un instant.", "Voyons voir.", "Une petite seconde."],
    prompt: "Que puis-je faire pour vous ?",
    denied: "D'accord, recommençons.",
    notUnderstood: {
      first: "Pardon, je n'ai pas compris.",
      second: "Pardon, je n'ai toujours pas compris. Dites-le autrement.",
      third: "Je suis désolée, je ne vous comprends pas. Rappelez plus tard. Au revoir.",
      next: "hangUp"
    },
    backchannels: ["oui", "d'accord", "je vois", "bien"],
    holdRequests: ["[attendez] (un | une) (instant | moment | minute | seconde)", "laissez moi vérifier"],
    attention: ["allô", "vous êtes là", "vous m'entendez", "il y a quelqu'un", "merci", "parfait", "très bien", "euh"],
    greetings: ["[oui] (allô | bonjour)", "bonsoir"],
    yes: ["oui [merci]", "[oui] (d'accord | exactement | parfait | juste | bien sûr)"],
    no: ["non [merci]", "[non] (faux | pas ça | rien | pas bon)"],
    leads: "[non | oui | pardon] [plutôt]",
    intents: [
      intent("repeat", "repeat", ["(pouvez vous répéter | pardon | encore une fois)"], []),
      intent("cancel", "startOver", ["(annuler | laissez tomber | stop)"], ["D'accord. Que puis-je faire pour vous ?"]),
      intent("goodbye", "hangUp", ["[merci] (au revoir | salut | bonne journée)"], ["Merci de votre appel. Au revoir."])
    ]
  }]
])
