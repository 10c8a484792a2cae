/** A thread that never processes its sound. It gives its own thread id as the transcript. */
import { parentPort, threadId } from "node:worker_threads"
import type { Reply, Request } from "../../../src/engines/embedded/soundswallower/SoundSwallowerThread.ts"

let waiting = 0

parentPort!.on("message", (request: Request) => {
  if (request._tag === "Sound") waiting += request.sound.length
  const reply: Reply = "ask" in request ? { _tag: "Done", ask: request.ask, text: `${threadId}`, waiting } : { _tag: "Progress", waiting }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(reply)
})
