/**
 * What goes on beside a live call, as the siege runs it: one attack a file, listed in `attacks.ts`.
 *
 * An attack runs in a process of its own, on another core than the service, for some seconds. It goes on as hard as it can until
 * `isOver`, then lets go of all that it holds and tells what it did: a line for the table's reader, such as "512 requests, 403".
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
  /** ms until it is over; at least 0. */
  readonly left: () => number
}

/**
 * Outputs that take no log:
 *
 * - `gone`: a pipe whose reader has closed it;
 * - `unread`: a pipe that is full, and that nobody reads;
 * - `full`: a disk without room, as `/dev/full` is.
 */
export type BadOutput = "gone" | "unread" | "full"

export interface Attack {
  readonly name: string
  /** How strong it is, in few words: "50 at once, 59 KB each". */
  readonly strength: string
  /** Seconds that it needs at least, where the usual few are too few. */
  readonly seconds?: number
  /** Variables of the service that it is against, over the siege's own. */
  readonly env?: Readonly<Record<string, string>>
  /** What takes the service's log; otherwise a file does. */
  readonly output?: BadOutput
  /** Starts the servers that the service will ask, before the service is started, and answers the variables that name them. */
  readonly host?: () => Promise<Readonly<Record<string, string>>>
  /** What it did, in few words. It fails where the service did not do for others what it should have. */
  readonly run: (siege: Siege) => Promise<string>
}

/** As Twilio signs: for attackers who replay what they have seen, or who are Twilio's own account. */
export const sign = (authToken: string, text: string): string => createHmac("sha1", authToken).update(text).digest("base64")

/** Of the right shape, and of nobody's token. */
export const forged = (): string => createHmac("sha1", String(Math.random())).update("x").digest("base64")

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** An attack that failed tells this and what went wrong, in place of what it did. */
export const failure = "failed: "

/** "512 × 403, 3 × cut" */
export const counted = (counts: ReadonlyMap<number | string, number>): string =>
  counts.size === 0 ? "no answer" : [...counts].map(([name, count]) => `${count} × ${name}`).join(", ")

/** Runs `once` by so many at a time, again and again until the siege is over. */
export const repeatedly = async (siege: Siege, atOnce: number, once: (index: number) => Promise<unknown>): Promise<void> => {
  await Promise.all(Array.from({ length: atOnce }, async (_, index) => {
    while (!siege.isOver()) await once(index)
  }))
}
