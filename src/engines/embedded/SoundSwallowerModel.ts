/**
 * Decoders that share what is the same for all of them: in each module the acoustic model's files are in memory once, and
 * each grammar is built once.
 *
 * `Decoder.initialize` of the package reads all files of the model anew for each decoder and never frees them (6.6 MB, of which
 * it needs what the decoder points into), and `set_grammar` builds the network of states anew (6.5 MB for the receptionist, most
 * of it the hash tables of its states). Here the files are read once, straight into the module's memory, and decoders point into
 * them; the network is reference-counted, and each decoder holds one reference. A decoder takes 6 MB then instead of 18.7.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import createModule, { type Decoder, type SoundSwallowerModule } from "soundswallower"

export interface Grammar {
  /** Names it among those of this process. */
  readonly name: string
  /** JSGF; see `Grammar`. */
  readonly jsgf: string
  /** The decoder's whole dictionary: words and phones, in the model's alphabet. */
  readonly words: ReadonlyArray<readonly [word: string, pronunciation: string]>
  /** The folder of the models, with a slash at its end. */
  readonly modelBase: string
  readonly model: string
  readonly wordInsertion: number
}

/** An address in the module's memory. */
type Pointer = number

/** The module's functions that its own `Decoder` is written with, and its types leave out. */
interface Native extends SoundSwallowerModule {
  readonly _malloc: (bytes: number) => Pointer
  readonly _free: (pointer: Pointer) => void
  readonly _s3file_init: (bytes: Pointer, length: number) => Pointer
  readonly _s3file_free: (file: Pointer) => number
  readonly _bin_mdef_read_s3file: (file: Pointer, contextIndependentOnly: number) => Pointer
  readonly _set_mdef: (decoder: Pointer, definition: Pointer) => void
  readonly _tmat_init_s3file: (file: Pointer, logMath: Pointer, floor: number) => Pointer
  readonly _set_tmat: (decoder: Pointer, transitions: Pointer) => void
  readonly _load_gmm: (decoder: Pointer, means: Pointer, variances: Pointer, weights: Pointer, senones: Pointer) => number
  readonly _decoder_init_acmod_post: (decoder: Pointer) => number
  readonly _decoder_logmath: (decoder: Pointer) => Pointer
  readonly _decoder_set_fsg: (decoder: Pointer, network: Pointer) => number
  readonly _jsgf_parse_string: (text: Pointer, parent: Pointer) => Pointer
  readonly _jsgf_get_public_rule: (grammar: Pointer) => Pointer
  readonly _jsgf_build_fsg: (grammar: Pointer, rule: Pointer, logMath: Pointer, languageWeight: number) => Pointer
  readonly _jsgf_grammar_free: (grammar: Pointer) => void
  readonly _fsg_model_free: (network: Pointer) => number
}

/** A decoder with the parts that its types leave out. */
interface NativeDecoder extends Decoder {
  readonly cdecoder: Pointer
  load_acmod_files: () => Promise<void>
}

/** Models of phones that are looked at in a frame, at most: less work for foreign speech, and the same is understood. */
const mostModels = 2000

const files = ["mdef", "transition_matrices", "means", "variances", "sendump"] as const

interface File {
  readonly at: Pointer
  readonly length: number
}

/** Reads a file into the module's memory, with no copy on the way. */
const readInto = (module: Native, path: string): File => {
  const descriptor = openSync(path, "r")
  try {
    const length = fstatSync(descriptor).size
    const at = module._malloc(length)
    if (at === 0) throw new RangeError(`There is no memory for ${path}.`)
    for (let read = 0; read < length;) {
      const more = readSync(descriptor, module.HEAPU8, at + read, length - read, read)
      if (more === 0) throw new RangeError(`${path} is shorter than it was.`)
      read += more
    }
    return { at, length }
  } finally {
    closeSync(descriptor)
  }
}

/** Runs this with files that can be read from their beginnings; what keeps one holds it by a reference of its own. */
const withFiles = <A>(module: Native, shared: ReadonlyArray<File>, use: (...files: ReadonlyArray<Pointer>) => A): A => {
  const opened = shared.map(({ at, length }) => module._s3file_init(at, length))
  try {
    return use(...opened)
  } finally {
    for (const file of opened) module._s3file_free(file)
  }
}

/** 0 is C's "no": it failed. */
const check = (pointer: Pointer, what: string): Pointer => {
  if (pointer === 0) throw new TypeError(`SoundSwallower could not make ${what}.`)
  return pointer
}

/** Gives the decoder the model, as its own `load_acmod_files` does, from files that are in memory already. */
const giveModel = (module: Native, decoder: NativeDecoder, model: Record<(typeof files)[number], File>): void => {
  const { cdecoder } = decoder
  withFiles(module, [model.mdef, model.transition_matrices], (definition, transitions) => {
    module._set_mdef(cdecoder, check(module._bin_mdef_read_s3file(definition, Number(decoder.get_config("cionly"))), "the definition of phones"))
    const floor = Number(decoder.get_config("tmatfloor"))
    module._set_tmat(cdecoder, check(module._tmat_init_s3file(transitions, module._decoder_logmath(cdecoder), floor), "the transitions"))
  })
  withFiles(module, [model.means, model.variances, model.sendump], (means, variances, senones) => {
    if (module._load_gmm(cdecoder, means, variances, 0, senones) < 0) throw new TypeError("SoundSwallower could not load its model.")
  })
  if (module._decoder_init_acmod_post(cdecoder) < 0) throw new TypeError("SoundSwallower could not set up its scores.")
}

/** The grammar's network of states, for decoders to share; `decoder` lends what it computes logarithms with. */
const buildNetwork = (module: Native, decoder: NativeDecoder, jsgf: string): Pointer => {
  const text = new TextEncoder().encode(`${jsgf}\0`)
  const at = check(module._malloc(text.length), "room for a grammar")
  module.HEAPU8.set(text, at)
  const grammar = module._jsgf_parse_string(at, 0)
  module._free(at)
  check(grammar, "sense of a grammar")
  const rule = check(module._jsgf_get_public_rule(grammar), "a public rule of a grammar")
  const weight = Number(decoder.get_config("lw"))
  const network = module._jsgf_build_fsg(grammar, rule, module._decoder_logmath(decoder.cdecoder), weight)
  module._jsgf_grammar_free(grammar)
  // The first field of a network counts its references. Should a later version of the package have another there, this says so.
  if (module.HEAP32[check(network, "a network of a grammar") >> 2] !== 1) throw new TypeError("SoundSwallower's networks are laid out in another way.")
  return network
}

/** A grammar whose decoders share its network. */
export interface Shared {
  readonly makeDecoder: () => Promise<Decoder>
  /** No more decoders will be made; those that live on keep what they need. */
  readonly release: () => void
}

export interface Model {
  readonly share: (grammar: Grammar) => Shared
  /** Bytes of the module's memory, used or not: it never shrinks. */
  readonly memory: () => number
}

/** Loads a model: one module and one copy of the files, for all grammars of its language. */
export const load = async ({ model, modelBase }: Pick<Grammar, "model" | "modelBase">): Promise<Model> => {
  const module = (await createModule({ modelBase, defaultModel: model } as object)) as Native
  const [mdef, transition_matrices, means, variances, sendump] = files.map((name) => readInto(module, join(modelBase, model, name)))
  const shared = { mdef, transition_matrices, means, variances, sendump }

  const share = ({ jsgf, modelBase, wordInsertion, words }: Grammar): Shared => {
    let network: Pointer | undefined
    let isReleased = false

    const makeDecoder = async (): Promise<Decoder> => {
      const decoder = new module.Decoder({
        loglevel: "FATAL",
        samprate: 8000,
        wip: wordInsertion,
        maxhmmpf: mostModels,
        // None: words are added below.
        dict: `${modelBase}none`
      }) as NativeDecoder
      try {
        decoder.load_acmod_files = async () => giveModel(module, decoder, shared)
        await decoder.initialize()
        decoder.add_words(...words.map(([word, pronunciation]): [string, string] => [word, pronunciation]))
        if (isReleased) throw new TypeError("The grammar is gone.")
        network ??= buildNetwork(module, decoder, jsgf)
        // The decoder takes over a reference, and frees it with itself.
        module.HEAP32[network >> 2]++
        if (module._decoder_set_fsg(decoder.cdecoder, network) < 0) throw new TypeError("SoundSwallower can't use a grammar.")
        return decoder
      } catch (cause) {
        decoder.delete()
        throw cause
      }
    }

    const release = (): void => {
      isReleased = true
      if (network !== undefined) module._fsg_model_free(network)
      network = undefined
    }

    return { makeDecoder, release }
  }

  return { share, memory: () => module.HEAPU8.length }
}
