/**
 * A scheduler for Effect's fibers: a fiber that another one has woken continues as soon as the current callback is over. With Effect's
 * own scheduler it continues in the next turn of the event loop.
 *
 * From a caller's last sound to the reply's first a turn of the conversation is handed on a dozen times, by queues and forks. Where a
 * hundred calls speak, a turn of the event loop takes some milliseconds, and each handing on waited for one: see docs/adr/0010.
 */
import { Layer, Scheduler } from "effect"
import { constVoid } from "effect/Function"

/** Tasks in a row before sockets and timers have their turn. Fibers that wake each other for ever must not keep them out. */
const maxTasksInARow = 256

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
      // A task that runs may add further ones.
      while (done < tasks.length && done < maxTasksInARow) tasks[done++].run()
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
