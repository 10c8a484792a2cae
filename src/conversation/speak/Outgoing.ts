/**
 * What leaves a conversation for the caller, before the line has it: sound, and what stands between sound.
 */
import type { Pcm } from "../../audio/Pcm.ts"

export type Outgoing =
  & {
    readonly reply: number
    readonly segment: number
    /** Whether the item still counts; a cancelled segment's items are dropped wherever they are. */
    readonly isWanted: () => boolean
  }
  & (
    | { readonly _tag: "Sound"; readonly pcm: Pcm<8000> }
    /** The first sound of the segment is in front of this item. */
    | { readonly _tag: "Sent" }
    /** All sound of the segment is in front of this item. */
    | { readonly _tag: "Mark"; readonly isFiller: boolean }
  )
