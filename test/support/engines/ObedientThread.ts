/** A recognizer's thread that does what the name of the grammar says: `answer`, `fail`, `crash` or `ignore`. */
import { parentPort } from "node:worker_threads"
import type { Reply, Request } from "../../../src/engines/embedded/soundswallower/SoundSwallowerThread.ts"

const loaded: Array<string> = []
let waiting = 0

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const reply = (answer: Reply) => parentPort!.postMessage(answer)

parentPort!.on("message", (request: Request) => {
  switch (request._tag) {
    case "Load":
      loaded.push(request.grammar.name)
      return reply({ _tag: "Done", ask: request.ask, text: "", waiting })
    case "Sound":
      waiting += request.sound.length
      return
    case "Words":
      if (request.grammar === "crash") process.exit(1)
      if (request.grammar === "ignore") return
      // All sound is decoded before the words are answered.
      waiting = 0
      if (request.grammar === "fail") return reply({ _tag: "Failed", ask: request.ask, message: "No.", waiting })
      return reply({ _tag: "Done", ask: request.ask, text: loaded.join(" "), waiting })
    case "End":
    case "Unload":
  }
})
