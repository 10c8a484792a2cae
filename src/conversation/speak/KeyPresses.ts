/**
 * Stores the keys that the agent presses, as actions of the call. A press is stored when its tones are requested, and again with its result:
 *
 * - `Answered`: the mark after the tones came back, so the other side heard all tones;
 * - `NotSent`: the reply was cut before the first tone was sent;
 * - `Unknown`: the reply was cut later, or the conversation ended before the mark came back. The other side may have heard some tones.
 */
import type { Action, ActionKeeper } from "../ports/Actions.ts"
import type { ToolOutcome } from "../ports/Tools.ts"
import type { Outgoing } from "./Outgoing.ts"

export interface KeyPresses {
  /** The tones are requested as a segment of the reply. */
  readonly press: (reply: number, segment: number, digits: string) => void
  /** The item was passed to the line. */
  readonly onItemLeft: (item: Outgoing) => void
  /** The mark of a segment came back. */
  readonly onMarkReturned: (mark: { readonly reply: number; readonly segment: number }) => void
  /** The reply is cut from this segment on. */
  readonly cut: (reply: number, from: number) => void
  /** The conversation is over. */
  readonly end: () => void
}

/** A press that has no result yet. */
interface OpenPress {
  readonly action: Action
  readonly reply: number
  readonly segment: number
  /** Some of the tones were passed to the line. */
  hasLeft: boolean
}

/** `actions` unset: nothing is stored. */
export const make = (actions: Pick<ActionKeeper, "storeSoon" | "storeOutcome"> | undefined): KeyPresses => {
  const openPresses = new Set<OpenPress>()

  const settle = (press: OpenPress, outcome: ToolOutcome) => {
    openPresses.delete(press)
    actions?.storeOutcome(press.action, outcome)
  }
  const settleCut = (press: OpenPress) => settle(press, { _tag: press.hasLeft ? "Unknown" : "NotSent" })

  return {
    press: (reply, segment, digits) => {
      const action: Action = { id: `keys-${reply}-${segment}`, kind: "keys", name: "", arguments: digits, isRepeatable: false }
      openPresses.add({ action, reply, segment, hasLeft: false })
      actions?.storeSoon(action)
    },
    onItemLeft: ({ reply, segment }) => {
      for (const press of openPresses) if (press.reply === reply && press.segment === segment) press.hasLeft = true
    },
    onMarkReturned: ({ reply, segment }) => {
      // Marks come back in order, so earlier segments were heard, too.
      for (const press of openPresses) if (press.reply === reply && press.segment <= segment) settle(press, { _tag: "Answered", text: "" })
    },
    cut: (reply, from) => {
      for (const press of openPresses) if (press.reply === reply && press.segment >= from) settleCut(press)
    },
    end: () => openPresses.forEach(settleCut)
  }
}
