/** Reading what `deploy/` holds. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"

const root = join(import.meta.dirname, "../../..")

export const read = (path: string) => readFileSync(join(root, path), "utf8")

export const names = (folder: string) => readdirSync(join(root, folder))

/** Every document of a YAML file; one that can't be parsed, or names a key twice, fails the test. */
export const documents = (path: string): ReadonlyArray<unknown> =>
  parseAllDocuments(read(path), { merge: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS() as unknown
  })

/** An image at one version: a tag with a number in it, and not one that moves. */
export const isPinned = (image: string) => /^[\w./-]+:v?\d[\w.-]*$/.test(image) || /@sha256:[0-9a-f]{64}$/.test(image)

export interface Package {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}

export const project = JSON.parse(read("package.json")) as Package
