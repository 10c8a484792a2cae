import { assert, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"

const documents = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...globSync("docs/**/*.md")]
const files = ["src", "test", "bench", "tools", "docs"].flatMap((room) => globSync(`${room}/**`)).concat(documents)

/** Words in backticks. A path may begin at the root, or be the end of a path, such as `turn/Transition.ts`. */
const namesIn = (text: string) => [...text.matchAll(/`([\w./-]+)`/g)].map(([, name]) => name)

const isPath = (name: string) => /^(?:src|test|bench|tools|docs)\//.test(name) || (/^[\w/-]+\.ts$/.test(name) && /^[\w/-]*[A-Z]/.test(name))

const exists = (name: string) => {
  const path = name.replace(/\/$/, "")
  return files.some((file) => ["", ".ts", ".md"].some((end) => file === path + end || file.endsWith(`/${path}${end}`)))
}

for (const document of documents) {
  it(`${document} names files that exist`, () => {
    const text = readFileSync(document, "utf8")
    assert.deepStrictEqual(namesIn(text).filter((name) => isPath(name) && !exists(name)), [])
  })
}
