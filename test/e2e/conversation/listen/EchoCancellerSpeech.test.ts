import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Mulaw from "../../../../src/audio/Mulaw.ts"
import { type Pcm, of } from "../../../../src/audio/Pcm.ts"
import * as EchoCanceller from "../../../../src/conversation/listen/echo/EchoCanceller.ts"
import { windowLength } from "../../../../src/conversation/ports/VoiceActivity.ts"
import { CallerSpeech } from "../../../../src/simulator/caller/CallerSpeech.ts"

/** The line gets the agent's sound 200 ms before it is played, in pieces of 100 ms. */
const lead = 1600
const piece = 800

/** −40 dBFS. Louder sound of the caller is surely speech. */
const loud = 328 ** 2

interface Echo {
  /** The echo's share of the amplitude. */
  readonly gain: number
  readonly delayMillis: number
}

const powerOf = (sound: Int16Array) => sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length

/** The sound of a call, as the canceller gets it: the agent speaks, and the caller begins to speak later. */
const makeCall = (given?: Echo) => {
  let echo = given
  const canceller = EchoCanceller.make()
  let time = 0
  /** By how many dB the canceller weakens the last sound that holds only echo. */
  let reduction = 0
  const speak = (agent: Pcm<8000>, caller: Pcm<8000> = new Int16Array(0), callerFrom = 0, pause = 8192) => {
    let handed = 0
    let [before, after] = [0, 0]
    const windows: Array<{ readonly isLoudCaller: boolean; readonly isEchoOnly: boolean; readonly isEcho: boolean }> = []
    for (let at = 0; at < agent.length; at += windowLength) {
      for (; handed < Math.min(agent.length, at + lead); handed += piece) {
        canceller.onPlayback(agent.subarray(handed, handed + piece), (time + handed) / 8)
      }
      const own = Int16Array.from({ length: windowLength }, (_, index) => caller[at + index - callerFrom * 8] ?? 0)
      const heard = own.map((sample, index) =>
        echo === undefined ? sample : sample + echo.gain * (agent[at + index - echo.delayMillis * 8] ?? 0))
      const window = of(8000, Mulaw.decode(Mulaw.encode(of(8000, heard))))
      const clean = canceller.clean(window, (time + at) / 8)
      const isEcho = canceller.isEcho(window, (time + at) / 8)
      const isEchoOnly = !own.some((sample) => sample !== 0) && powerOf(heard) >= loud / 30
      windows.push({ isLoudCaller: powerOf(own) >= loud, isEchoOnly, isEcho })
      if (isEchoOnly) {
        before += powerOf(window)
        after += powerOf(clean)
      }
    }
    // Then nobody speaks for a while, one second by default.
    reduction = 10 * Math.log10(before / after)
    time += Math.ceil(agent.length / windowLength) * windowLength + pause
    return windows
  }
  return { canceller, speak, reduction: () => reduction, move: (to: Echo) => void (echo = to) }
}

const greeting = "Maple Dental, good day. How can I help you?"
const answer = "We are at twenty Maple Street. It is beside the library."
const said = ["uh-huh", "Where are you?", "What are your opening hours?", "Yes, please."]
const voices = ["rms", "awb"] as const

layer(Layer.provideMerge(CallerSpeech.layer, NodeServices.layer), { excludeTestServices: true, timeout: "60 seconds" })("the echo canceller, with synthesized speech", (it) => {
  it.effect("does not take the caller's voice for an echo on a line without echo", () =>
    Effect.gen(function*() {
      const { speak: say } = yield* CallerSpeech
      for (const voice of voices) {
        for (const text of said) {
          for (const from of [300, 1100]) {
            const { canceller, speak } = makeCall()
            speak(yield* say(greeting, "slt"))
            const windows = speak(yield* say(answer, "slt"), yield* say(text, voice), from).filter(({ isLoudCaller }) => isLoudCaller)
            assert.isAbove(windows.length, 3)
            assert.strictEqual(windows.filter(({ isEcho }) => isEcho).length, 0, `${voice} ${text} ${from}`)
            assert.isUndefined(canceller.delay())
          }
        }
      }
    }), 60_000)

  it.effect("learns no wrong delay from a caller who speaks before the line's delay is known", () =>
    Effect.gen(function*() {
      const { speak: say } = yield* CallerSpeech
      for (const voice of voices) {
        for (const text of said) {
          const { canceller, speak } = makeCall()
          speak(yield* say(answer, "slt"), yield* say(text, voice), 500)
          assert.isUndefined(canceller.delay(), `${voice} ${text}`)
        }
      }
    }), 60_000)

  for (const delayMillis of [150, 220, 300]) {
    it.effect(`finds an echo of −20 dB after ${delayMillis} ms, and hears the caller over it`, () =>
      Effect.gen(function*() {
        const { speak: say } = yield* CallerSpeech
        for (const voice of voices) {
          for (const text of said.slice(1)) {
            const { canceller, reduction, speak } = makeCall({ gain: 0.1, delayMillis })
            const alone = speak(yield* say(greeting, "slt")).filter(({ isEchoOnly }) => isEchoOnly)
            assert.isAbove(alone.length, 20)
            assert.isTrue(alone.every(({ isEcho }) => isEcho))
            assert.approximately(canceller.delay() ?? 0, delayMillis, 0.2)
            const over = speak(yield* say(answer, "slt"), yield* say(text, voice), 700).filter(({ isLoudCaller }) => isLoudCaller)
            assert.isAbove(over.filter(({ isEcho }) => !isEcho).length, over.length / 3, `${voice} ${text}`)
            speak(yield* say(greeting, "slt"))
            assert.isAbove(reduction(), 20, "of what is recognized the echo is taken out")
          }
        }
      }), 60_000)
  }

  it.effect("does not take the echo for the caller's voice when the sound becomes late in the middle of the call", () =>
    Effect.gen(function*() {
      const { speak: say } = yield* CallerSpeech
      const { canceller, move, speak } = makeCall({ gain: 0.1, delayMillis: 200 })
      speak(yield* say(greeting, "slt"))
      const text = yield* say(answer, "slt")
      const half = Math.floor(text.length / 2 / piece) * piece
      for (const [delayMillis, part] of [[200, text.subarray(0, half)], [260, text.subarray(half)]] as const) {
        move({ gain: 0.1, delayMillis })
        const alone = speak(part, new Int16Array(0), 0, 0).filter(({ isEchoOnly }) => isEchoOnly)
        assert.isTrue(alone.every(({ isEcho }) => isEcho), `${delayMillis} ms`)
        assert.approximately(canceller.delay() ?? 0, delayMillis, 0.2)
      }
    }), 60_000)

  it.effect("does not take the echo for the caller's voice when the far end has refilled its buffers", () =>
    Effect.gen(function*() {
      const { speak: say } = yield* CallerSpeech
      const { canceller, move, speak } = makeCall({ gain: 0.1, delayMillis: 300 })
      const texts = [greeting, answer, greeting, answer]
      for (const [index, delayMillis] of [300, 160, 420, 180].entries()) {
        move({ gain: 0.1, delayMillis })
        const alone = speak(yield* say(texts[index], "slt")).filter(({ isEchoOnly }) => isEchoOnly)
        assert.isTrue(alone.every(({ isEcho }) => isEcho), `${delayMillis} ms`)
        assert.approximately(canceller.delay() ?? 0, delayMillis, 0.2)
      }
    }), 60_000)
})
