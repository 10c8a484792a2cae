/**
 * The lives of a call. If a conversation's memory is lost, the conversation begins anew. That is a new life of the call.
 *
 * In a new life the conversation numbers its actions from 0 again. Their ids get a prefix of this life, so that they don't replace stored
 * actions of an earlier life.
 */
import { Option, Schema } from "effect"
import type { StoredCall } from "../../store/CallStore.ts"

const decode = Schema.decodeUnknownOption(Schema.Struct({ life: Schema.String }))

/** The field that is stored with a memory, so that a resumed conversation has the same life. */
export const storedField = (life: string): { readonly life?: string } => life === "" ? {} : { life }

interface LifeOptions {
  /** `"unreachable"`: the store did not answer. */
  readonly before: StoredCall | "unreachable" | undefined
  /** Whether the stored memory of the conversation could be read. */
  readonly hasMemory: boolean
  /** ms since 1970. */
  readonly now: number
}

/** The prefix of the ids of this life's actions. Empty for a call's first life. */
export const of = ({ before, hasMemory, now }: LifeOptions): string => {
  if (before === undefined) return ""
  const memory = before === "unreachable" ? undefined : Option.getOrUndefined(before.memory)
  if (hasMemory) return Option.match(decode(memory?.memory), { onNone: () => "", onSome: ({ life }) => life })
  return before !== "unreachable" && memory === undefined ? "" : `${Math.round(now).toString(36)}-`
}
