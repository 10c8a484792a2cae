/**
 * The person on the telephone: a script of steps that are carried out one after the other.
 *
 * The script runs while a Media Stream is open. If another stream follows, the script goes on where it was. After the last step the person
 * stays on the telephone, silent, until somebody hangs up.
 */
import { Data, Duration, Effect, FileSystem, Schema } from "effect"
import * as Mulaw from "../../audio/Mulaw.ts"
import type { Pcm } from "../../audio/Pcm.ts"
import * as Acoustics from "./Acoustics.ts"
import * as SoundFiles from "./SoundFiles.ts"
import { CallerSpeech, type SpeechError, type Voice } from "./CallerSpeech.ts"
import { samplesPerMilli } from "../report/Timeline.ts"

/** The keys of a telephone. */
export const Digits = Schema.String.check(
  Schema.isPattern(/^[0-9*#A-D]{1,64}$/, { expected: "telephone keys: 0-9 * # A-D, 64 at most" })
)

/** One thing that the person does. A wait ends after `atMost` at the latest. */
export type Step = Data.TaggedEnum<{
  /** Says a text, in an English voice. */
  Speak: { readonly text: string; readonly voice?: Voice }
  /** Plays a WAV file with any number of channels, at a rate that {@link SoundFiles.fromWav} accepts. */
  PlayFile: { readonly path: string }
  Play: { readonly sound: Pcm<8000> }
  /** Says nothing for a time. */
  Silence: { readonly duration: Duration.Input }
  /** Presses keys, four a second. */
  Press: { readonly digits: string }
  /** Waits until the agent has begun to speak: any sound louder than line noise. */
  AwaitSpeech: { readonly atMost: Duration.Input }
  /** Waits until the agent has been silent for `duration`. Silence before the step counts, too. */
  AwaitSilence: { readonly duration: Duration.Input; readonly atMost: Duration.Input }
  /** Waits until a mark of the agent has been played: the named one, or any. */
  AwaitMark: { readonly name?: string; readonly atMost: Duration.Input }
  /** Waits for a cue from outside the call; `isGiven` is called every 20 ms. */
  AwaitCue: { readonly isGiven: () => boolean; readonly atMost: Duration.Input }
  /** Ends the call. */
  HangUp: {}
}>
export const Step = Data.taggedEnum<Step>()

export interface Caller {
  readonly steps: ReadonlyArray<Step>
  /** The room of the person. Default: a quiet room, with the telephone at the ear. */
  readonly room?: Acoustics.Acoustics
}

/** A person who does these steps. */
export const make = (...steps: ReadonlyArray<Step>): Caller => ({ steps })

/** The caller in another room. */
export const inRoom = (caller: Caller, room: Acoustics.Acoustics): Caller => ({ ...caller, room })

/** A person who says nothing and does not hang up. */
export const silent: Caller = make()

/** The caller's script cannot be carried out. */
class CallerError extends Schema.TaggedError<CallerError>()("CallerError", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** A step that is ready to be carried out: its sound is made, and its times are in samples (1/8 ms). */
type PreparedStep = Data.TaggedEnum<{
  Play: { readonly sound: Uint8Array }
  Silence: { readonly samples: number }
  Press: { readonly digits: string }
  AwaitSpeech: { readonly atMost: number }
  AwaitSilence: { readonly samples: number; readonly atMost: number }
  AwaitMark: { readonly name: string | undefined; readonly atMost: number }
  AwaitCue: { readonly isGiven: () => boolean; readonly atMost: number }
  HangUp: {}
}>
const PreparedStep = Data.taggedEnum<PreparedStep>()

const toSamples = (duration: Duration.Input): number =>
  Math.round(Duration.toMillis(Duration.fromInputUnsafe(duration)) * samplesPerMilli)

const play = (sound: Pcm<8000>): PreparedStep => PreparedStep.Play({ sound: Mulaw.encode(sound) })

const prepareStep = Effect.fnUntraced(function*(step: Step): Effect.fn.Return<
  PreparedStep,
  CallerError | SpeechError,
  CallerSpeech | FileSystem.FileSystem
> {
  switch (step._tag) {
    case "Speak": {
      const speech = yield* CallerSpeech
      return play(yield* speech.speak(step.text, step.voice))
    }
    case "PlayFile": {
      const fs = yield* FileSystem.FileSystem
      const bytes = yield* Effect.mapError(fs.readFile(step.path), (cause) =>
        new CallerError({ message: "The caller's sound file cannot be read.", cause }))
      return play(
        yield* Effect.mapError(Effect.fromResult(SoundFiles.fromWav(bytes)), (cause) =>
          new CallerError({ message: `The caller's sound file cannot be played: ${cause.message}`, cause }))
      )
    }
    case "Play":
      return play(step.sound)
    case "Silence":
      return PreparedStep.Silence({ samples: toSamples(step.duration) })
    case "Press":
      return PreparedStep.Press({ digits: step.digits })
    case "AwaitSpeech":
      return PreparedStep.AwaitSpeech({ atMost: toSamples(step.atMost) })
    case "AwaitSilence":
      return PreparedStep.AwaitSilence({ samples: toSamples(step.duration), atMost: toSamples(step.atMost) })
    case "AwaitMark":
      return PreparedStep.AwaitMark({ name: step.name, atMost: toSamples(step.atMost) })
    case "AwaitCue":
      return PreparedStep.AwaitCue({ isGiven: step.isGiven, atMost: toSamples(step.atMost) })
    case "HangUp":
      return PreparedStep.HangUp()
  }
})

/** Makes all of the script's sound before the call. During the call, the synthesis of speech would take too long. */
export const prepare = Effect.fn("Caller.prepare")(function*(caller: Caller) {
  return new ActiveCaller(yield* Effect.forEach(caller.steps, prepareStep), caller.room)
})

/** What the person has heard in the last 20 ms. */
export interface Ear {
  readonly heard: Pcm<8000>
  /** The marks whose sound was played in this time. */
  readonly marks: ReadonlyArray<string>
}

/** What the person does in the next 20 ms. */
interface Output {
  /** 160 bytes of μ-law, or `undefined` for silence. */
  readonly frame: Uint8Array | undefined
  readonly digit: string | undefined
  readonly hangsUp: boolean
}

/** Samples in a frame of 20 ms. */
export const frameSamples = 160

/** How long a frame lasts, ms. */
export const frameMillis = frameSamples / samplesPerMilli

/** Mean magnitude above which a frame counts as speech: about -45 dB of full scale. */
const audibleMagnitude = 180

/** Samples from the beginning of one key to the next. */
const keySamples = 250 * samplesPerMilli

const isAudible = (sound: Pcm<8000>): boolean => {
  let sum = 0
  for (const sample of sound) sum += Math.abs(sample)
  return sum > audibleMagnitude * sound.length
}

const idle: Output = { frame: undefined, digit: undefined, hangsUp: false }

/**
 * A person during a call, who carries the script out frame by frame. There is no clock: each {@link ActiveCaller.next} counts as 20 ms.
 */
export class ActiveCaller {
  readonly room: Acoustics.Acoustics
  readonly #steps: Array<PreparedStep>
  /** Samples since the running step began. */
  #elapsed = 0
  /** Samples since the agent was last audible. */
  #silentFor = 0
  /** Whether the agent was audible since the running step began. */
  #hasHeardSpeech = false
  /** Keys from `press`, sent one a frame. They wait while the script's own key is sent. */
  #extraKeys: Array<string> = []

  constructor(steps: ReadonlyArray<PreparedStep>, room: Acoustics.Acoustics = Acoustics.quiet) {
    this.#steps = [...steps]
    this.room = room
  }

  /** Presses keys now, in addition to the steps of the script. */
  press(digits: string): void {
    this.#extraKeys.push(...digits)
  }

  /** Advances by 20 ms. Returns what the person does in this time. */
  next(ear: Ear): Output {
    const isAgentAudible = isAudible(ear.heard)
    this.#silentFor = isAgentAudible ? 0 : this.#silentFor + frameSamples
    this.#hasHeardSpeech ||= isAgentAudible
    // If a step ends without using a frame, such as a wait that is fulfilled at once, the next step begins in the same frame.
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      const output = this.#perform(step, ear)
      if (output !== undefined) return this.#withExtraKey(output)
    }
    return this.#withExtraKey(idle)
  }

  #withExtraKey(output: Output): Output {
    return this.#extraKeys.length === 0 || output.digit !== undefined
      ? output
      : { ...output, digit: this.#extraKeys.shift() }
  }

  #endStep(): undefined {
    this.#steps.shift()
    this.#elapsed = 0
    this.#hasHeardSpeech = false
    return undefined
  }

  #wait(isFulfilled: boolean, atMost: number): Output | undefined {
    if (isFulfilled || this.#elapsed >= atMost) return this.#endStep()
    this.#elapsed += frameSamples
    return idle
  }

  #perform(step: PreparedStep, ear: Ear): Output | undefined {
    switch (step._tag) {
      case "Play": {
        if (this.#elapsed >= step.sound.length) return this.#endStep()
        const frame = new Uint8Array(frameSamples).fill(Mulaw.silence)
        frame.set(step.sound.subarray(this.#elapsed, this.#elapsed + frameSamples))
        this.#elapsed += frameSamples
        return { ...idle, frame }
      }
      case "Silence":
        return this.#wait(false, step.samples)
      case "Press": {
        const keyIndex = Math.floor(this.#elapsed / keySamples)
        if (keyIndex >= step.digits.length) return this.#endStep()
        const digit = this.#elapsed % keySamples < frameSamples ? step.digits[keyIndex] : undefined
        this.#elapsed += frameSamples
        return { ...idle, digit }
      }
      case "AwaitSpeech":
        return this.#wait(this.#hasHeardSpeech, step.atMost)
      case "AwaitSilence":
        return this.#wait(this.#silentFor >= step.samples, step.atMost)
      case "AwaitMark":
        return this.#wait(
          step.name === undefined ? ear.marks.length > 0 : ear.marks.includes(step.name),
          step.atMost
        )
      case "AwaitCue":
        return this.#wait(step.isGiven(), step.atMost)
      case "HangUp":
        this.#endStep()
        return { ...idle, hangsUp: true }
    }
  }
}
