/**
 * A bounded queue of the calls' writes that wait for the database, oldest first. It only holds the writes; `Writer` stores them.
 *
 * Only the newest memory of a conversation waits, because it contains all of the earlier ones.
 */
import type { CallSid } from "../../domain/Sid.ts"
import type { StoreWrite } from "../StoreWrite.ts"

/** A write and when it was made, ms since 1970. The later of two writes of the same fact wins, whichever arrives first. */
export interface Stamped {
  readonly write: StoreWrite
  readonly at: number
}

export interface Entry extends Stamped {
  /** Called when the database or the journal has the write. */
  readonly onSaved: Array<() => void>
  /** Whether a newer memory of the same call has replaced this entry. */
  isReplaced: boolean
}

export class WriteQueue {
  readonly #limit: number
  #entries: Array<Entry> = []
  readonly #memories = new Map<CallSid, Entry>()
  #replaced = 0

  /** @param limit how many writes may wait */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.length - this.#replaced
  }

  /** Whether anybody waits for one of the writes. */
  get isAwaited(): boolean {
    return this.#entries.some(({ isReplaced, onSaved }) => !isReplaced && onSaved.length > 0)
  }

  /**
   * Adds a write. Returns `undefined` if the queue is full. `replaced`: the older memory of the call that this entry replaces, if there is
   * one.
   */
  add(entry: Entry): { readonly replaced: Entry | undefined } | undefined {
    const { write } = entry
    const older = write._tag === "ConversationSaved" ? this.#memories.get(write.callSid) : undefined
    if (older === undefined && this.size >= this.#limit) return undefined
    if (older !== undefined) {
      older.isReplaced = true
      this.#replaced++
      entry.onSaved.push(...older.onSaved)
    }
    this.#entries.push(entry)
    if (write._tag === "ConversationSaved") this.#memories.set(write.callSid, entry)
    return { replaced: older }
  }

  /** Takes the first entries out of the queue, at most `maxEntries`. */
  take(maxEntries: number): ReadonlyArray<Entry> {
    const taken: Array<Entry> = []
    let passed = 0
    for (const entry of this.#entries) {
      if (taken.length === maxEntries) break
      passed++
      if (entry.isReplaced) this.#replaced--
      else taken.push(entry)
      if (entry.write._tag === "ConversationSaved" && this.#memories.get(entry.write.callSid) === entry) this.#memories.delete(entry.write.callSid)
    }
    this.#entries = this.#entries.slice(passed)
    return taken
  }

  /** Puts back taken entries that neither the database nor the journal has. The queue may then be above its limit for a while. */
  putBack(entries: ReadonlyArray<Entry>): void {
    this.#entries = [...entries, ...this.#entries]
  }

  /** The entries of one call. */
  of(callSid: CallSid): ReadonlyArray<Entry> {
    return this.#entries.filter(({ isReplaced, write }) => !isReplaced && write.callSid === callSid)
  }
}
