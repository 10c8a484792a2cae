/**
 * Turns the schema's issues with a YAML file into sentences for the file's author.
 */
import type { SchemaIssue } from "effect"
import { suggest } from "../../domain/DidYouMean.ts"
import type { Path } from "./YamlPlaces.ts"
import type { Problem, Source } from "./YamlSource.ts"

/** One key or value that does not fit the schema. */
export interface SchemaProblem {
  readonly path: Path
  readonly kind: "unknown" | "missing" | "wrong"
  /** `unknown`: a sentence that suggests the right key. `wrong`: the end of the sentence `"KEY" must be …`. `missing`: empty. */
  readonly detail: string
}

/** The end of the sentence `"KEY" must be …`, for each tag of a schema node. */
const expectedTypes: Readonly<Record<string, string>> = {
  Objects: "keys with values below it",
  Arrays: "a list",
  String: "a text",
  Number: "a number",
  Boolean: "true or false"
}

/** The problems in an issue of the schema. `path` is the path of the value with the issue. */
export const schemaProblems = (issue: SchemaIssue.Issue, path: Path = []): ReadonlyArray<SchemaProblem> => {
  switch (issue._tag) {
    case "Pointer":
      return schemaProblems(issue.issue, [...path, ...issue.path])
    case "Composite":
      return issue.issues.flatMap((inner) => schemaProblems(inner, path))
    case "Encoding":
    case "Filter":
      return schemaProblems(issue.issue, path)
    case "UnexpectedKey": {
      const known = issue.ast._tag === "Objects" ? issue.ast.propertySignatures.map(({ name }) => String(name)) : []
      return [{ path, kind: "unknown", detail: suggest(String(path.at(-1)), known) }]
    }
    case "MissingKey":
      return [{ path, kind: "missing", detail: "" }]
    case "InvalidValue": {
      const expected: unknown = issue.annotations?.["expected"]
      return [{ path, kind: "wrong", detail: typeof expected === "string" ? expected : "something else" }]
    }
    case "InvalidType":
      return [{ path, kind: "wrong", detail: expectedTypes[issue.ast._tag] ?? "something else" }]
    default:
      return [{ path, kind: "wrong", detail: "something else" }]
  }
}

/** A path as people write it: `intents.book.needs`. List items count from 1. */
export const nameOfPath = (path: Path): string =>
  path.map((step, index) => typeof step === "number" ? `[${step + 1}]` : `${index === 0 ? "" : "."}${String(step)}`).join("")

/** The problem as a sentence, with its line and column. */
export const explain = ({ detail, kind, path }: SchemaProblem, { advice, place }: Source): Problem => {
  switch (kind) {
    case "unknown": {
      const parent = path.length > 1 ? ` in "${nameOfPath(path.slice(0, -1))}"` : ""
      return { ...place(path, "key"), message: `There is no key "${String(path.at(-1))}"${parent}. ${detail}` }
    }
    case "missing":
      return { ...place(path.slice(0, -1), "key"), message: `"${nameOfPath(path)}" is missing. Add it.` }
    case "wrong":
      return {
        ...place(path),
        message: path.length === 0 ? advice.noKeys : `"${nameOfPath(path)}" must be ${detail}.`
      }
  }
}
