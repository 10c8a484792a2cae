/**
 * Scripted engines for all stages of a conversation. The test decides what is understood and what is answered, and each request can be
 * made to be slow, to fail, to die, to hang or to stop in the middle. Each engine keeps its requests and how they ended.
 */
import { Clock, Effect, Exit, Layer, Ref, Stream } from "effect"
import type { Pcm, SampleRate } from "../../../src/audio/Pcm.ts"
import type { Engines } from "../../../src/conversation/Conversation.ts"
import { EngineFailed, type Stage } from "../../../src/conversation/ports/Engine.ts"
import type { AgentDefinition } from "../../../src/definition/AgentDefinition.ts"
import { ReplyModel, type ReplyPart, type ReplyRequest } from "../../../src/conversation/ports/ReplyModel.ts"
import type { RecognitionHints } from "../../../src/definition/RecognitionHints.ts"
import { SpeechToText, type Transcript, type Utterance } from "../../../src/conversation/ports/SpeechToText.ts"
import { type SpeechRequest, TextToSpeech } from "../../../src/conversation/ports/TextToSpeech.ts"
import { Tools } from "../../../src/conversation/ports/Tools.ts"
import { VoiceActivity } from "../../../src/conversation/ports/VoiceActivity.ts"
import * as Detectors from "../conversation/Detectors.ts"

/** How a request goes. Without any field the request is answered at once and to its end. */
export interface Plan {
  /** ms before the first part, or before the end if there is no part. */
  readonly first?: number
  /** ms before each further part, and before the end. */
  readonly each?: number
  /** How many parts come; unset: all. */
  readonly parts?: number
  /**
   * - `throws`: the method throws instead of giving an effect or a stream;
   * - `interrupts`: the request is interrupted from within, as if its worker were stopped.
   */
  readonly end?: EngineFailed["reason"] | "dies" | "throws" | "interrupts" | "hangs"
  /** ms that an interruption of the request takes. */
  readonly letGo?: number
}

export const slow = (first: number, each = 0): Plan => ({ first, each })

/** Fails after this many parts. */
export const fails = (reason: EngineFailed["reason"] = "unavailable", parts = 0): Plan => ({ end: reason, parts })

export const dies: Plan = { end: "dies", parts: 0 }
export const throws: Plan = { end: "throws", parts: 0 }
export const interrupts: Plan = { end: "interrupts", parts: 0 }
export const hangs: Plan = { end: "hangs", parts: 0 }

/** Each way in which a request can fail, by name. */
export const faults: ReadonlyArray<readonly [name: string, plan: Plan]> = [
  ["fails as unavailable", fails("unavailable")],
  ["fails as refused", fails("refused")],
  ["fails as broken", fails("broken")],
  ["fails by its own timeout", fails("timeout")],
  ["dies", dies],
  ["throws", throws],
  ["is interrupted from within", interrupts],
  ["hangs", hangs]
]

/** `held`: the request was answered, and its resource is not released yet. */
export type Outcome = "open" | "held" | "done" | "failed" | "interrupted"

export interface Request<Asked> {
  readonly asked: Asked
  /** ms of the test's clock. */
  readonly at: number
  readonly outcome: Outcome
}

/** One kind of request to one engine. */
export interface Port<Asked> {
  /** Plans for the next requests, one each. */
  readonly next: (...plans: ReadonlyArray<Plan>) => void
  /** The plan of all other requests. */
  readonly always: (plan: Plan) => void
  readonly requests: Ref.Ref<ReadonlyArray<Request<Asked>>>
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome =>
  Exit.isSuccess(exit) ? "done" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"

const makePort = <Asked>(stage: Stage) => {
  const requests = Ref.makeUnsafe<ReadonlyArray<Request<Asked>>>([])
  const plans: Array<Plan> = []
  let usual: Plan = {}

  const set = (index: number, outcome: Outcome) =>
    Ref.update(requests, (all) => all.map((request, place) => place === index ? { ...request, outcome } : request))

  /** Throws if the plan says so, as an engine with a defect does. */
  const take = (): Plan => {
    const plan = plans.shift() ?? usual
    if (plan.end === "throws") throw new TypeError(`${stage} was told to throw`)
    return plan
  }

  const begin = (asked: Asked) =>
    Effect.flatMap(Clock.monotonicTimeNanos, (nanos) =>
      Ref.modify(requests, (all) => [all.length, [...all, { asked, at: Number(nanos) / 1e6, outcome: "open" as const }]]))

  const ending = ({ end }: Plan): Effect.Effect<void, EngineFailed> => {
    switch (end) {
      case undefined:
      case "throws":
        return Effect.void
      case "dies":
        return Effect.die(`${stage} was told to die`)
      case "interrupts":
        return Effect.interrupt
      case "hangs":
        return Effect.never
      default:
        return Effect.fail(new EngineFailed({ stage, reason: end, advice: "A test told it to fail." }))
    }
  }

  const ended = (index: number, plan: Plan) => <A, E>(exit: Exit.Exit<A, E>) =>
    Effect.andThen(
      Effect.sleep(Exit.isFailure(exit) && Exit.hasInterrupts(exit) ? plan.letGo ?? 0 : 0),
      set(index, outcomeOf(exit))
    )

  return {
    port: {
      requests,
      next: (...nextPlans) => void plans.push(...nextPlans),
      always: (plan) => {
        usual = plan
      }
    } satisfies Port<Asked>,
    set,
    begin,
    /** One answer. */
    answer: <A>(asked: Asked, value: () => A): Effect.Effect<A, EngineFailed> => {
      const plan = take()
      return Effect.flatMap(begin(asked), (index) =>
        Effect.sleep(plan.first ?? 0).pipe(
          Effect.andThen(ending(plan)),
          Effect.map(value),
          Effect.onExit(ended(index, plan))
        ))
    },
    /** An answer in parts. */
    stream: <A>(asked: Asked, parts: () => ReadonlyArray<A>): Stream.Stream<A, EngineFailed> => {
      const plan = take()
      return Stream.unwrap(Effect.map(begin(asked), (index) => {
        const sentParts = parts().slice(0, plan.parts)
        const wait = (place: number) => Effect.sleep((place === 0 ? plan.first : plan.each) ?? 0)
        return Stream.fromIterable(sentParts.map((part, place) => ({ part, place }))).pipe(
          Stream.mapEffect(({ part, place }) => Effect.as(wait(place), part)),
          Stream.concat(Stream.fromEffectDrain(Effect.andThen(wait(sentParts.length), ending(plan)))),
          Stream.onExit(ended(index, plan))
        )
      }))
    }
  }
}

/** A transcript. A string stands for a complete sentence. */
type Words = string | Transcript

const transcriptOf = (words: Words): Transcript => typeof words === "string" ? { text: words, ending: "complete" } : words

/** The transcript of a cough: no speech. */
export const cough: Transcript = { text: "", ending: "unknown" }

/** ms of sound for each character. */
const characterMillis = 60

/** How long the sound of a text is, ms. */
export const spokenMillis = (text: string): number => text.length * characterMillis

/** ms of sound in a chunk of the speech engine. */
const chunkMillis = 200

/** The detector takes louder samples for a voice. The agent's own sound is quieter. */
const voiceLevel = 2000

export interface FakeEngines {
  readonly engines: Engines
  readonly layer: Layer.Layer<VoiceActivity | SpeechToText | ReplyModel | Tools | TextToSpeech>
  /** The transcripts of the next utterances. A list has the transcripts of one utterance, one for each request. */
  readonly hear: (...utterances: ReadonlyArray<Words | ReadonlyArray<Words>>) => void
  /** The model's answer to a text. All other texts are answered with "All right." */
  readonly answer: (said: string, reply: string | ReadonlyArray<ReplyPart>) => void
  /** The text whose sound has this sample. */
  readonly textOf: (sample: number) => string
  readonly open: Port<void>
  readonly judge: Port<void>
  /** Beginnings of utterances. `held`: the utterance has not been closed. */
  readonly begin: Port<void>
  /** Lengths of the pushed pieces, in samples. */
  readonly push: Port<number>
  /** Numbers of the utterances. */
  readonly transcribe: Port<number>
  readonly reply: Port<ReplyRequest>
  /** The texts. */
  readonly speak: Port<string>
  /** What the engines were prepared with; unset before that. */
  readonly prepared: Ref.Ref<{ readonly hints?: RecognitionHints; readonly definition?: AgentDefinition; readonly lines?: ReadonlyArray<string> }>
  /** The number of requests of all engines that are still open or held. */
  readonly unfinished: Effect.Effect<number>
}

export const make = (): FakeEngines => {
  const open = makePort<void>("voiceActivity")
  const judge = makePort<void>("voiceActivity")
  const begin = makePort<void>("speechToText")
  const push = makePort<number>("speechToText")
  const transcribe = makePort<number>("speechToText")
  const reply = makePort<ReplyRequest>("replyModel")
  const speak = makePort<string>("textToSpeech")
  const prepared: FakeEngines["prepared"] = Ref.makeUnsafe({})

  /** A request whose result belongs to a scope. */
  const hold = <A>({ answer, port, set }: ReturnType<typeof makePort<void>>, value: () => A) =>
    Effect.suspend(() =>
      answer(undefined, value).pipe(
        Effect.tap(() =>
          Effect.flatMap(Ref.get(port.requests), (all) => {
            const index = all.length - 1
            return Effect.andThen(set(index, "held"), Effect.addFinalizer(() => set(index, "done")))
          })
        )
      )
    )

  const heard: Array<ReadonlyArray<Transcript>> = []
  let utterances = 0
  const recognizer = {
    begin: hold(begin, () => {
      const number = utterances++
      let times = 0
      const utterance: Utterance = {
        push: (pcm) => push.answer(pcm.length, () => undefined),
        transcribe: Effect.suspend(() =>
          transcribe.answer(number, () => {
            const all = heard[number] ?? [cough]
            return all[Math.min(times++, all.length - 1)]
          })
        )
      }
      return utterance
    })
  }

  const answers = new Map<string, ReadonlyArray<ReplyPart>>()
  const partsOf = (text: string): ReadonlyArray<ReplyPart> =>
    text.split(/(?<= )/).map((text) => ({ _tag: "Text", text }))
  const replier = {
    reply: (request: ReplyRequest) =>
      reply.stream(request, () => answers.get(request.history.at(-1)?.text ?? "") ?? partsOf("All right."))
  }

  const texts: Array<string> = []
  /** The value of a sample identifies its text: 100 is the first one. */
  const valueOf = (text: string): number => {
    if (!texts.includes(text)) texts.push(text)
    return 100 + texts.indexOf(text)
  }
  const soundOf = (text: string) => {
    const rate: SampleRate = 8000
    const all = new Int16Array(spokenMillis(text) * rate / 1000).fill(valueOf(text))
    const length = chunkMillis * rate / 1000
    return Array.from({ length: Math.ceil(all.length / length) }, (_, index) => ({
      sampleRate: rate,
      pcm: all.subarray(index * length, (index + 1) * length) as Pcm
    }))
  }
  const voiceActivity = VoiceActivity.of({
    open: Effect.andThen(
      hold(open, () => undefined),
      Detectors.make((window) => judge.answer(undefined, () => window.some((sample) => Math.abs(sample) > voiceLevel) ? 1 : 0))
    )
  })
  const textToSpeech = TextToSpeech.of({
    speak: ({ text }: SpeechRequest) => speak.stream(text, () => soundOf(text)),
    prepare: (requests) => Ref.update(prepared, (all) => ({ ...all, lines: requests.map(({ text }) => text) })),
    voices: []
  })

  const tools = Tools.of({ send: () => Effect.die("the test gave the agent no tools") })

  return {
    engines: { voiceActivity, recognizer, replier, tools, textToSpeech },
    layer: Layer.mergeAll(
      Layer.succeed(VoiceActivity, voiceActivity),
      Layer.succeed(
        SpeechToText,
        SpeechToText.of({
          prepare: (hints) => Effect.as(Ref.update(prepared, (all) => ({ ...all, hints })), recognizer),
          unknownWords: () => Effect.succeed([])
        })
      ),
      Layer.succeed(
        ReplyModel,
        ReplyModel.of({ prepare: (definition) => Effect.as(Ref.update(prepared, (all) => ({ ...all, definition })), replier) })
      ),
      Layer.succeed(Tools, tools),
      Layer.succeed(TextToSpeech, textToSpeech)
    ),
    hear: (...transcripts) => {
      for (const words of transcripts) {
        heard.push(Array.isArray(words) ? words.map(transcriptOf) : [transcriptOf(words as Words)])
      }
    },
    answer: (said, reply) => void answers.set(said, typeof reply === "string" ? partsOf(reply) : reply),
    textOf: (sample) => texts[sample - 100] ?? `(unknown ${sample})`,
    open: open.port,
    judge: judge.port,
    begin: begin.port,
    push: push.port,
    transcribe: transcribe.port,
    reply: reply.port,
    speak: speak.port,
    prepared,
    unfinished: Effect.map(
      Effect.all([open, judge, begin, push, transcribe, reply, speak].map(({ port }) => Ref.get<ReadonlyArray<Request<unknown>>>(port.requests as never))),
      (ports) => ports.flat().filter(({ outcome }) => outcome === "open" || outcome === "held").length
    )
  }
}
