/**
 * Joins the memory of the turn machine with the memory of the tools. Passes the result to `remember` each time one of the two changes.
 */
import type { ConversationMemory, ToolMemory, TurnMemory } from "./ports/ConversationMemory.ts"

interface MemoryWriter {
  readonly onTurn: (turn: TurnMemory) => void
  readonly onTools: () => void
}

interface MakeOptions {
  /** When the conversation began, ms since 1970. */
  readonly beganAt: number
  /** ms since `beganAt`. */
  readonly now: () => number
  readonly tools: () => ToolMemory
  readonly remember: (memory: ConversationMemory) => void
}

export const make = ({ beganAt, now, remember, tools }: MakeOptions): MemoryWriter => {
  let newestTurn: TurnMemory | undefined
  const write = () => {
    if (newestTurn !== undefined) remember({ format: 1, beganAt, at: now(), turn: newestTurn, tools: tools() })
  }
  return {
    onTurn: (turn) => {
      newestTurn = turn
      write()
    },
    onTools: write
  }
}
