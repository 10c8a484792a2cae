/**
 * The thread that recognizes: the sound of utterances in as it comes, words out when they are asked for.
 *
 * A decoder hears one utterance at a time, so each has its own; those that are free are kept. Sound is decoded
 * when it comes, so that little is left to do when the words are wanted. Of the dictionary only the grammar's
 * words are given to a decoder: the whole one would take 20 MB each.
 *
 * Steady noise is taken out first: over a hiss that lies 25 dB under the voice a fifth more is understood, of
 * a soft voice twice as much (`bench/recognition`); the decoder's own reduction changes nothing.
 */
import { clearTimeout, setTimeout } from "node:timers"
import { setImmediate } from "node:timers/promises"
import { parentPort } from "node:worker_threads"
import createModule, { type Decoder, type SoundSwallowerModule } from "soundswallower"
import * as NoiseReducer from "../../audio/NoiseReducer.ts"
import { shortUtterance } from "./ShortUtterance.ts"

export interface Grammar {
  /** Names it among those of this process. */
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

export type Request =
  /** Makes decoders ready. */
  | { readonly _tag: "Load"; readonly ask: number; readonly grammar: Grammar }
  /** 8 kHz. */
  | { readonly _tag: "Sound"; readonly utterance: number; readonly grammar: string; readonly sound: Int16Array }
  /** The words of all sound so far. */
  | { readonly _tag: "Words"; readonly utterance: number; readonly grammar: string; readonly ask: number }
  | { readonly _tag: "End"; readonly utterance: number }
  /** Lets its decoders go; those that are in the midst of an utterance, at its end. */
  | { readonly _tag: "Unload"; readonly grammar: string }

export type Reply = { readonly ask: number } & (
  | { readonly _tag: "Done"; readonly text: string }
  | { readonly _tag: "Failed"; readonly message: string }
)

/**
 * Decoders of a grammar that are made before the agent is ready, and then, while there is nothing else to do, up to so many;
 * 5 MB each. To make one takes as long as to hear a second and a half of speech, which is not to be in a caller's way.
 */
const ready = 2
const kept = 12

/** ms without a request after which there is nothing else to do. */
const idleAfter = 50

/** Models of phones that are looked at in a frame, at most: less work for foreign speech, and the same is understood. */
const mostModels = 2000

/**
 * Loud samples (200 ms) behind a pause in which the words were asked for that show that it was not the end. Most such
 * pauses are: to hear the silence behind them would be to hear all of it twice.
 */
const surelyGoesOn = 1600

/** The part of an utterance's mean power from which on a piece of it is loud. */
const loud = 0.1

interface Loaded {
  readonly grammar: Grammar
  readonly module: SoundSwallowerModule
  readonly free: Array<Decoder>
}

interface Hearing {
  readonly loaded: Loaded
  readonly decoder: Decoder
  /** All of it, for when the words were asked for too soon. */
  readonly sound: Array<Float32Array>
  length: number
  /** Its length when its words were last asked for, and how much of what came since is loud. */
  asked: number
  loudSince: number
  /** The sum of its squares. */
  energy: number
  /** There while the decoder is in the middle of it. */
  reducer: NoiseReducer.NoiseReducer | undefined
}

const grammars = new Map<string, Loaded>()
const utterances = new Map<number, Hearing>()

const makeDecoder = async ({ grammar, module }: Pick<Loaded, "grammar" | "module">): Promise<Decoder> => {
  const decoder = new module.Decoder({
    loglevel: "FATAL",
    samprate: 8000,
    wip: grammar.wordInsertion,
    maxhmmpf: mostModels,
    // None: words are added below.
    dict: `${grammar.modelBase}none`
  })
  await decoder.initialize()
  decoder.add_words(...grammar.words.map(([word, pronunciation]): [string, string] => [word, pronunciation]))
  decoder.set_grammar(grammar.jsgf)
  return decoder
}

const load = async (grammar: Grammar): Promise<void> => {
  if (grammars.has(grammar.name)) return
  const module = await createModule({ modelBase: grammar.modelBase, defaultModel: grammar.model } as object)
  const loaded: Loaded = { grammar, module, free: [] }
  for (let count = 0; count < ready; count++) loaded.free.push(await makeDecoder(loaded))
  grammars.set(grammar.name, loaded)
}

const begin = async (utterance: number, name: string): Promise<Hearing | undefined> => {
  const loaded = grammars.get(name)
  if (loaded === undefined) return undefined
  const decoder = loaded.free.pop() ?? (await makeDecoder(loaded))
  const hearing: Hearing = { loaded, decoder, sound: [], length: 0, asked: 0, loudSince: 0, energy: 0, reducer: undefined }
  utterances.set(utterance, hearing)
  return hearing
}

const hear = async (utterance: number, grammar: string, sound: Int16Array): Promise<void> => {
  const hearing = utterances.get(utterance) ?? (await begin(utterance, grammar))
  if (hearing === undefined) return
  const floats = new Float32Array(sound.length)
  let energy = 0
  for (let index = 0; index < sound.length; index++) {
    const sample = sound[index] / 32_768
    floats[index] = sample
    energy += sample * sample
  }
  hearing.sound.push(floats)
  hearing.length += floats.length
  hearing.energy += energy
  if (energy * hearing.length > loud * hearing.energy * floats.length) hearing.loudSince += floats.length
  if (hearing.reducer !== undefined) give(hearing.decoder, hearing.reducer.push(floats))
  // It has become long, or the words were asked for in a pause that was not the end: a decoder can't go on, so it begins again.
  else if (hearing.length >= shortUtterance && (hearing.asked === 0 || hearing.loudSince >= surelyGoesOn)) open(hearing)
}

const whole = ({ length, sound }: Hearing): Float32Array => {
  const all = new Float32Array(length)
  let at = 0
  for (const piece of sound) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const give = (decoder: Decoder, sound: Float32Array): void => {
  if (sound.length > 0) decoder.process_audio(sound, false, false)
}

const open = (hearing: Hearing): void => {
  const sound = whole(hearing)
  hearing.reducer = NoiseReducer.make(NoiseReducer.noiseOf(sound))
  hearing.decoder.start()
  give(hearing.decoder, hearing.reducer.push(sound))
}

const close = ({ decoder, reducer }: Hearing): void => {
  if (reducer === undefined) return
  give(decoder, reducer.flush())
  decoder.stop()
}

const hearAsWhole = (hearing: Hearing): void => {
  const sound = whole(hearing)
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(sound))
  const clean = new Float32Array(sound.length)
  const head = reducer.push(sound)
  clean.set(head)
  clean.set(reducer.flush(), head.length)
  hearing.decoder.start()
  hearing.decoder.process_audio(clean, false, true)
  hearing.decoder.stop()
}

const words = (utterance: number): string => {
  const hearing = utterances.get(utterance)
  if (hearing === undefined || hearing.length === 0) return ""
  if (hearing.reducer !== undefined) close(hearing)
  else if (hearing.length > hearing.asked) hearAsWhole(hearing)
  hearing.reducer = undefined
  hearing.asked = hearing.length
  hearing.loudSince = 0
  return hearing.decoder.get_text()
}

const end = (utterance: number): void => {
  const hearing = utterances.get(utterance)
  if (hearing === undefined) return
  utterances.delete(utterance)
  if (hearing.reducer !== undefined) hearing.decoder.stop()
  const { grammar, free } = hearing.loaded
  if (free.length < kept && grammars.has(grammar.name)) free.push(hearing.decoder)
  else hearing.decoder.delete()
}

const unload = (name: string): void => {
  for (const decoder of grammars.get(name)?.free ?? []) decoder.delete()
  grammars.delete(name)
}

const carryOut = async (request: Request): Promise<string> => {
  switch (request._tag) {
    case "Load":
      await load(request.grammar)
      return ""
    case "Sound":
      await hear(request.utterance, request.grammar, request.sound)
      return ""
    case "Words":
      // Its loading failed, or is told too late: no words would be taken for silence.
      return grammars.has(request.grammar) ? words(request.utterance) : Promise.reject(`The grammar ${request.grammar} is not loaded.`)
    case "End":
      end(request.utterance)
      return ""
    case "Unload":
      unload(request.grammar)
      return ""
  }
}

/** Makes one decoder more of the grammar that has the fewest; tells whether it did. */
const makeOneMore = async (): Promise<boolean> => {
  const all = [...grammars.values()]
  const inUse = (loaded: Loaded) => [...utterances.values()].filter((hearing) => hearing.loaded === loaded).length
  const poorest = all.find((loaded) => loaded.free.length + inUse(loaded) < kept)
  if (poorest === undefined) return false
  poorest.free.push(await makeDecoder(poorest))
  return true
}

/** What waits, in the order of its coming. */
const requests: Array<Request> = []

/** The next to be done: what belongs to words that somebody waits for goes before the sound of others. */
const takeNext = (): Request | undefined => {
  const urgent = new Set(requests.flatMap((request) => (request._tag === "Words" ? [request.utterance] : [])))
  const isFirst = urgent.size === 0 || requests[0]._tag === "Load" || requests[0]._tag === "Unload"
  const index = isFirst ? 0 : requests.findIndex((request) => "utterance" in request && urgent.has(request.utterance))
  return requests.splice(index, 1)[0]
}

const port = parentPort
if (port !== null) {
  const answer = async (request: Request): Promise<void> => {
    let reply: Omit<Extract<Reply, { readonly _tag: "Done" }>, "ask"> | Omit<Extract<Reply, { readonly _tag: "Failed" }>, "ask">
    try {
      reply = { _tag: "Done", text: await carryOut(request) }
    } catch (cause) {
      reply = { _tag: "Failed", message: String(cause) }
    }
    // What nobody asked for is answered too: it shows that the thread gets on.
    port.postMessage({ ...reply, ask: "ask" in request ? request.ask : -1 })
  }

  /** One after the other: making a decoder waits, and what follows must not overtake it. */
  let isRunning = false
  let idle: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    clearTimeout(idle)
    while (requests.length > 0) {
      // What has come meanwhile is looked at first.
      await setImmediate()
      const request = takeNext()
      if (request !== undefined) await answer(request)
    }
    isRunning = false
    // The thread's own timer: there is no Effect in here, whose fibers would stand between a message and the decoder.
    idle = setTimeout(() => void makeReady(), idleAfter)
  }

  const makeReady = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    const isMade = await makeOneMore()
    isRunning = false
    if (isMade || requests.length > 0) await run()
  }

  port.on("message", (request: Request) => {
    requests.push(request)
    void run()
  })
}
