/**
 * Checks imports against the import table. Each name is resolved to its file, and only that file's path counts. So the spelling of an
 * import (`./../../http/Api.ts`) makes no difference.
 */
import { existsSync, statSync } from "node:fs"
import { dirname, relative, resolve, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { packageName, type Reference } from "./References.ts"
import type { Room } from "./table.ts"

export type Table = Readonly<Record<string, Room>>

/** The end of each message: where the table is. */
const see = "see tools/lint/table.ts and docs/adr/0004"

/** Whether a path is a folder or lies in it. */
const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** The room of a path, which is relative to `src`: the table's longest path in which it lies. */
export const roomOf = (table: Table, path: string): string | undefined =>
  Object.keys(table).filter((room) => isWithin(path, room)).reduce<string | undefined>(
    (longest, room) => longest === undefined || room.length > longest.length ? room : longest,
    undefined
  )

/** Mistakes in the table itself. */
export const problemsOf = (table: Table): ReadonlyArray<string> => {
  const rooms = Object.keys(table)
  return rooms.flatMap((room, index) =>
    [...table[room].imports, ...table[room].types ?? []].flatMap((path) => {
      const target = roomOf(table, path)
      if (target === undefined) return [`${room} may import ${path}, which lies in no room`]
      return rooms.indexOf(target) < index ? [] : [`${room} may import ${path}, which is not above it in the table`]
    })
  )
}

/** The paths that an import may mean. TypeScript's come first, since `x.js` in the sources means `x.ts`. */
const candidates = (path: string): ReadonlyArray<string> => [
  path.replace(/\.([cm]?)js(x?)$/, ".$1ts$2"),
  path,
  ...["ts", "tsx", "mts", "cts", "js", "d.ts"].map((extension) => `${path}.${extension}`),
  ...["ts", "js"].map((extension) => `${path}/index.${extension}`)
]

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile()

/** Whether a reference is a path, and not the name of a package. */
const isPath = ({ isBeside, name }: Reference): boolean => isBeside || /^(\.{0,2}\/|\.{1,2}$|[a-z]+:\/\/|file:|data:)/i.test(name)

/** The file or folder that a path names; `undefined` when it does not exist. */
export const targetOf = (from: string, name: string): string | undefined => {
  let url: URL
  try {
    url = new URL(name, pathToFileURL(from))
  } catch {
    return undefined
  }
  if (url.protocol !== "file:") return undefined
  // `?` and `#` are cut off: with them, Node loads the same file once more.
  const path = fileURLToPath(new URL(url.pathname, "file:"))
  return candidates(path).find(isFile) ?? (existsSync(path) ? resolve(path) : undefined)
}

const listOf = (names: ReadonlyArray<string>): string => names.length === 0 ? "nothing" : names.join(", ")

export interface Checked {
  /** Why the table forbids it. */
  readonly problem?: string
  /** The imported file, relative to `src`. */
  readonly target?: string
}

/** Checks one reference of the file `path`, which is relative to `source`. */
export const check = (table: Table, source: string, path: string, reference: Reference): Checked => {
  const name = roomOf(table, path)
  if (name === undefined) return {}
  const room = table[name]
  if (!isPath(reference)) {
    const wanted = packageName(reference.name)
    if (room.packages.some((allowed) => allowed.test(wanted))) return {}
    return { problem: `${name} may not import the package ${wanted}; ${see}` }
  }
  const found = targetOf(resolve(source, path), reference.name)
  if (found === undefined) return { problem: `"${reference.name}" names no file that exists` }
  const target = relative(source, found).split(sep).join("/")
  if (target.startsWith("../") || target === ".." || target === "") {
    return { problem: `${name} may not import ${reference.name}: src imports only its own files and packages` }
  }
  const targetRoom = roomOf(table, target)
  // A room may import its own files, and those of the rooms inside it.
  if (targetRoom === name || (targetRoom !== undefined && isWithin(targetRoom, name))) return { target }
  if (room.imports.some((allowed) => isWithin(target, allowed))) return { target }
  if (room.types?.some((allowed) => isWithin(target, allowed)) === true) {
    return reference.isType ? { target } : { target, problem: `${name} may import only types of ${target} (write import type); ${see}` }
  }
  return { target, problem: `${name} may not import ${targetRoom ?? dirname(target)} (${target}); it may import ${listOf(room.imports)}; ${see}` }
}
