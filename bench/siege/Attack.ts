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

export interface Attack {
  readonly name: string
  /** How strong it is, in few words: "50 at once, 59 KB each". */
  readonly strength: string
  /** Seconds that it needs at least, where the usual few are too few. */
  readonly seconds?: number
  /** Variables of the service that it is against, over the siege's own. */
  readonly env?: Readonly<Record<string, string>>
  /** What it did, in few words. */
  readonly run: (siege: Siege) => Promise<string>
}

/** As Twilio signs: for attackers who replay what they have seen, or who are Twilio's own account. */
export const sign = (authToken: string, text: string): string => createHmac("sha1", authToken).update(text).digest("base64")

/** Of the right shape, and of nobody's token. */
export const forged = (): string => createHmac("sha1", String(Math.random())).update("x").digest("base64")

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Runs `once` by so many at a time, again and again until the siege is over. */
export const repeatedly = async (siege: Siege, atOnce: number, once: (index: number) => Promise<unknown>): Promise<void> => {
  await Promise.all(Array.from({ length: atOnce }, async (_, index) => {
    while (!siege.isOver()) await once(index)
  }))
}
