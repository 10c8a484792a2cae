/**
 * Counts the writes of each call that the database does not have yet, wherever they wait.
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
    for (const tell of watchers ?? []) tell()
  }

  has(callSid: CallSid): boolean {
    return this.#counts.has(callSid)
  }

  /** Calls `tell` once no write of the call is left, which may be at once. Gives a function that removes the watcher. */
  watch(callSid: CallSid, tell: () => void): () => void {
    if (!this.has(callSid)) {
      tell()
      return () => undefined
    }
    const watchers = this.#watchers.get(callSid) ?? new Set()
    watchers.add(tell)
    this.#watchers.set(callSid, watchers)
    return () => {
      watchers.delete(tell)
      if (watchers.size === 0 && this.#watchers.get(callSid) === watchers) this.#watchers.delete(callSid)
    }
  }
}
