/**
 * An attack on the service during a live call. `attacks.ts` lists all attacks.
 *
 * An attack runs in a process of its own, on another core than the service, for some seconds. It goes on as hard as it can until
 * `isOver`. Then it releases all that it holds, and returns its report for the table, such as "512 × 403".
 */
import { createHmac } from "node:crypto"

export interface Target {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly host: string
  readonly port: number
  readonly account: { readonly accountSid: string; readonly authToken: string }
  readonly apiKey: string
}

export interface Siege extends Target {
  readonly isOver: () => boolean
  /** ms until the siege is over; at least 0. */
  readonly millisLeft: () => number
}

/**
 * Outputs to which the service cannot write its log:
 *
 * - `gone`: a pipe whose reader has closed it;
 * - `unread`: a pipe that is full, and that nobody reads;
 * - `full`: a disk without room, as `/dev/full` is.
 */
export type BadOutput = "gone" | "unread" | "full"

export interface Attack {
  readonly name: string
  /** Its strength in few words: "50 at once, 59 KB each". */
  readonly strength: string
  /** The shortest useful duration, s, if the siege's default is too short. */
  readonly seconds?: number
  /** Variables of the attacked service, which override the siege's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the service's log goes; to a file when not given. */
  readonly output?: BadOutput
  /** Starts servers for the service's own requests, before the service starts. Returns the variables that name them. */
  readonly host?: () => Promise<Readonly<Record<string, string>>>
  /** Returns what it did, in few words. Rejects if the service fails other callers because of the attack. */
  readonly run: (siege: Siege) => Promise<string>
}

/** A valid signature. An attacker gets requests with one by calling the number, or replays a request that they have seen. */
export const sign = (authToken: string, text: string): string => createHmac("sha1", authToken).update(text).digest("base64")

/** A signature of the right form, but made with a random token. */
export const forgedSignature = (): string => createHmac("sha1", String(Math.random())).update("x").digest("base64")

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** The beginning of the report of an attack that failed; the error follows. */
export const failure = "failed: "

/** The counts as words: "512 × 403, 3 × cut". */
export const countsText = (counts: ReadonlyMap<number | string, number>): string =>
  counts.size === 0 ? "no answer" : [...counts].map(([name, count]) => `${count} × ${name}`).join(", ")

/** Runs `once` again and again until the siege is over, `atOnce` runs at a time. */
export const repeat = async (siege: Siege, atOnce: number, once: (index: number) => Promise<unknown>): Promise<void> => {
  await Promise.all(Array.from({ length: atOnce }, async (_, index) => {
    while (!siege.isOver()) await once(index)
  }))
}
