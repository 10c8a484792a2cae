/**
 * The lives of a call. If a conversation's memory is lost, the conversation begins anew, and the call has one more life.
 *
 * An action of a later life must not replace an earlier life's, though the conversation counts its actions from 0 again. So the ids of a
 * later life's actions begin with a text of its own.
 */
import { Option, Schema } from "effect"
import type { StoredCall } from "../../store/CallStore.ts"

const decode = Schema.decodeUnknownOption(Schema.Struct({ life: Schema.String }))

/** What is stored beside a memory, so that a resumed conversation has the same life. */
export const kept = (life: string): { readonly life?: string } => life === "" ? {} : { life }

interface Before {
  /** `"lost"`: the store could not be asked. */
  readonly before: StoredCall | "lost" | undefined
  /** The conversation's memory could be read. */
  readonly hasMemory: boolean
  /** ms since 1970. */
  readonly now: number
}

/** Stands in front of the ids of the life's actions. Empty for a call's first life. */
export const of = ({ before, hasMemory, now }: Before): string => {
  if (before === undefined) return ""
  const memory = before === "lost" ? undefined : Option.getOrUndefined(before.memory)
  if (hasMemory) return Option.match(decode(memory?.memory), { onNone: () => "", onSome: ({ life }) => life })
  return before !== "lost" && memory === undefined ? "" : `${Math.round(now).toString(36)}-`
}
