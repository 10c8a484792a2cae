/**
 * What npm runs after an install: it builds `dist`, so that `npm start` works at once.
 *
 * Two kinds of install have nothing to build, and are no failure: one without development dependencies (`--omit=dev`, or
 * NODE_ENV=production) has no compiler, and an image that installs before it copies `src` has no sources.
 *
 * Plain JavaScript: without development dependencies the Node that runs it may be too old for TypeScript.
 */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"

const lacking = [
  ...existsSync("src/main.ts") ? [] : ["no sources"],
  ...existsSync("node_modules/@typescript/native") ? [] : ["no compiler, which is a development dependency"]
]

if (lacking.length === 0) {
  const npm = process.env.npm_execpath
  // The package manager that asks, by its own file: on Windows `npm` alone is no program.
  if (npm !== undefined && /\.[cm]?js$/.test(npm)) execFileSync(process.execPath, [npm, "run", "build"], { stdio: "inherit" })
  else execFileSync("npm", ["run", "build"], { stdio: "inherit" })
} else if (!existsSync("dist/main.js")) {
  process.stdout.write(`dist is not built: there is ${lacking.join(", and ")}. Install with \`npm ci\` and run \`npm run build\`, or copy a built dist here.\n`)
}
