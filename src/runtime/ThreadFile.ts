/** The file of a thread, beside the module that starts it: TypeScript in the sources, JavaScript in the build. */
export const threadFile = (module: string, name: string): URL =>
  new URL(`./${name}${module.endsWith(".ts") ? ".ts" : ".js"}`, module)
