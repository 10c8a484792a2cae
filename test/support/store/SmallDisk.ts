/** A small disk of its own for a test that fills it: a tmpfs. Only root may mount one. */
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const mount = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"))
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", folder], { stdio: ["ignore", "pipe", "pipe"] })
  } catch (cause) {
    rmdirSync(folder)
    throw cause
  }
  return folder
}

const unmount = (folder: string): void => {
  execFileSync("umount", ["--lazy", folder])
  rmdirSync(folder)
}

/** Why this machine has no small disk; `undefined`: it has. */
export const refusal = ((): string | undefined => {
  try {
    unmount(mount())
    return undefined
  } catch (cause) {
    const { message, stderr } = cause as { readonly message: string; readonly stderr?: Buffer }
    return `mount is refused: ${(stderr?.toString() || message).trim().split("\n")[0]}`
  }
})()

export interface SmallDisk {
  readonly folder: string
  /** Writes a file that takes all the space that is left. */
  readonly fill: Effect.Effect<void>
  /** Removes that file. */
  readonly free: Effect.Effect<void>
}

/** A disk of 3 MiB, until the scope closes. */
export const make = Effect.map(
  Effect.acquireRelease(Effect.sync(mount), (folder) => Effect.sync(() => unmount(folder))),
  (folder): SmallDisk => {
    const filler = join(folder, "filler")
    return {
      folder,
      fill: Effect.sync(() => {
        // First large pieces, then small ones for the rest. Another process may take some of the space meanwhile.
        for (const bytes of [256 * 1024, 4096, 1]) {
          try {
            for (;;) writeFileSync(filler, Buffer.alloc(bytes), { flag: "a" })
          } catch {
            // The disk is full.
          }
        }
      }),
      free: Effect.sync(() => rmSync(filler))
    }
  }
)
