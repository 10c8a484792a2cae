/**
 * The project's own lint of `src`: the import table, cycles, banned functions, and the number of files in a folder.
 *
 * `node tools/lint/source.ts [folder]` prints each violation with its place and the rule, and exits with 1 where there are any.
 */
import { readFileSync, readdirSync } from "node:fs"
import { join, relative, sep } from "node:path"
import ts from "typescript"
import { type Ban, usesOf } from "./Bans.ts"
import { cyclesOf } from "./Cycles.ts"
import { referencesOf } from "./References.ts"
import { check, problemsOf, roomOf, type Table } from "./Rooms.ts"
import { table as projectTable } from "./table.ts"

export interface Violation {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly rule: "table" | "import" | "cycle" | "ban" | "folder"
  readonly message: string
}

const tablePath = "tools/lint/table.ts"

const isCode = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path)

/** The code of a folder, by paths relative to it, in the order of names. */
const codeOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isCode(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .toSorted()

/** The most files directly in one folder. With more, a reader does not find a file by its name. */
const maxFilesInFolder = 14

/** Folders with too many files, each with the number of its files. */
const crowdedFoldersOf = (paths: ReadonlyArray<string>): ReadonlyArray<readonly [folder: string, count: number]> => {
  const counts = new Map<string, number>()
  for (const path of paths) {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "."
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts].filter(([, count]) => count > maxFilesInFolder)
}

const isExcepted = (ban: Ban, path: string): boolean => ban.except !== undefined && Object.hasOwn(ban.except, path)

/** Symbolic links. They would give a file a second path, and so a second room. */
const linksOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))

/** All violations in a folder that is laid out like `src`. */
export const violationsOf = (source: string, table: Table = projectTable): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = problemsOf(table).map((message) => ({ path: tablePath, line: 1, column: 1, rule: "table", message }))
  for (const path of linksOf(source)) violations.push({ path, line: 1, column: 1, rule: "table", message: "is a link: a file has one place in the tree" })
  const graph = new Map<string, Set<string>>()
  for (const path of codeOf(source)) {
    const file = ts.createSourceFile(path, readFileSync(join(source, path), "utf8"), ts.ScriptTarget.Latest, true)
    const report = (rule: Violation["rule"], start: number, message: string): void => {
      const { character, line } = file.getLineAndCharacterOfPosition(start)
      violations.push({ path, line: line + 1, column: character + 1, rule, message })
    }
    if (roomOf(table, path) === undefined) report("table", 0, "lies in no room: give its folder a line in tools/lint/table.ts")
    const { references, unreadable } = referencesOf(file)
    for (const { problem, start } of unreadable) report("import", start, problem)
    const targets = new Set<string>()
    for (const reference of references) {
      const { problem, target } = check(table, source, path, reference)
      if (problem !== undefined) report("import", reference.start, problem)
      // Types count too, since files that need each other's types can't be understood alone. A thread's file is only started.
      if (target !== undefined && isCode(target) && !reference.isBeside) targets.add(target)
    }
    graph.set(path, targets)
    for (const { ban, name, start } of usesOf(file)) {
      if (!isExcepted(ban, path)) report("ban", start, `${name} is forbidden in src; use ${ban.instead}`)
    }
  }
  for (const [path, count] of crowdedFoldersOf(codeOf(source))) {
    violations.push({ path, line: 1, column: 1, rule: "folder", message: `holds ${count} files: divide it by concern, ${maxFilesInFolder} is the most` })
  }
  for (const cycle of cyclesOf(graph)) {
    violations.push({ path: cycle[0], line: 1, column: 1, rule: "cycle", message: `imports itself by ${[...cycle.slice(1), cycle[0]].join(" → ")}` })
  }
  return violations
}

if (import.meta.main) {
  const source = process.argv[2] ?? "src"
  const violations = violationsOf(source)
  for (const { column, line, message, path, rule } of violations) {
    console.log(`${path === tablePath ? path : join(source, path)}:${line}:${column} ${rule}: ${message}`)
  }
  const files = codeOf(source).length
  console.log(`Imports and bans: ${files} files, ${violations.length} found.`)
  // Without any file, the folder on the command line was wrong.
  if (violations.length > 0 || files === 0) process.exitCode = 1
}
