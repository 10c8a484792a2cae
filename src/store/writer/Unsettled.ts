/**
 * Counts the writes of each call that the database does not have yet: in memory, on their way, or in the journal.
 */
import type { CallSid } from "../../domain/Sid.ts"

export class Unsettled {
  readonly #counts = new Map<CallSid, number>()
  readonly #watchers = new Map<CallSid, Set<() => void>>()

  add(callSid: CallSid): void {
    this.#counts.set(callSid, (this.#counts.get(callSid) ?? 0) + 1)
  }

  remove(callSid: CallSid): void {
    const left = (this.#counts.get(callSid) ?? 0) - 1
    if (left > 0) {
      this.#counts.set(callSid, left)
      return
    }
    this.#counts.delete(callSid)
    const watchers = this.#watchers.get(callSid)
    this.#watchers.delete(callSid)
    for (const onSettled of watchers ?? []) onSettled()
  }

  has(callSid: CallSid): boolean {
    return this.#counts.has(callSid)
  }

  /** Calls `onSettled` once the database has all writes of the call, which may be at once. Returns a function that removes the watcher. */
  watch(callSid: CallSid, onSettled: () => void): () => void {
    if (!this.has(callSid)) {
      onSettled()
      return () => undefined
    }
    const watchers = this.#watchers.get(callSid) ?? new Set()
    watchers.add(onSettled)
    this.#watchers.set(callSid, watchers)
    return () => {
      watchers.delete(onSettled)
      if (watchers.size === 0 && this.#watchers.get(callSid) === watchers) this.#watchers.delete(callSid)
    }
  }
}
