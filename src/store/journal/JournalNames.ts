/**
 * Names of the journal's files. Each process has its own, and the name says whose it is, so that another one can tell whether that has ended.
 */

/** The process that a file belongs to. */
interface Owner {
  readonly host: string
  readonly pid: number
}

const form = /^(\d{15})~([A-Za-z0-9.-]{1,64})~(\d+)~[0-9a-f]+\.jsonl$/

/** In the order of their beginnings when sorted. */
export const nameOf = ({ host, pid }: Owner, at: number, random: string): string =>
  `${String(Math.floor(at)).padStart(15, "0")}~${host.replaceAll(/[^A-Za-z0-9.-]/g, "-").slice(0, 64) || "-"}~${pid}~${random}.jsonl`

export const ownerOf = (name: string): Owner | undefined => {
  const match = form.exec(name)
  return match === null ? undefined : { host: match[2], pid: Number(match[3]) }
}

/** A file that nobody has touched for so long has lost its owner. Owners touch theirs each five seconds. */
export const orphanedAfterMillis = 60_000

/**
 * Whether a file has lost its process. In a container the process that comes after has the same host and number, so our own number in
 * a file that is not ours is that of one before us.
 */
export const isOrphan = (owner: Owner, self: Owner, isAlive: (pid: number) => boolean, untouchedMillis: number): boolean => {
  if (owner.host === self.host && (owner.pid === self.pid || !isAlive(owner.pid))) return true
  return untouchedMillis > orphanedAfterMillis
}
