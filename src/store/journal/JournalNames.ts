/**
 * The names of the journal's files. Each process has its own file. The file's name contains the host and the PID of its process, so that
 * other processes can see whether that process has ended.
 */

/** The process that writes a file. */
interface Owner {
  readonly host: string
  readonly pid: number
}

const namePattern = /^(\d{15})~([A-Za-z0-9.-]{1,64})~(\d+)~[0-9a-f]+\.jsonl$/

/** `at`: when the file is made, ms since 1970. Sorted names are in the order of this time. */
export const nameOf = ({ host, pid }: Owner, at: number, random: string): string =>
  `${String(Math.floor(at)).padStart(15, "0")}~${host.replaceAll(/[^A-Za-z0-9.-]/g, "-").slice(0, 64) || "-"}~${pid}~${random}.jsonl`

export const ownerOf = (name: string): Owner | undefined => {
  const match = namePattern.exec(name)
  return match === null ? undefined : { host: match[2], pid: Number(match[3]) }
}

/** If a file was not touched for this long (ms), its owner has ended. Owners touch their files every five seconds. */
export const orphanedAfterMillis = 60_000

/**
 * Whether the process of a file has ended. The file must not be this process's own file. In a container, the next process has the same host
 * and PID. So another file with this process's PID belonged to an earlier process.
 */
export const isOrphan = (owner: Owner, self: Owner, isAlive: (pid: number) => boolean, untouchedMillis: number): boolean => {
  if (owner.host === self.host && (owner.pid === self.pid || !isAlive(owner.pid))) return true
  return untouchedMillis > orphanedAfterMillis
}
