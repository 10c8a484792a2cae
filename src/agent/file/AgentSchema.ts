/**
 * The keys of an agent file. `docs/agents.md` explains them to the authors of agent files.
 *
 * A new key also needs:
 *
 * - a kind of value, if none of `SchemaValues.ts` fits;
 * - its default in `Defaults.ts`, or in `LanguageDefaults.ts` if the default is a text that is spoken or heard;
 * - its compilation in `compiler/`, with the checks that concern several keys;
 * - a field of `definition/AgentDefinition.ts`, which the conversation reads;
 * - its line in `docs/agents.md`; a test loads that page's examples.
 */
import { Schema } from "effect"
import { isObject } from "../../config/yaml/YamlSource.ts"
import {
  Digits, Instructions, Language, Millis, Name, Next, Phrases, Region, SlotValues, Telephone, Text, TextOrEmpty, Texts, ToolParameters, valueKind, WebUrl
} from "./SchemaValues.ts"

const GreetingEntry = valueKind(
  "a text, or the indented keys \"text\" and \"interruptible\"",
  Schema.Struct({ text: Schema.optionalKey(TextOrEmpty), interruptible: Schema.optionalKey(Schema.Boolean) }),
  (input) => isObject(input) ? input : input === null || typeof input === "string" ? { text: input } : undefined
)

const IntentEntry = Schema.Struct({
  phrases: Schema.optionalKey(Phrases),
  digits: Schema.optionalKey(Digits),
  needs: Schema.optionalKey(Schema.Record(Schema.String, Text)),
  confirm: Schema.optionalKey(Text),
  denied: Schema.optionalKey(Text),
  answer: Schema.optionalKey(Texts),
  /** The names of the intents that follow a "yes" and a "no" to the answer. */
  yes: Schema.optionalKey(Text),
  no: Schema.optionalKey(Text),
  next: Schema.optionalKey(Next),
  transfer: Schema.optionalKey(Text)
})

const SlotEntry = Schema.Struct({ values: SlotValues, phrases: Schema.optionalKey(Phrases) })

const ToolEntry = Schema.Struct({
  description: Text,
  parameters: Schema.optionalKey(ToolParameters),
  url: WebUrl,
  timeout: Schema.optionalKey(Millis),
  repeatable: Schema.optionalKey(Schema.Boolean)
})

const AgentSchema = Schema.Struct({
  name: Name,
  language: Schema.optionalKey(Language),
  region: Schema.optionalKey(Region),
  voice: Schema.optionalKey(Text),
  recording: Schema.optionalKey(Schema.Boolean),
  instructions: Schema.optionalKey(Instructions),
  greeting: Schema.optionalKey(GreetingEntry),
  lines: Schema.optionalKey(Schema.Struct({
    idle: Schema.optionalKey(Text),
    idleGoodbye: Schema.optionalKey(Text),
    apology: Schema.optionalKey(Text),
    failure: Schema.optionalKey(Text),
    timeIsUp: Schema.optionalKey(Text),
    transferFailed: Schema.optionalKey(Text),
    resumed: Schema.optionalKey(TextOrEmpty),
    recorded: Schema.optionalKey(TextOrEmpty),
    hold: Schema.optionalKey(TextOrEmpty)
  })),
  /** Said after a "yes" that answers no question. The prompt of a language model is `instructions`. */
  prompt: Schema.optionalKey(Text),
  intents: Schema.optionalKey(Schema.Record(Schema.String, IntentEntry)),
  slots: Schema.optionalKey(Schema.Record(Schema.String, SlotEntry)),
  /** What callers say for "yes" and "no". */
  yes: Schema.optionalKey(Phrases),
  no: Schema.optionalKey(Phrases),
  notUnderstood: Schema.optionalKey(Schema.Struct({
    first: Schema.optionalKey(Text),
    second: Schema.optionalKey(Text),
    third: Schema.optionalKey(Text),
    next: Schema.optionalKey(Text)
  })),
  endpointing: Schema.optionalKey(Schema.Struct({
    silence: Schema.optionalKey(Millis),
    complete: Schema.optionalKey(Millis),
    trailing: Schema.optionalKey(Millis),
    speculate: Schema.optionalKey(Millis),
    dictation: Schema.optionalKey(Millis)
  })),
  interruption: Schema.optionalKey(Schema.Struct({
    minSpeech: Schema.optionalKey(Millis),
    backchannels: Schema.optionalKey(Phrases)
  })),
  idle: Schema.optionalKey(Schema.Struct({
    after: Schema.optionalKey(Millis),
    hangUpAfter: Schema.optionalKey(Millis),
    hold: Schema.optionalKey(Millis)
  })),
  timeouts: Schema.optionalKey(Schema.Struct({
    transcript: Schema.optionalKey(Millis),
    reply: Schema.optionalKey(Millis),
    speech: Schema.optionalKey(Millis)
  })),
  fillers: Schema.optionalKey(Schema.Struct({ after: Schema.optionalKey(Millis), lines: Schema.optionalKey(Texts) })),
  transfers: Schema.optionalKey(Schema.Record(Schema.String, Telephone)),
  tools: Schema.optionalKey(Schema.Record(Schema.String, ToolEntry)),
  store: Schema.optionalKey(Schema.Boolean),
  webhook: Schema.optionalKey(WebUrl),
  maxDuration: Schema.optionalKey(Millis)
})
/** The content of a file in which each key and each value is valid alone. `compiler/` checks whether they fit together. */
export type AgentFileContent = typeof AgentSchema.Type

/** Decodes a file's data, and reports all issues at once. An unknown key is an issue, too. */
export const decode = Schema.decodeUnknownResult(AgentSchema, { errors: "all", onExcessProperty: "error" })
