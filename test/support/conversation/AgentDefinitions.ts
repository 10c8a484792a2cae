/** Definitions of agents. */
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import { AgentName } from "../../../src/domain/AgentName.ts"

/** The defaults of an agent file, with short lines, so that tests are short. */
export const definition: AgentDefinition = {
  name: AgentName.make("tester"),
  language: "en",
  instructions: "Answer.",
  lines: {
    greeting: "Hello, I am here.",
    idle: "Are you still there?",
    idleGoodbye: "Nobody there. Goodbye.",
    apology: "Sorry, say that again.",
    failure: "Sorry, I can not go on. Goodbye.",
    timeIsUp: "Our time is up. Goodbye."
  },
  script: { intents: [] },
  hints: { language: "en", phrases: ["what is new"], slots: {} },
  endpointing: { silence: 300, complete: 250, trailing: 800, speculate: 120 },
  interruption: { minSpeech: 200, backchannels: ["uh-huh", "okay"] },
  idle: { after: 8000, hangUpAfter: 20_000 },
  timeouts: { transcript: 3000, reply: 5000, speech: 4000 },
  maxDuration: 600_000
}
