/** A thread for tests of `WorkerPool`: it does what the job says. */
import { parentPort } from "node:worker_threads"
import type { Answer } from "../../../src/engines/embedded/WorkerPool.ts"

export type Job =
  /** Answers with this, and with how many jobs this thread has begun. */
  | { readonly _tag: "Answer"; readonly text: string }
  /** Answers when the lock, an `Int32Array` of one, is no longer 0. */
  | { readonly _tag: "WaitFor"; readonly lock: Int32Array<SharedArrayBuffer>; readonly text: string }
  | { readonly _tag: "Fail" }
  | { readonly _tag: "Crash" }
  /** Answers, then crashes while it is idle. */
  | { readonly _tag: "CrashAfterwards" }
  | { readonly _tag: "Hang" }

export interface Done {
  readonly text: string
  readonly begun: number
}

let begun = 0

const port = parentPort!
port.on("message", (job: Job) => {
  begun++
  const answer = (answer: Answer<Done>) => port.postMessage(answer)
  switch (job._tag) {
    case "Answer":
      return answer({ _tag: "Done", value: { text: job.text, begun } })
    case "WaitFor":
      Atomics.wait(job.lock, 0, 0)
      return answer({ _tag: "Done", value: { text: job.text, begun } })
    case "Fail":
      return answer({ _tag: "Failed", message: "No." })
    case "Crash":
      throw new Error("crash")
    case "CrashAfterwards":
      answer({ _tag: "Done", value: { text: "last", begun } })
      setImmediate(() => process.exit(1))
      return
    case "Hang":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
})
