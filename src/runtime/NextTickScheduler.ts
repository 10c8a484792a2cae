/**
 * When a fiber goes on that another one has woken: as soon as the callback is over in which that happened, and not in
 * the event loop's next turn, as Effect's own scheduler has it.
 *
 * From a caller's last sound to the reply's first a turn is handed on a dozen times, by queues and forks. Where a hundred
 * calls speak, a turn of the event loop takes some milliseconds, and each handing on waited for one: see docs/adr/0010.
 */
import { Layer, Scheduler } from "effect"
import { constVoid } from "effect/Function"

/**
 * So many in one go; then sockets and timers have their turn. Fibers that go on for ever, each waking the next, must not
 * keep them out.
 */
const most = 256

interface Task {
  run: () => void
}

const make = () => {
  let due: Array<Task> = []
  let isPlanned = false

  const runDue = () => {
    const tasks = due
    let done = 0
    try {
      // What is run may add to them.
      while (done < tasks.length && done < most) tasks[done++].run()
    } finally {
      due = tasks.slice(done)
      isPlanned = due.length > 0
      if (isPlanned) setImmediate(runDue)
    }
  }

  return new Scheduler.MixedScheduler("async", (run) => {
    const task: Task = { run }
    due.push(task)
    if (!isPlanned) {
      isPlanned = true
      process.nextTick(runDue)
    }
    return () => {
      task.run = constVoid
    }
  })
}

export const layer: Layer.Layer<never> = Layer.sync(Scheduler.Scheduler, make)
