/** The definition of an agent for a language model. */
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"

export const definition: AgentDefinition = {
  name: AgentName.make("bakery"),
  language: "en",
  instructions: "You answer for a bakery.",
  lines: {
    greeting: "Hello. How can I help you?",
    idle: "Are you still there?",
    idleGoodbye: "Goodbye.",
    apology: "Please say that again.",
    failure: "Please call again later.",
    timeIsUp: "Our time is up."
  },
  script: { intents: [] },
  hints: { language: "en", phrases: [], slots: {} },
  endpointing: { silence: 300, complete: 250, trailing: 800, speculate: 120 },
  interruption: { minSpeech: 200, backchannels: [] },
  idle: { after: 8000, hangUpAfter: 20_000 },
  timeouts: { transcript: 3000, reply: 5000, speech: 4000 },
  maxDuration: 600_000
}
