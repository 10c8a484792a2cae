/**
 * Joins the memories of the turn machine and of the tools, and hands the result on whenever one of them changes.
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
  let newest: TurnMemory | undefined
  const write = () => {
    if (newest !== undefined) remember({ format: 1, beganAt, at: now(), turn: newest, tools: tools() })
  }
  return {
    onTurn: (turn) => {
      newest = turn
      write()
    },
    onTools: write
  }
}
