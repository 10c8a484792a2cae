/**
 * The recognizer's thread. It receives the sound of utterances in pieces, and returns an utterance's words on request.
 *
 * A decoder works on one utterance at a time, so each utterance has its own decoder. Free decoders are kept for later utterances. Sound is
 * decoded as it arrives, so that little is left to do when the words are asked for. It is decoded in slices, so that an utterance with a
 * waiting request can go first (`SoundSwallowerSchedule`). All decoders of a language share one model, and all decoders of a grammar share
 * its network (`SoundSwallowerModel`). A decoder gets only the grammar's words, because the whole dictionary takes 20 MB.
 *
 * Steady noise is removed before decoding. If the sound has a hiss 25 dB below the voice, a fifth more words are understood this way. For
 * a soft voice, twice as many are understood (`bench/recognition`). The decoder's own noise reduction has no effect.
 */
import { clearTimeout, setTimeout } from "node:timers"
import { setImmediate } from "node:timers/promises"
import { parentPort } from "node:worker_threads"
import type { Decoder } from "soundswallower"
import * as NoiseReducer from "../../../audio/NoiseReducer.ts"
import * as LeadingSilence from "./LeadingSilence.ts"
import { shortUtterance } from "./ShortUtterance.ts"
import * as Model from "./SoundSwallowerModel.ts"
import * as Schedule from "./SoundSwallowerSchedule.ts"

export type Request =
  /** Loads a grammar and makes its first decoders. */
  | { readonly _tag: "Load"; readonly ask: number; readonly grammar: Model.Grammar }
  /** The next piece of an utterance's sound, 8 kHz. */
  | { readonly _tag: "Sound"; readonly utterance: number; readonly grammar: string; readonly sound: Int16Array }
  /** Asks for the words of all sound so far. */
  | { readonly _tag: "Words"; readonly utterance: number; readonly grammar: string; readonly ask: number }
  | { readonly _tag: "End"; readonly utterance: number }
  /** Deletes the grammar's decoders: free ones at once, a busy one at the end of its utterance. */
  | { readonly _tag: "Unload"; readonly grammar: string }

export type Reply = {
  /** Samples that have arrived and are not decoded yet. */
  readonly waiting: number
} & (
  | { readonly _tag: "Done"; readonly ask: number; readonly text: string }
  | { readonly _tag: "Failed"; readonly ask: number; readonly message: string }
  /** Sent after each step without a request, to show that the thread is working. */
  | { readonly _tag: "Progress" }
)

/**
 * Free decoders that each grammar should have. They are made before the agent is ready, and later while the thread is idle. A decoder
 * takes 6 MB. Making a decoder takes as long as decoding a third of a second of speech. If there are more utterances at the same time than
 * decoders, further decoders are made.
 */
const spareDecoders = 1

/** The most free decoders that a grammar keeps. */
const maxFreeDecoders = 12

/** Samples (200 ms) that are decoded in one step. A request that arrives meanwhile waits for the step's end. */
const sliceSamples = 1600

/** The thread is idle when no request has come for this many ms. */
const idleAfterMillis = 50

/**
 * This many loud samples (200 ms) after a pause show that the caller goes on speaking. The words are asked for in a pause, and most of these
 * pauses end the utterance. After a decoder has returned the words, it can only decode the utterance again from the start. It does so
 * after this many loud samples.
 */
const loudSamplesToResume = 1600

/** A piece of an utterance is loud if its mean power is above this share of the utterance's mean power. */
const loudPowerShare = 0.1

/** A loaded grammar with its free decoders. */
interface Loaded {
  readonly grammar: Model.Grammar
  readonly shared: Model.Shared
  readonly free: Array<Decoder>
}

/** The decoding of an utterance whose sound is still arriving. */
interface Decoding {
  readonly decoder: Decoder
  readonly reducer: NoiseReducer.NoiseReducer
  /** The number of samples at the utterance's beginning that the decoder does not get. */
  readonly leadingSilence: number
  /** The number of pieces that are done, and the number of their samples. */
  pieces: number
  samples: number
}

interface Utterance {
  readonly loaded: Loaded
  /** The whole utterance, in pieces of at most one slice. It is decoded again from the start if its words were asked for before its end. */
  readonly sound: Array<Float32Array>
  /** The number of samples so far. */
  length: number
  /** The open requests for the utterance's words. */
  readonly asks: Array<number>
  /** Its length when it was last decoded to the end; 0 if it never was. */
  finishedLength: number
  /** The number of loud samples since the words were last returned. */
  loudSamples: number
  /** The sum of the squared samples. */
  energy: number
  /** `undefined` until the first sample is decoded. */
  decoder: Decoder | undefined
  decoding: Decoding | undefined
  /** Why the utterance can't be decoded; `undefined` if it can. */
  failure: string | undefined
}

const grammars = new Map<string, Loaded>()
/** The utterances that have not ended, by number, oldest first. */
const utterances = new Map<number, Utterance>()

/** The loaded models, by name. A model stays loaded while a grammar needs it. */
const models = new Map<string, Model.Model>()

const modelOf = async (grammar: Model.Grammar): Promise<Model.Model> => {
  const known = models.get(grammar.model)
  if (known !== undefined) return known
  const loaded = await Model.load(grammar)
  models.set(grammar.model, loaded)
  return loaded
}

const unloadShared = ({ free, grammar: { model }, shared }: Loaded): void => {
  for (const decoder of free) decoder.delete()
  shared.release()
  if ([...grammars.values()].every(({ grammar }) => grammar.model !== model)) models.delete(model)
}

const load = async (grammar: Model.Grammar): Promise<void> => {
  if (grammars.has(grammar.name)) return
  const loaded: Loaded = { grammar, shared: (await modelOf(grammar)).share(grammar), free: [] }
  try {
    while (loaded.free.length < spareDecoders) loaded.free.push(await loaded.shared.makeDecoder())
  } catch (cause) {
    unloadShared(loaded)
    throw cause
  }
  grammars.set(grammar.name, loaded)
}

const begin = (id: number, loaded: Loaded): Utterance => {
  const utterance: Utterance = {
    loaded,
    sound: [],
    length: 0,
    asks: [],
    finishedLength: 0,
    loudSamples: 0,
    energy: 0,
    decoder: undefined,
    decoding: undefined,
    failure: undefined
  }
  utterances.set(id, utterance)
  return utterance
}

/** The utterance of this number. A new utterance is begun if its grammar is loaded. If it is not loaded, the result is `undefined`. */
const findOrBegin = (id: number, grammar: string): Utterance | undefined => {
  const loaded = grammars.get(grammar)
  return utterances.get(id) ?? (loaded === undefined ? undefined : begin(id, loaded))
}

const addSound = (utterance: Utterance, sound: Int16Array): void => {
  for (let at = 0; at < sound.length; at += sliceSamples) {
    const piece = new Float32Array(Math.min(sliceSamples, sound.length - at))
    let energy = 0
    for (let index = 0; index < piece.length; index++) {
      const sample = sound[at + index] / 32_768
      piece[index] = sample
      energy += sample * sample
    }
    utterance.sound.push(piece)
    utterance.length += piece.length
    utterance.energy += energy
    if (energy * utterance.length > loudPowerShare * utterance.energy * piece.length) utterance.loudSamples += piece.length
  }
}

const wholeSound = ({ length, sound }: Utterance): Float32Array => {
  const all = new Float32Array(length)
  let at = 0
  for (const piece of sound) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const feed = (decoder: Decoder, sound: Float32Array): void => {
  if (sound.length > 0) decoder.process_audio(sound, false, false)
}

/** Samples of the utterance that should be decoded now. */
const samplesLeft = ({ asks, decoding, failure, finishedLength, length, loudSamples }: Utterance): number => {
  if (failure !== undefined) return 0
  if (decoding !== undefined) return length - decoding.samples
  // A finished decoder can only begin again. It does so when a request waits, or when loud samples show that the caller goes on.
  const isDue = asks.length > 0
    ? length > finishedLength
    : length >= shortUtterance && (finishedLength === 0 || loudSamples >= loudSamplesToResume)
  return isDue ? length : 0
}

const decoderOf = async (utterance: Utterance): Promise<Decoder> =>
  (utterance.decoder ??= utterance.loaded.free.pop() ?? (await utterance.loaded.shared.makeDecoder()))

const decodeWhole = (whole: Float32Array, decoder: Decoder): void => {
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(whole))
  const sound = whole.subarray(LeadingSilence.lengthOf(whole))
  const clean = new Float32Array(sound.length)
  const head = reducer.push(sound)
  clean.set(head)
  clean.set(reducer.flush(), head.length)
  decoder.start()
  decoder.process_audio(clean, false, true)
  decoder.stop()
}

const startDecoding = (utterance: Utterance, decoder: Decoder): Decoding => {
  const sound = wholeSound(utterance)
  const reducer = NoiseReducer.make(NoiseReducer.noiseOf(sound))
  decoder.start()
  return { decoder, reducer, leadingSilence: LeadingSilence.lengthOf(sound), pieces: 0, samples: 0 }
}

const decodeSlice = (decoding: Decoding, sound: ReadonlyArray<Float32Array>): void => {
  for (let samples = 0; decoding.pieces < sound.length; decoding.pieces++) {
    const piece = sound[decoding.pieces]
    samples += piece.length
    if (samples > sliceSamples) return
    const skipped = Math.min(piece.length, Math.max(0, decoding.leadingSilence - decoding.samples))
    decoding.samples += piece.length
    feed(decoding.decoder, decoding.reducer.push(piece.subarray(skipped)))
  }
}

/** Decodes one slice, or all of a short utterance. */
const decodeStep = async (utterance: Utterance): Promise<void> => {
  const decoder = await decoderOf(utterance)
  if (utterance.decoding !== undefined || utterance.length >= shortUtterance) {
    utterance.decoding ??= startDecoding(utterance, decoder)
    decodeSlice(utterance.decoding, utterance.sound)
  } else {
    decodeWhole(wholeSound(utterance), decoder)
    utterance.finishedLength = utterance.length
  }
}

/** Ends the decoding and returns the words. Called when all of the utterance has been decoded. Throws if decoding has failed. */
const finish = (utterance: Utterance): string => {
  if (utterance.failure !== undefined) throw utterance.failure
  if (utterance.decoding !== undefined) {
    feed(utterance.decoding.decoder, utterance.decoding.reducer.flush())
    utterance.decoding.decoder.stop()
    utterance.decoding = undefined
  }
  utterance.finishedLength = utterance.length
  utterance.loudSamples = 0
  return utterance.decoder?.get_text() ?? ""
}

const end = (id: number): void => {
  const utterance = utterances.get(id)
  if (utterance === undefined) return
  utterances.delete(id)
  const { decoder, decoding, failure, loaded: { free, grammar } } = utterance
  if (decoder === undefined) return
  if (failure === undefined && decoding !== undefined) decoder.stop()
  if (failure !== undefined || free.length >= maxFreeDecoders || !grammars.has(grammar.name)) return decoder.delete()
  // A decoder frees the memory of its last utterance, some MB, only when it begins the next utterance. So it begins an empty one now.
  decoder.start()
  decoder.stop()
  free.push(decoder)
}

const unload = (name: string): void => {
  const loaded = grammars.get(name)
  grammars.delete(name)
  if (loaded !== undefined) unloadShared(loaded)
}

/** Makes a decoder for a grammar that has too few free decoders; `false` if each grammar has enough. */
const makeOneMore = async (): Promise<boolean> => {
  const loaded = [...grammars.values()].find(({ free }) => free.length < spareDecoders)
  if (loaded === undefined) return false
  loaded.free.push(await loaded.shared.makeDecoder())
  return true
}

const port = parentPort
if (port !== null) {
  type Answer<R = Reply> = R extends Reply ? Omit<R, "waiting"> : never
  const reply = (answer: Answer) => {
    let waiting = 0
    for (const utterance of utterances.values()) waiting += samplesLeft(utterance)
    port.postMessage({ ...answer, waiting })
  }

  /** Answers a request with the outcome or its failure. */
  const answer = async (ask: number, outcome: () => Promise<string> | string): Promise<void> => {
    let done: Answer
    try {
      done = { _tag: "Done", ask, text: await outcome() }
    } catch (cause) {
      done = { _tag: "Failed", ask, message: String(cause) }
    }
    reply(done)
  }

  /** Handles a request. No sound is decoded here, but loading a grammar takes long. */
  const handle = async (request: Request): Promise<void> => {
    switch (request._tag) {
      case "Load":
        return answer(request.ask, async () => {
          await load(request.grammar)
          return ""
        })
      case "Sound": {
        const utterance = findOrBegin(request.utterance, request.grammar)
        if (utterance !== undefined) addSound(utterance, request.sound)
        return
      }
      case "Words": {
        // A grammar may have failed to load, or may be unloaded. Then the request must fail, because an empty text would mean silence.
        const utterance = grammars.has(request.grammar) ? findOrBegin(request.utterance, request.grammar) : undefined
        if (utterance === undefined) return answer(request.ask, () => Promise.reject(`The grammar ${request.grammar} is not loaded.`))
        utterance.asks.push(request.ask)
        return
      }
      case "End":
        return end(request.utterance)
      case "Unload":
        return unload(request.grammar)
    }
  }

  const step = async (utterance: Utterance): Promise<void> => {
    try {
      if (samplesLeft(utterance) > 0) await decodeStep(utterance)
    } catch (cause) {
      utterance.failure = String(cause)
    }
    if (samplesLeft(utterance) === 0) for (const ask of utterance.asks.splice(0)) await answer(ask, () => finish(utterance))
  }

  const requests: Array<Request> = []

  /** Whether `run` or `makeReady` is at work. Requests are handled one at a time, because none may overtake the loading of a grammar. */
  let isRunning = false
  let idle: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    clearTimeout(idle)
    let utterance: Utterance | undefined
    do {
      // Lets the event loop deliver new requests. They are handled before the next step.
      await setImmediate()
      for (const request of requests.splice(0)) await handle(request)
      utterance = Schedule.next(
        [...utterances.values()].map((one) => ({ utterance: one, left: samplesLeft(one), isAsked: one.asks.length > 0 }))
      )?.utterance
      if (utterance !== undefined) await step(utterance)
      reply({ _tag: "Progress" })
    } while (utterance !== undefined || requests.length > 0)
    isRunning = false
    // Node's timer: this thread runs no Effect, because fibers would only delay the decoder.
    idle = setTimeout(() => void makeReady(), idleAfterMillis)
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
