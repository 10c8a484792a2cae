/**
 * Decoders that share memory: a WebAssembly module holds the acoustic model's files once, and builds each grammar once.
 *
 * A decoder that the package itself sets up takes 18.7 MB. The package's `Decoder.initialize` reads the model's files again for each
 * decoder and never frees them (6.6 MB). Its `set_grammar` builds the network of states again (6.5 MB for the receptionist, mostly hash
 * tables).
 *
 * Here the files are read once into the module's memory, and all decoders use them there. All decoders of a grammar share one network. The
 * network counts its references. So a decoder takes only 6 MB.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import createModule, { type Decoder, type SoundSwallowerModule } from "soundswallower"

export interface Grammar {
  /** Unique in this process. */
  readonly name: string
  /** JSGF, as `Grammar.ts` writes it. */
  readonly jsgf: string
  /** The decoder's whole dictionary: words and phones, in the model's alphabet. */
  readonly words: ReadonlyArray<readonly [word: string, pronunciation: string]>
  /** The folder of the models, with a slash at its end. */
  readonly modelBase: string
  /** The model's folder inside `modelBase`. */
  readonly model: string
  /** The decoder's word insertion probability, a constant of `Grammar.ts`. */
  readonly wordInsertion: number
}

/** An address in the module's memory. */
type Pointer = number

/** The module's C functions, which the package's `Decoder` calls. The package's types lack them. */
interface Native extends SoundSwallowerModule {
  readonly _malloc: (bytes: number) => Pointer
  readonly _free: (pointer: Pointer) => void
  readonly _s3file_init: (bytes: Pointer, length: number) => Pointer
  readonly _s3file_free: (file: Pointer) => number
  readonly _bin_mdef_read_s3file: (file: Pointer, withoutContext: number) => Pointer
  readonly _set_mdef: (decoder: Pointer, definition: Pointer) => void
  readonly _tmat_init_s3file: (file: Pointer, logarithms: Pointer, floor: number) => Pointer
  readonly _set_tmat: (decoder: Pointer, transitions: Pointer) => void
  readonly _load_gmm: (decoder: Pointer, means: Pointer, variances: Pointer, weights: Pointer, senones: Pointer) => number
  readonly _decoder_init_acmod_post: (decoder: Pointer) => number
  readonly _decoder_logmath: (decoder: Pointer) => Pointer
  readonly _decoder_set_fsg: (decoder: Pointer, network: Pointer) => number
  readonly _jsgf_parse_string: (text: Pointer, parent: Pointer) => Pointer
  readonly _jsgf_get_public_rule: (grammar: Pointer) => Pointer
  readonly _jsgf_build_fsg: (grammar: Pointer, rule: Pointer, logarithms: Pointer, languageWeight: number) => Pointer
  readonly _jsgf_grammar_free: (grammar: Pointer) => void
  readonly _fsg_model_free: (network: Pointer) => number
}

/** The C functions under readable names. */
const functionsOf = ({
  _bin_mdef_read_s3file: readDefinition,
  _decoder_init_acmod_post: setUpScores,
  _decoder_logmath: logarithmsOf,
  _decoder_set_fsg: setNetwork,
  _free: free,
  _fsg_model_free: freeNetwork,
  _jsgf_build_fsg: buildNetwork,
  _jsgf_get_public_rule: publicRule,
  _jsgf_grammar_free: freeGrammar,
  _jsgf_parse_string: parseGrammar,
  _load_gmm: loadMixtures,
  _malloc: allocate,
  _s3file_free: closeFile,
  _s3file_init: openFile,
  _set_mdef: setDefinition,
  _set_tmat: setTransitions,
  _tmat_init_s3file: readTransitions
}: Native) => ({
  allocate,
  buildNetwork,
  closeFile,
  free,
  freeGrammar,
  freeNetwork,
  loadMixtures,
  logarithmsOf,
  openFile,
  parseGrammar,
  publicRule,
  readDefinition,
  readTransitions,
  setDefinition,
  setNetwork,
  setTransitions,
  setUpScores
})

/** The module with its C functions. */
interface Engine extends ReturnType<typeof functionsOf> {
  readonly module: SoundSwallowerModule
}

/** A decoder with the members that the package's types lack. */
interface NativeDecoder extends Decoder {
  readonly cdecoder: Pointer
  load_acmod_files: () => Promise<void>
}

/** The most phone models that the decoder evaluates in one frame. The limit saves work on words outside the grammar, at no cost in accuracy. */
const maxPhoneModels = 2000

const files = ["mdef", "transition_matrices", "means", "variances", "sendump"] as const

interface File {
  readonly at: Pointer
  readonly length: number
}

/** Reads a file straight into the module's memory. */
const readInto = (engine: Engine, path: string): File => {
  const descriptor = openSync(path, "r")
  try {
    const length = fstatSync(descriptor).size
    const at = engine.allocate(length)
    if (at === 0) throw new RangeError(`There is no memory for ${path}.`)
    for (let read = 0; read < length;) {
      const more = readSync(descriptor, engine.module.HEAPU8, at + read, length - read, read)
      if (more === 0) throw new RangeError(`${path} became shorter while it was read.`)
      read += more
    }
    return { at, length }
  } finally {
    closeSync(descriptor)
  }
}

/** Opens files that lie in the module's memory, and closes them after `use`. A C function that keeps a file holds a reference of its own. */
const withFiles = <A>(engine: Engine, shared: ReadonlyArray<File>, use: (...files: ReadonlyArray<Pointer>) => A): A => {
  const opened = shared.map(({ at, length }) => engine.openFile(at, length))
  try {
    return use(...opened)
  } finally {
    for (const file of opened) engine.closeFile(file)
  }
}

/** The C functions that return a pointer return 0 when they fail. */
const check = (pointer: Pointer, task: string): Pointer => {
  if (pointer === 0) throw new TypeError(`SoundSwallower could not ${task}.`)
  return pointer
}

/** Gives the decoder the model from files that are already in memory. Used in place of the decoder's own `load_acmod_files`. */
const giveModel = (engine: Engine, decoder: NativeDecoder, model: Record<(typeof files)[number], File>): void => {
  const { cdecoder } = decoder
  withFiles(engine, [model.mdef, model.transition_matrices], (definition, transitions) => {
    engine.setDefinition(cdecoder, check(engine.readDefinition(definition, Number(decoder.get_config("cionly"))), "read the definition of phones"))
    const floor = Number(decoder.get_config("tmatfloor"))
    engine.setTransitions(cdecoder, check(engine.readTransitions(transitions, engine.logarithmsOf(cdecoder), floor), "read the transition matrices"))
  })
  withFiles(engine, [model.means, model.variances, model.sendump], (means, variances, senones) => {
    if (engine.loadMixtures(cdecoder, means, variances, 0, senones) < 0) throw new TypeError("SoundSwallower could not load its model.")
  })
  if (engine.setUpScores(cdecoder) < 0) throw new TypeError("SoundSwallower could not set up its acoustic scores.")
}

/** Builds the grammar's network of states, which decoders share. `decoder` can be any decoder of the model: only its settings are read. */
const buildNetwork = (engine: Engine, decoder: NativeDecoder, jsgf: string): Pointer => {
  const text = new TextEncoder().encode(`${jsgf}\0`)
  const at = check(engine.allocate(text.length), "allocate memory for a grammar")
  engine.module.HEAPU8.set(text, at)
  const grammar = engine.parseGrammar(at, 0)
  engine.free(at)
  check(grammar, "parse a grammar")
  const rule = check(engine.publicRule(grammar), "find the public rule of a grammar")
  const weight = Number(decoder.get_config("lw"))
  const network = engine.buildNetwork(grammar, rule, engine.logarithmsOf(decoder.cdecoder), weight)
  engine.freeGrammar(grammar)
  // The first field of a network counts its references. This check fails if a version of the package has another field there.
  if (engine.module.HEAP32[check(network, "build the network of a grammar") >> 2] !== 1) throw new TypeError("This version of SoundSwallower has another memory layout for networks.")
  return network
}

/** A grammar whose decoders share its network. */
export interface Shared {
  readonly makeDecoder: () => Promise<Decoder>
  /** After the release, no decoder can be made. Existing decoders keep the network until they are deleted. */
  readonly release: () => void
}

export interface Model {
  readonly share: (grammar: Grammar) => Shared
  /** The module's present memory. It can grow, but never shrinks. */
  readonly memory: () => Uint8Array
}

/** Loads a model: one module and one copy of the files, for all grammars of its language. */
export const load = async ({ model, modelBase }: Pick<Grammar, "model" | "modelBase">): Promise<Model> => {
  const module = (await createModule({ modelBase, defaultModel: model } as object)) as Native
  const engine: Engine = { ...functionsOf(module), module }
  const [mdef, transition_matrices, means, variances, sendump] = files.map((name) => readInto(engine, join(modelBase, model, name)))
  const shared = { mdef, transition_matrices, means, variances, sendump }

  const share = ({ jsgf, modelBase, wordInsertion, words }: Grammar): Shared => {
    let network: Pointer | undefined
    let isReleased = false

    const makeDecoder = async (): Promise<Decoder> => {
      const decoder = new module.Decoder({
        loglevel: "FATAL",
        samprate: 8000,
        wip: wordInsertion,
        maxhmmpf: maxPhoneModels,
        // An empty dictionary: the words are added below.
        dict: `${modelBase}none`
      }) as NativeDecoder
      try {
        decoder.load_acmod_files = async () => giveModel(engine, decoder, shared)
        await decoder.initialize()
        decoder.add_words(...words.map(([word, pronunciation]): [string, string] => [word, pronunciation]))
        if (isReleased) throw new TypeError("The grammar was unloaded.")
        network ??= buildNetwork(engine, decoder, jsgf)
        // The decoder takes over this reference, and frees it when it is deleted.
        engine.module.HEAP32[network >> 2]++
        if (engine.setNetwork(decoder.cdecoder, network) < 0) throw new TypeError("SoundSwallower can't use a grammar.")
        return decoder
      } catch (cause) {
        decoder.delete()
        throw cause
      }
    }

    const release = (): void => {
      isReleased = true
      if (network !== undefined) engine.freeNetwork(network)
      network = undefined
    }

    return { makeDecoder, release }
  }

  return { share, memory: () => module.HEAPU8 }
}
