/**
 * How well the embedded engines understand the built-in receptionist's own phrases, and how well they refuse foreign ones.
 *
 *     npm run bench -- recognition [--details 1]
 *
 * Synthetic voices speak each sentence. The recognizer hears it in telephone quality (8 kHz, μ-law), once clean and once with white noise
 * 25 dB under the speech. The scripted engine gets the transcript.
 *
 * - Understood: the dialogue takes the same step as for the typed words, with the same day and time.
 * - Refused: the scripted engine says that it did not understand.
 * - CPU / sound: CPU time of all threads, divided by the length of the sound.
 * - Words after the last sound: the time from the request for a transcript to its arrival. The sound is pushed four times as fast as one
 *   caller's.
 */
import { NodeServices } from "@effect/platform-node"
import { readFileSync } from "node:fs"
import { Effect, Layer, Result } from "effect"
import { parse } from "../src/agent/file/AgentFile.ts"
import { receptionistFile } from "../src/agent/Agents.ts"
import * as Mulaw from "../src/audio/Mulaw.ts"
import type { Pcm } from "../src/audio/Pcm.ts"
import type { DialogueState } from "../src/conversation/ports/ReplyModel.ts"
import { type Recognizer, SpeechToText } from "../src/conversation/ports/SpeechToText.ts"
import * as Scripted from "../src/engines/embedded/script/ScriptedReplyModel.ts"
import * as SoundSwallower from "../src/engines/embedded/soundswallower/SoundSwallowerSpeechToText.ts"
import * as AudioSimilarity from "../src/simulator/report/AudioSimilarity.ts"
import { CallerSpeech, type Voice } from "../src/simulator/caller/CallerSpeech.ts"
import { argument, pause } from "./line/processes.ts"

const details = argument("details", 0) > 0

/** `slt` is also the agent's voice. */
const voices: ReadonlyArray<Voice> = ["rms", "awb", "kal16", "slt"]

const booking = "book an appointment"
const whichTime = [booking, "on monday"]
const confirming = [booking, "on monday", "at ten"]

/** Phrases of the agent's file, each with the lines that the caller says before it. */
const ownPhrases: ReadonlyArray<readonly [say: string, before?: ReadonlyArray<string>]> = [
  ["What are your opening hours?"],
  ["Tell me your office hours."],
  ["When are you open?"],
  ["What time do you close?"],
  ["Are you open on Saturday?"],
  ["Are you open tomorrow?"],
  ["Opening hours."],
  ["What is your address?"],
  ["What's your address?"],
  ["Where are you?"],
  ["Where are you located?"],
  ["How do I get to you?"],
  ["Where can I find you?"],
  ["Directions."],
  ["Where can I park?"],
  ["Is there any parking?"],
  ["Do you have parking?"],
  ["I would like to book an appointment."],
  ["I'd like to make an appointment for Tuesday."],
  ["I need an appointment on Friday at eleven."],
  ["Can I book an appointment for tomorrow?"],
  ["I want to schedule an appointment on Thursday at two o'clock."],
  ["Book an appointment."],
  ["I want to see the dentist."],
  ["Could I come in on Wednesday?"],
  ["An appointment, please."],
  ["On Monday.", [booking]],
  ["Wednesday.", [booking]],
  ["For Thursday.", [booking]],
  ["Next Friday.", [booking]],
  ["Tomorrow at three.", [booking]],
  ["At ten.", whichTime],
  ["At eleven o'clock.", whichTime],
  ["Nine in the morning.", whichTime],
  ["At noon.", whichTime],
  ["Four in the afternoon.", whichTime],
  ["Yes.", confirming],
  ["Yes, please.", confirming],
  ["That's right.", confirming],
  ["No.", confirming],
  ["No, that's wrong.", confirming],
  ["No, on Tuesday.", confirming],
  ["Make it Thursday.", confirming],
  ["It's an emergency."],
  ["Can I speak to a person?"],
  ["I would like to talk to the doctor."],
  ["A real person."],
  ["Can you call me back?"],
  ["Thank you very much.", ["what is your address"]],
  ["What can you do?"],
  ["Can you help me?"],
  ["Hello."],
  ["Good morning."],
  ["Can you repeat that, please?", ["what is your address"]],
  ["What did you say?", ["what is your address"]],
  ["Never mind.", [booking]],
  ["Goodbye."],
  ["Thank you, bye bye."],
  ["Have a nice day."],
  ["No, thank you.", ["thank you"]]
]

/** Sentences that are unlike all phrases of the agent's file. */
const foreign: ReadonlyArray<string> = [
  "My neighbour bought a yellow bicycle last summer.",
  "The train to Boston leaves from platform seven.",
  "Could you bring me a glass of orange juice?",
  "How much does the large pizza cost?",
  "I forgot my umbrella on the bus again.",
  "Do you sell winter tyres?",
  "The weather has been dreadful all week.",
  "My printer does not print in colour.",
  "She plays the violin in a small orchestra.",
  "What is the capital of Australia?",
  "I think the internet connection is broken.",
  "We watched a film about penguins.",
  "Please transfer forty dollars to my savings account.",
  "The recipe needs two eggs and some butter.",
  "Is the swimming pool heated?",
  "He climbed the mountain without oxygen.",
  "Turn off the lights in the kitchen.",
  "I lost my password and cannot log in.",
  "The cat is sleeping under the sofa.",
  "How long does shipping usually take?",
  "They are building a bridge across the river.",
  "Play some music by Mozart.",
  "My flight was delayed because of fog.",
  "Which bus goes to the airport?",
  "I want to cancel my newspaper subscription.",
  "The children are drawing dinosaurs.",
  "Does this jacket come in blue?",
  "Our garden is full of tomatoes.",
  "Remind me to water the plants.",
  "The battery of my telephone is empty.",
  "Who won the football match yesterday?",
  "I would like a table for two by the window.",
  "The museum has a new exhibition about robots.",
  "Can you translate this letter into Spanish?",
  "My car makes a strange noise.",
  "It rained so hard that the cellar was flooded.",
  "Where did you put the scissors?",
  "I need a new pair of running shoes.",
  "The teacher explained the lesson twice.",
  "Set a timer for twenty minutes.",
  "Is it true that whales can sing?",
  "We should paint the fence before winter.",
  "My sister works as a lawyer in Chicago.",
  "How many calories are in a banana?"
]

const samplesPerMilli = 8
/** How much sound the conversation pushes before the first and after the last voiced sample, ms. */
const leadMillis = 480
const trailMillis = 120

/** White noise of power 1, the same in each run. */
const whiteNoise = (length: number, seed: number): Float64Array => {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return new Float64Array(length).map(() => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

/** The speech as it arrives: with silence around it, coded as μ-law, and with noise `noiseBelow` dB below its power, if set. */
const overTheTelephone = (speech: Int16Array, noiseBelow: number | undefined): Pcm<8000> => {
  // The conversation would not push Flite's own silence, so it is cut off.
  const first = speech.findIndex((sample) => Math.abs(sample) > 300)
  const last = speech.findLastIndex((sample) => Math.abs(sample) > 300)
  const voiced = speech.subarray(Math.max(0, first), last + 1)
  const sound = new Float64Array(leadMillis * samplesPerMilli + voiced.length + trailMillis * samplesPerMilli)
  sound.set(voiced, leadMillis * samplesPerMilli)
  const rootMeanSquare = Math.sqrt(voiced.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, voiced.length))
  const noise = whiteNoise(sound.length, voiced.length)
  const level = noiseBelow === undefined ? 0 : rootMeanSquare * 10 ** (-noiseBelow / 20)
  const pcm = Int16Array.from(sound, (sample, index) => Math.max(-32_768, Math.min(32_767, Math.round(sample + level * noise[index]))))
  return Mulaw.decode(Mulaw.encode(pcm))
}

const frameLength = 160

/** Pushes a sound and requests its transcript. Waits `millisPerFrame` after each frame, if set. */
const hear = Effect.fnUntraced(function*(recognizer: Recognizer, sound: Pcm<8000>, millisPerFrame?: number) {
  const utterance = yield* recognizer.begin
  for (let at = 0; at < sound.length; at += frameLength) {
    yield* utterance.push(sound.slice(at, at + frameLength) as Pcm<8000>)
    if (millisPerFrame !== undefined) yield* Effect.promise(() => pause(millisPerFrame))
  }
  const requestedAt = performance.now()
  const transcript = yield* utterance.transcribe
  return { transcript, millis: performance.now() - requestedAt }
}, Effect.scoped)

const definition = Result.getOrThrow(parse(readFileSync(receptionistFile, "utf8"), "receptionist.yaml"))
const follow = Scripted.make(definition)

const stateAfter = (lines: ReadonlyArray<string>): DialogueState =>
  lines.reduce<DialogueState>((state, line) => follow(line, state).state as unknown as DialogueState, null)

const isStrike = ({ state }: ReturnType<typeof follow>): boolean => state.strikes > 0

const share = (count: number, of: number): string => `${((100 * count) / of).toFixed(1)} % of ${of}`

const program = Effect.gen(function*() {
  const speech = yield* CallerSpeech
  const recognizer = yield* (yield* SpeechToText).prepare(definition.hints)

  for (const [say, before = []] of ownPhrases) {
    if (isStrike(follow(say, stateAfter(before)))) console.log(`  the script does not understand "${say}" when it is typed`)
  }

  console.log("voice   line    understood        refused           CPU / sound")
  const soundsForTiming: Array<Pcm<8000>> = []
  for (const voice of voices) {
    for (const noise of [undefined, 25]) {
      let understood = 0
      let refused = 0
      let seconds = 0
      let cpu = 0
      const listen = Effect.fnUntraced(function*(say: string) {
        const sound = overTheTelephone(yield* speech.speak(say, voice), noise)
        if (noise === undefined && voice === "rms") soundsForTiming.push(sound)
        const before = process.cpuUsage()
        const { transcript } = yield* hear(recognizer, sound)
        const { system, user } = process.cpuUsage(before)
        cpu += (user + system) / 1e6
        seconds += sound.length / 8000
        return transcript.text
      })
      for (const [say, before = []] of ownPhrases) {
        const state = stateAfter(before)
        const text = yield* listen(say)
        const [expected, actual] = [follow(say, state), follow(text, state)]
        if (JSON.stringify(expected) === JSON.stringify(actual)) understood++
        else if (details) console.log(`  ${voice} ${noise ?? "clean"}: "${say}" was heard as "${text}"`)
      }
      for (const say of foreign) {
        const text = yield* listen(say)
        if (isStrike(follow(text, null))) refused++
        else if (details) console.log(`  ${voice} ${noise ?? "clean"}: foreign "${say}" was heard as "${text}"`)
      }
      console.log(
        [
          voice.padEnd(8),
          (noise === undefined ? "clean" : `-${noise} dB`).padEnd(8),
          share(understood, ownPhrases.length).padEnd(18),
          share(refused, foreign.length).padEnd(18),
          (cpu / seconds).toFixed(3)
        ].join("")
      )
    }
  }

  const transcriptTimes: Array<number> = []
  for (const sound of soundsForTiming.slice(0, 60)) transcriptTimes.push((yield* hear(recognizer, sound, 5)).millis)
  console.log(
    `words after the last sound: p50 ${AudioSimilarity.percentile(transcriptTimes, 0.5).toFixed(1)}, p95 ${AudioSimilarity.percentile(transcriptTimes, 0.95).toFixed(1)} ms, of ${transcriptTimes.length}`
  )
})

await Effect.runPromise(
  Effect.scoped(program).pipe(
    Effect.provide(Layer.mergeAll(SoundSwallower.layer, CallerSpeech.layer).pipe(Layer.provideMerge(NodeServices.layer)))
  )
)
