/**
 * What takes the service's log: a file, or one of the outputs that take none.
 */
import { spawnSync } from "node:child_process"
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import type { BadOutput } from "./Attack.ts"

export interface Output {
  /** The service's standard output. */
  readonly fd: number
  /** What is wrong with it begins. */
  readonly begin: () => void
  /** Bytes that it has taken: written to the file, or waiting in the pipe. */
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

/** Both ends of a pipe: a reader that does not wait, and a writer. */
const pipe = (folder: string): readonly [number, number] => {
  const path = join(folder, "log")
  spawnSync("mkfifo", [path])
  return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), openSync(path, "w")]
}

/** Bytes that wait in a pipe; they are read. */
const waiting = (fd: number): number => {
  const buffer = Buffer.alloc(2 ** 21)
  try {
    return readSync(fd, buffer)
  } catch {
    return 0
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
      return of(writer, () => waiting(reader), [reader])
    }
    case "gone": {
      const [reader, writer] = pipe(folder)
      return of(writer, () => 0, [], () => closeSync(reader))
    }
  }
}
