/**
 * A scheduler for Effect's fibers: a fiber that another one has woken continues as soon as the current callback is over. With Effect's
 * own scheduler it continues in the next turn of the event loop.
 *
 * Between the caller's last sound and the reply's first sound, fibers wake each other a dozen times, through queues and forks. When a
 * hundred calls speak, a turn of the event loop takes some milliseconds, and each of these steps waited for one: see docs/adr/0010.
 */
import { Layer, Scheduler } from "effect"
import { constVoid } from "effect/Function"

/** After this many tasks in a row, sockets and timers are served, even if fibers wake each other forever. */
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
