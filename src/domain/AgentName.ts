/**
 * The name of an agent: the built-in agent `echo`, or an agent of an agent file. A call chooses its agent by this name.
 */
import { Schema } from "effect"

/** Lower-case letters, digits, `-` and `_`; starts with a letter; 64 characters at most. */
export const AgentName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9_-]{0,63}$/, {
    expected: "an agent's name: a lower-case letter, then letters, digits, '-' or '_'"
  })
).pipe(Schema.brand("AgentName"))
export type AgentName = typeof AgentName.Type
