/**
 * A scheduler for Effect's fibers. When one fiber wakes another, the woken fiber continues as soon as the current callback has ended. With
 * Effect's own scheduler it continues in the next turn of the event loop.
 *
 * Between the caller's last sound and the reply's first sound, fibers wake each other a dozen times, through queues and forks. When a
 * hundred calls speak, a turn of the event loop takes some ms. With Effect's own scheduler, each of these dozen steps waits for a turn
 * (docs/adr/0010).
 */
import { Layer, Scheduler } from "effect"
import { constVoid } from "effect/Function"

/** After this many tasks in a row, sockets and timers are served, even if fibers wake each other forever. */
const maxTasksInARow = 256

interface Task {
  run: () => void
}

const make = () => {
  let dueTasks: Array<Task> = []
  let isScheduled = false

  const runDue = () => {
    const tasks = dueTasks
    let ranCount = 0
    try {
      // A task may add further tasks while it runs.
      while (ranCount < tasks.length && ranCount < maxTasksInARow) tasks[ranCount++].run()
    } finally {
      dueTasks = tasks.slice(ranCount)
      isScheduled = dueTasks.length > 0
      if (isScheduled) setImmediate(runDue)
    }
  }

  return new Scheduler.MixedScheduler("async", (run) => {
    const task: Task = { run }
    dueTasks.push(task)
    if (!isScheduled) {
      isScheduled = true
      process.nextTick(runDue)
    }
    return () => {
      task.run = constVoid
    }
  })
}

export const layer: Layer.Layer<never> = Layer.sync(Scheduler.Scheduler, make)
