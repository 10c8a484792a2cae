/**
 * Reads a YAML file that a setting names, and orders and prints the problems in it.
 */
import { Data, Effect } from "effect"
import * as Files from "../Files.ts"
import type { Problem } from "./YamlSource.ts"

/** The largest YAML file, in bytes. A larger file is refused. */
export const maxBytes = 262_144

/** The file itself can't be read. */
class YamlFileUnreadable extends Data.TaggedError("YamlFileUnreadable")<{
  readonly file: string
  /** Why, and what to do. The text follows the file's name. */
  readonly why: string
}> {
  override get message() {
    return `${this.file} ${this.why}`
  }
}

/** The text of a file. `advice`: what the operator should do if the file is missing, or is a folder. */
export const read = (file: string, advice: { readonly missing: string; readonly folder: string }): Effect.Effect<string, YamlFileUnreadable> =>
  Effect.mapBoth(Files.read(file, maxBytes), {
    onSuccess: ({ text }) => text,
    onFailure: ({ why }) => new YamlFileUnreadable({ file, why: Files.whySettingUnreadable(why, advice, maxBytes) })
  })

export const inOrder = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.toSorted((one, other) => one.line - other.line || one.column - other.column)

/** A problem as one line, which editors and terminals turn into a link. */
export const lineOf = (file: string, { column, line, message }: Problem): string => `${file}:${line}:${column}: ${message}`
