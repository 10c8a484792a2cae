import type { Caller } from "../../line/load.ts"
import { pause, type Siege } from "../Attack.ts"
import { dial, isOpen } from "../callers.ts"

/** The number that the echo answers. */
export const echoNumber = "+14155550199"

/** Unsent bytes above which a stream waits, so that the attacker's own memory has a bound. */
export const maxUnsentBytes = 2 ** 20

/**
 * Attacks streams that the service has accepted, one after the other. Each goes on until the service closes it.
 *
 * `begin` is called once for each stream. It returns a function that sends some messages and returns their number; that function is
 * called again and again. The report reads, for instance, "512 messages on 3 streams".
 */
export const attackStreams = async (
  siege: Siege,
  numbers: { readonly from: string; readonly to: string },
  what: string,
  begin: (caller: Caller) => (caller: Caller) => Promise<number>
): Promise<string> => {
  let streams = 0
  let sent = 0
  while (!siege.isOver()) {
    const caller = await dial(siege, numbers)
    if (caller === undefined) {
      await pause(20)
      continue
    }
    streams++
    const send = begin(caller)
    while (isOpen(caller) && !siege.isOver()) sent += await send(caller)
    caller.socket.terminate()
  }
  if (streams === 0) throw new Error("no stream was opened")
  return `${sent} ${what} on ${streams} streams`
}
