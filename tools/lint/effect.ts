/**
 * Effect's own diagnostics over the whole project: floating effects, a missing `return yield*`, missing services, and the like.
 *
 * `node tools/lint/effect.ts [tsconfig.json]` prints errors and warnings, and exits with 1 where there are any.
 *
 * `@effect/language-service` finds them. It is a plugin for TypeScript 6, whose API TypeScript 7 does not have. So the package
 * `typescript` is TypeScript 6 here, while `tsc` is TypeScript 7's (docs/adr/0001). The plugin's own command finds the same, but takes
 * twice the time, since it opens the files one by one like an editor.
 */
import { createRequire } from "node:module"
import { relative } from "node:path"
import ts from "typescript"

/** The plugin in its form for compilers, which it calls a transform. It reports diagnostics and changes nothing. */
type Inspect = (
  program: ts.Program,
  options: object,
  found: { readonly addDiagnostic: (diagnostic: ts.Diagnostic) => void; readonly ts: typeof ts }
) => (context: undefined) => (file: ts.SourceFile) => ts.SourceFile

const { default: inspect } = createRequire(import.meta.url)("@effect/language-service/transform.js") as { readonly default: Inspect }

const project = process.argv[2] ?? "tsconfig.json"

const fail = (diagnostic: ts.Diagnostic): never => {
  throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
}

const config = ts.getParsedCommandLineOfConfigFile(project, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail })
if (config === undefined) throw new Error(`${project} can't be read.`)
config.errors.forEach(fail)

const program = ts.createProgram(config.fileNames, config.options)
const isPlugin = (plugin: unknown): plugin is object =>
  typeof plugin === "object" && plugin !== null && "name" in plugin && plugin.name === "@effect/language-service"
const plugins: unknown = config.options.plugins
const options = Array.isArray(plugins) ? plugins.find(isPlugin) : undefined
// Without its line in the configuration the plugin reports nothing, and mistakes would go unnoticed.
if (options === undefined) throw new Error(`${project} does not name the plugin @effect/language-service.`)

const found: Array<ts.Diagnostic> = []
const inspectFile = inspect(program, options, { addDiagnostic: (diagnostic) => found.push(diagnostic), ts })(undefined)
const files = config.fileNames.map((name) => program.getSourceFile(name)).filter((file) => file !== undefined)
for (const file of files) inspectFile(file)

for (const { category, file, messageText, start = 0 } of found) {
  const place = file?.getLineAndCharacterOfPosition(start)
  const where = file === undefined || place === undefined ? project : `${relative(".", file.fileName)}:${place.line + 1}:${place.character + 1}`
  console.log(`${where} ${ts.DiagnosticCategory[category].toLowerCase()} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`)
}
console.log(`Effect diagnostics: ${files.length} files, ${found.length} found.`)
if (found.length > 0 || files.length === 0) process.exitCode = 1
