/** Reads the files of the project for tests, above all those in `deploy/`. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"

const root = join(import.meta.dirname, "../../..")

export const read = (path: string) => readFileSync(join(root, path), "utf8")

export const names = (folder: string) => readdirSync(join(root, folder))

/** Every document of a YAML file. A document that can't be parsed, or has the same key twice, fails the test. */
export const documents = (path: string): ReadonlyArray<unknown> =>
  parseAllDocuments(read(path), { merge: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS() as unknown
  })

/** Whether an image is of one fixed version: its tag has a number, or it has a digest. */
export const isPinned = (image: string) => /^[\w./-]+:v?\d[\w.-]*$/.test(image) || /@sha256:[0-9a-f]{64}$/.test(image)

export interface Package {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}

export const project = JSON.parse(read("package.json")) as Package
