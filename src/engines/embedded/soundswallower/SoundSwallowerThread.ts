/**
 * The thread that recognizes: the sound of utterances in as it comes, words out when they are asked for.
 *
 * A decoder hears one utterance at a time, so each has its own; those that are free are kept. Sound is decoded
 * when it comes, so that little is left to do when the words are wanted, and slice by slice: words that somebody
 * waits for are not held up by the sound of others (`SoundSwallowerSchedule`). All decoders of a language share one
 * model, and those of a grammar its network (`SoundSwallowerModel`). Of the dictionary only the grammar's words are given to
 * a decoder: the whole one would take 20 MB each.
 *
 * Steady noise is taken out first: over a hiss that lies 25 dB under the voice a fifth more is understood, of
 * a soft voice twice as much (`bench/recognition`); the decoder's own reduction changes nothing.
 */
import { clearTimeout, setTimeout } from "node:timers"
import { setImmediate } from "node:timers/promises"
import { parentPort } from "node:worker_threads"
import type { Decoder } from "soundswallower"
import * as NoiseReducer from "../../../audio/NoiseReducer.ts"
import { shortUtterance } from "./ShortUtterance.ts"
import * as Model from "./SoundSwallowerModel.ts"
import * as Schedule from "./SoundSwallowerSchedule.ts"

export type Request =
  /** Makes decoders ready. */
  | { readonly _tag: "Load"; readonly ask: number; readonly grammar: Model.Grammar }
  /** 8 kHz. */
  | { readonly _tag: "Sound"; readonly utterance: number; readonly grammar: string; readonly sound: Int16Array }
  /** The words of all sound so far. */
  | { readonly _tag: "Words"; readonly utterance: number; readonly grammar: string; readonly ask: number }
  | { readonly _tag: "End"; readonly utterance: number }
  /** Lets its decoders go; those that are in the midst of an utterance, at its end. */
  | { readonly _tag: "Unload"; readonly grammar: string }

export type Reply = {
  /** Samples that came and are yet to be heard. */
  readonly waiting: number
} & (
  | { readonly _tag: "Done"; readonly ask: number; readonly text: string }
  | { readonly _tag: "Failed"; readonly ask: number; readonly message: string }
  /** Nobody asked for it: it shows that the thread gets on. */
  | { readonly _tag: "GotOn" }
)

/**
 * Decoders of a grammar that wait for an utterance: so many are made before the agent is ready, and again while there is nothing
 * else to do. Each takes 6 MB, so the others are made when utterances come at the same time, and kept. To make one takes as long
 * as to hear a third of a second of speech.
 */
const spare = 1

/** Decoders of a grammar that are kept at most, once that many utterances came at the same time. */
const kept = 12

/** Samples (200 ms) that are heard at a stretch: what that takes, words that somebody waits for may have to wait. */
const slice = 1600

/** ms without a request after which there is nothing else to do. */
const idleAfter = 50

/**
 * Loud samples (200 ms) behind a pause in which the words were asked for that show that it was not the end. Most such
 * pauses are: to hear the silence behind them would be to hear all of it twice.
 */
const surelyGoesOn = 1600

/** The part of an utterance's mean power from which on a piece of it is loud. */
const loud = 0.1

interface Loaded {
  readonly grammar: Model.Grammar
  readonly shared: Model.Shared
  readonly free: Array<Decoder>
}

/** How far the decoder is that hears an utterance while it comes. */
interface Midst {
  readonly decoder: Decoder
  readonly reducer: NoiseReducer.NoiseReducer
  /** Pieces and samples that it was given. */
  pieces: number
  heard: number
}

interface Hearing {
  readonly loaded: Loaded
  /** All of it, in pieces of at most a slice, for when the words were asked for too soon. */
  readonly sound: Array<Float32Array>
  length: number
  /** Who waits for its words. */
  readonly asks: Array<number>
  /** Its length when its words were last told, and how much of what came since is loud. */
  told: number
  loudSince: number
  /** The sum of its squares. */
  energy: number
  /** Its own from the first sample that is heard. */
  decoder: Decoder | undefined
  midst: Midst | undefined
  /** Why it can't be heard. */
  failure: string | undefined
}

const grammars = new Map<string, Loaded>()
/** In the order of their beginnings. */
const utterances = new Map<number, Hearing>()

/** One for each language, while an agent speaks it. */
const models = new Map<string, Model.Model>()

const modelOf = async (grammar: Model.Grammar): Promise<Model.Model> => {
  const known = models.get(grammar.model)
  if (known !== undefined) return known
  const loaded = await Model.load(grammar)
  models.set(grammar.model, loaded)
  return loaded
}

const discard = ({ free, grammar: { model }, shared }: Loaded): void => {
  for (const decoder of free) decoder.delete()
  shared.release()
  if ([...grammars.values()].every(({ grammar }) => grammar.model !== model)) models.delete(model)
}

const load = async (grammar: Model.Grammar): Promise<void> => {
  if (grammars.has(grammar.name)) return
  const loaded: Loaded = { grammar, shared: (await modelOf(grammar)).share(grammar), free: [] }
  try {
    while (loaded.free.length < spare) loaded.free.push(await loaded.shared.makeDecoder())
  } catch (cause) {
    discard(loaded)
    throw cause
  }
  grammars.set(grammar.name, loaded)
}

const begin = (utterance: number, loaded: Loaded): Hearing => {
  const hearing: Hearing = {
    loaded,
    sound: [],
    length: 0,
    asks: [],
    told: 0,
    loudSince: 0,
    energy: 0,
    decoder: undefined,
    midst: undefined,
    failure: undefined
  }
  utterances.set(utterance, hearing)
  return hearing
}

/** The utterance, begun if need be; none of an agent that is gone. */
const find = (utterance: number, grammar: string): Hearing | undefined => {
  const loaded = grammars.get(grammar)
  return utterances.get(utterance) ?? (loaded === undefined ? undefined : begin(utterance, loaded))
}

const keep = (hearing: Hearing, sound: Int16Array): void => {
  for (let at = 0; at < sound.length; at += slice) {
    const piece = new Float32Array(Math.min(slice, sound.length - at))
    let energy = 0
    for (let index = 0; index < piece.length; index++) {
      const sample = sound[at + index] / 32_768
      piece[index] = sample
      energy += sample * sample
    }
    hearing.sound.push(piece)
    hearing.length += piece.length
    hearing.energy += energy
    if (energy * hearing.length > loud * hearing.energy * piece.length) hearing.loudSince += piece.length
  }
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

/** Samples that are to be heard now. */
const left = ({ asks, failure, length, loudSince, midst, told }: Hearing): number => {
  if (failure !== undefined) return 0
  if (midst !== undefined) return length - midst.heard
  // A decoder can't go on after a pause in which the words were asked for: it begins again, when that was surely not the end.
  const isOpened = asks.length > 0 ? length > told : length >= shortUtterance && (told === 0 || loudSince >= surelyGoesOn)
  return isOpened ? length : 0
}

const decoderOf = async (hearing: Hearing): Promise<Decoder> =>
  (hearing.decoder ??= hearing.loaded.free.pop() ?? (await hearing.loaded.shared.makeDecoder()))

const hearAsWhole = (sound: Float32Array, decoder: Decoder): void => {
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(sound))
  const clean = new Float32Array(sound.length)
  const head = reducer.push(sound)
  clean.set(head)
  clean.set(reducer.flush(), head.length)
  decoder.start()
  decoder.process_audio(clean, false, true)
  decoder.stop()
}

const open = (hearing: Hearing, decoder: Decoder): Midst => {
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(whole(hearing)))
  decoder.start()
  return { decoder, reducer, pieces: 0, heard: 0 }
}

const hearSlice = (midst: Midst, sound: ReadonlyArray<Float32Array>): void => {
  for (let heard = 0; midst.pieces < sound.length; midst.pieces++) {
    const piece = sound[midst.pieces]
    heard += piece.length
    if (heard > slice) return
    midst.heard += piece.length
    give(midst.decoder, midst.reducer.push(piece))
  }
}

/** A step nearer to its words. */
const goOn = async (hearing: Hearing): Promise<void> => {
  const decoder = await decoderOf(hearing)
  if (hearing.midst !== undefined || hearing.length >= shortUtterance) {
    hearing.midst ??= open(hearing, decoder)
    hearSlice(hearing.midst, hearing.sound)
  } else {
    hearAsWhole(whole(hearing), decoder)
    hearing.told = hearing.length
  }
}

/** Its words, when all of it is heard. */
const tell = (hearing: Hearing): string => {
  if (hearing.failure !== undefined) throw hearing.failure
  if (hearing.midst !== undefined) {
    give(hearing.midst.decoder, hearing.midst.reducer.flush())
    hearing.midst.decoder.stop()
    hearing.midst = undefined
  }
  hearing.told = hearing.length
  hearing.loudSince = 0
  return hearing.decoder?.get_text() ?? ""
}

const end = (utterance: number): void => {
  const hearing = utterances.get(utterance)
  if (hearing === undefined) return
  utterances.delete(utterance)
  const { decoder, failure, loaded: { free, grammar }, midst } = hearing
  if (decoder === undefined) return
  if (failure === undefined && midst !== undefined) decoder.stop()
  if (failure !== undefined || free.length >= kept || !grammars.has(grammar.name)) return decoder.delete()
  // What it has heard is let go when it next begins: some MB, which others could use until then.
  decoder.start()
  decoder.stop()
  free.push(decoder)
}

const unload = (name: string): void => {
  const loaded = grammars.get(name)
  grammars.delete(name)
  if (loaded !== undefined) discard(loaded)
}

/** Makes a decoder of a grammar that has too few to spare; tells whether it did. */
const makeOneMore = async (): Promise<boolean> => {
  const poorest = [...grammars.values()].find(({ free }) => free.length < spare)
  if (poorest === undefined) return false
  poorest.free.push(await poorest.shared.makeDecoder())
  return true
}

const port = parentPort
if (port !== null) {
  type Answer<R = Reply> = R extends Reply ? Omit<R, "waiting"> : never
  const reply = (answer: Answer) => {
    let waiting = 0
    for (const hearing of utterances.values()) waiting += left(hearing)
    port.postMessage({ ...answer, waiting })
  }

  /** Answers with the outcome; with the failure, if it fails. */
  const answer = async (ask: number, outcome: () => Promise<string> | string): Promise<void> => {
    let done: Answer
    try {
      done = { _tag: "Done", ask, text: await outcome() }
    } catch (cause) {
      done = { _tag: "Failed", ask, message: String(cause) }
    }
    reply(done)
  }

  /** Notes what has come. Nothing is heard in here; to load takes its time. */
  const take = async (request: Request): Promise<void> => {
    switch (request._tag) {
      case "Load":
        return answer(request.ask, async () => {
          await load(request.grammar)
          return ""
        })
      case "Sound": {
        const hearing = find(request.utterance, request.grammar)
        if (hearing !== undefined) keep(hearing, request.sound)
        return
      }
      case "Words": {
        // Its loading failed, or is told too late: no words would be taken for silence.
        const hearing = grammars.has(request.grammar) ? find(request.utterance, request.grammar) : undefined
        if (hearing === undefined) return answer(request.ask, () => Promise.reject(`The grammar ${request.grammar} is not loaded.`))
        hearing.asks.push(request.ask)
        return
      }
      case "End":
        return end(request.utterance)
      case "Unload":
        return unload(request.grammar)
    }
  }

  const step = async (hearing: Hearing): Promise<void> => {
    try {
      if (left(hearing) > 0) await goOn(hearing)
    } catch (cause) {
      hearing.failure = String(cause)
    }
    if (left(hearing) === 0) for (const ask of hearing.asks.splice(0)) await answer(ask, () => tell(hearing))
  }

  const requests: Array<Request> = []

  /** One after the other: loading and making a decoder wait, and what follows must not overtake them. */
  let isRunning = false
  let idle: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    clearTimeout(idle)
    let hearing: Hearing | undefined
    do {
      // What has come meanwhile is looked at first.
      await setImmediate()
      for (const request of requests.splice(0)) await take(request)
      hearing = Schedule.next(
        [...utterances.values()].map((one) => ({ hearing: one, left: left(one), isAsked: one.asks.length > 0 }))
      )?.hearing
      if (hearing !== undefined) await step(hearing)
      reply({ _tag: "GotOn" })
    } while (hearing !== undefined || requests.length > 0)
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
