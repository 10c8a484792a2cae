/**
 * The thread that recognizes: a grammar and the sound of an utterance in, words out.
 *
 * Of the dictionary only the grammar's words are given to the decoder: the whole one would take as long to
 * load as all else, and 20 MB for each grammar.
 */
import { parentPort } from "node:worker_threads"
import createModule, { type Decoder } from "soundswallower"
import type { Answer } from "./WorkerPool.ts"

export interface Job {
  readonly grammar: {
    /** Names it among those that this thread has loaded. */
    readonly name: string
    /** JSGF; see `Grammar`. */
    readonly jsgf: string
    /** Words and phones, in the model's alphabet. */
    readonly words: ReadonlyArray<readonly [word: string, pronunciation: string]>
    /** The folder of the models, with a slash at its end. */
    readonly modelBase: string
    readonly model: string
    readonly wordInsertion: number
  }
  /** 8 kHz. */
  readonly sound: Int16Array
}

const decoders = new Map<string, Decoder>()

const load = async (grammar: Job["grammar"]): Promise<Decoder> => {
  const known = decoders.get(grammar.name)
  if (known !== undefined) return known
  const module = await createModule({ modelBase: grammar.modelBase, defaultModel: grammar.model } as object)
  const decoder = new module.Decoder({
    loglevel: "FATAL",
    samprate: 8000,
    wip: grammar.wordInsertion,
    // None: words are added below.
    dict: `${grammar.modelBase}none`
  })
  await decoder.initialize()
  decoder.add_words(...grammar.words.map(([word, pronunciation]): [string, string] => [word, pronunciation]))
  decoder.set_grammar(grammar.jsgf)
  decoders.set(grammar.name, decoder)
  return decoder
}

const recognize = async ({ grammar, sound }: Job): Promise<string> => {
  const decoder = await load(grammar)
  if (sound.length === 0) return ""
  const floats = new Float32Array(sound.length)
  for (let index = 0; index < sound.length; index++) floats[index] = sound[index] / 32_768
  decoder.start()
  decoder.process_audio(floats, false, true)
  decoder.stop()
  return decoder.get_text()
}

const port = parentPort
if (port !== null) {
  port.on("message", async (job: Job) => {
    let answer: Answer<string>
    try {
      answer = { _tag: "Done", value: await recognize(job) }
    } catch (cause) {
      answer = { _tag: "Failed", message: String(cause) }
    }
    port.postMessage(answer)
  })
}
