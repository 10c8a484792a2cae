/**
 * The names of the journal's files. Each process has its own file. The file's name says which process it is, so that other processes can
 * see whether it has ended.
 */

/** The process that a file belongs to. */
interface Owner {
  readonly host: string
  readonly pid: number
}

const form = /^(\d{15})~([A-Za-z0-9.-]{1,64})~(\d+)~[0-9a-f]+\.jsonl$/

/** Sorted names are in the order of the files' beginnings. */
export const nameOf = ({ host, pid }: Owner, at: number, random: string): string =>
  `${String(Math.floor(at)).padStart(15, "0")}~${host.replaceAll(/[^A-Za-z0-9.-]/g, "-").slice(0, 64) || "-"}~${pid}~${random}.jsonl`

export const ownerOf = (name: string): Owner | undefined => {
  const match = form.exec(name)
  return match === null ? undefined : { host: match[2], pid: Number(match[3]) }
}

/** A file that nobody has touched for this long (ms) has lost its owner. Owners touch their files every five seconds. */
export const orphanedAfterMillis = 60_000

/**
 * Whether a file has lost its process. In a container, the next process has the same host and PID. So a file that is not ours but has
 * our PID belonged to an earlier process.
 */
export const isOrphan = (owner: Owner, self: Owner, isAlive: (pid: number) => boolean, untouchedMillis: number): boolean => {
  if (owner.host === self.host && (owner.pid === self.pid || !isAlive(owner.pid))) return true
  return untouchedMillis > orphanedAfterMillis
}
