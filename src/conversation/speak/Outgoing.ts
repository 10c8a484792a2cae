/**
 * The items that a conversation sends to the caller's line, in order: sound, and notices and marks between pieces of sound.
 */
import type { Pcm } from "../../audio/Pcm.ts"

export type Outgoing =
  & {
    readonly reply: number
    readonly segment: number
    /** `false`: the item's segment was cancelled. The item is then dropped by the queue in which it waits. */
    readonly isWanted: () => boolean
  }
  & (
    | { readonly _tag: "Sound"; readonly pcm: Pcm<8000> }
    /** Comes right after the first sound of a segment. */
    | { readonly _tag: "Sent" }
    /** Comes after all sound of a segment. */
    | { readonly _tag: "Mark"; readonly isFiller: boolean }
  )
