/**
 * npm runs this after an install. It builds `dist`, so that `npm start` works at once.
 *
 * Two kinds of install build nothing, and do not fail. An install without development dependencies (`--omit=dev`, or
 * NODE_ENV=production) has no compiler. An image that installs before it copies `src` has no sources.
 *
 * The file is plain JavaScript, since the Node of such an install may be too old for TypeScript.
 */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"

const lacking = [
  ...existsSync("src/main.ts") ? [] : ["no sources"],
  ...existsSync("node_modules/@typescript/native") ? [] : ["no compiler, which is a development dependency"]
]

if (lacking.length === 0) {
  const npm = process.env.npm_execpath
  // The path of the running npm, since `npm` alone is no program on Windows.
  if (npm !== undefined && /\.[cm]?js$/.test(npm)) execFileSync(process.execPath, [npm, "run", "build"], { stdio: "inherit" })
  else execFileSync("npm", ["run", "build"], { stdio: "inherit" })
} else if (!existsSync("dist/main.js")) {
  process.stdout.write(`dist is not built: there is ${lacking.join(", and ")}. Install with \`npm ci\` and run \`npm run build\`, or copy a built dist here.\n`)
}
