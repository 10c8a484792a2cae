/** The output of the service's log: a file, or an output that cannot be written to. */
import { spawnSync } from "node:child_process"
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { BadOutput } from "./Attack.ts"

export interface Output {
  /** The service's standard output. */
  readonly fd: number
  /** Makes a pipe fail from now on: fills it, or closes its reader. */
  readonly begin: () => void
  /** How many bytes a file has; 0 for the other outputs. */
  readonly bytes: () => number
  readonly close: () => void
}

const of = (fd: number, bytes: () => number, others: ReadonlyArray<number> = [], begin: () => void = () => {}): Output => ({
  fd,
  begin,
  bytes,
  close: () => {
    for (const open of [fd, ...others]) closeSync(open)
  }
})

/** Both ends of a pipe: a non-blocking reader, and a writer. */
const pipe = (folder: string): readonly [number, number] => {
  const path = join(folder, "log")
  spawnSync("mkfifo", [path])
  return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), openSync(path, "w")]
}

/** Writes to a pipe until it is full. */
const fill = (path: string): void => {
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const block = Buffer.alloc(4096, "\n")
  try {
    for (;;) writeSync(writer, block)
  } catch {
    closeSync(writer)
  }
}

export const open = (folder: string, bad: BadOutput | undefined): Output => {
  switch (bad) {
    case undefined: {
      const fd = openSync(join(folder, "log"), "a")
      return of(fd, () => fstatSync(fd).size)
    }
    case "full":
      return of(openSync("/dev/full", "w"), () => 0)
    case "unread": {
      const [reader, writer] = pipe(folder)
      return of(writer, () => 0, [reader], () => fill(join(folder, "log")))
    }
    case "gone": {
      const [reader, writer] = pipe(folder)
      return of(writer, () => 0, [], () => closeSync(reader))
    }
  }
}
