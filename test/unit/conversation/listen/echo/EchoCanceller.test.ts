import { assert, describe, it } from "@effect/vitest"
import * as EchoCanceller from "../../../../../src/conversation/listen/echo/EchoCanceller.ts"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import * as Sounds from "../../../../support/conversation/Sounds.ts"

interface Heard {
  /** When the window's first sample arrived, ms. */
  readonly at: number
  readonly sound: Pcm<8000>
  readonly clean: Pcm<8000>
  readonly isEcho: boolean
}

/** How long before its playback the agent's sound is sent, ms. */
const lead = 200

/** A call: the agent's sound is played from the beginning, and this sound arrives from the caller. */
const call = (agent: Pcm<8000>, arriving: Pcm<8000>, canceller = EchoCanceller.make()) => {
  let played = 0
  const windows = Sounds.windows(Sounds.overTheLine(arriving)).map((sound, index): Heard => {
    const at = index * 32
    for (; played < Math.min(agent.length / 8, at + 32 + lead); played += 20) {
      canceller.onPlayback(Sounds.between(agent, played, played + 20), played)
    }
    const clean = canceller.clean(sound, at)
    return { at, sound, clean, isEcho: canceller.isEcho(sound, at) }
  })
  return { canceller, windows }
}

/** The line's own hiss. */
const hiss = (millis: number) => Sounds.noise(millis, -62, 9)

const echoOf = (agent: Pcm<8000>, delay: number, dB = -20) => Sounds.later(Sounds.gain(agent, dB), delay)

/** The share of the windows above this level that count as echo. */
const echoes = (windows: ReadonlyArray<Heard>, from: number, to: number, louderThan = -54) => {
  const loud = windows.filter(({ at, sound }) => at >= from && at < to && Sounds.level(sound) > louderThan)
  assert.isAbove(loud.length, 10)
  return loud.filter(({ isEcho }) => isEcho).length / loud.length
}

const agents = {
  "noise like speech": Sounds.speechLike(7000, -20, 3),
  "recorded speech": Sounds.gain(Sounds.join(Sounds.recorded, Sounds.recorded), -6)
}

/** The recorded voice backwards: the same voice with other words. */
const caller = Sounds.recorded.toReversed().subarray(8000, 20_000)
const callerFrom = 3000
const callerTo = callerFrom + caller.length / 8

for (const [name, agent] of Object.entries(agents)) {
  describe(`an agent of ${name}`, () => {
    for (const delay of [150, 220, 300, 301.5]) {
      it(`is recognized as echo, 20 dB weaker and ${delay} ms later`, () => {
        const echo = Sounds.join(new Int16Array(Math.round(delay * 8)), Sounds.gain(agent, -20))
        const { canceller, windows } = call(agent, Sounds.mix(echo, hiss(7300)))
        assert.closeTo(canceller.delay()!, delay, 0.5)
        // It counts as echo from the first window on: until the delay is known, sound that may be echo is no voice.
        assert.strictEqual(echoes(windows, 0, 7300), 1)
      })

      it(`does not hide the caller who speaks over the echo, ${delay} ms later`, () => {
        const echo = Sounds.join(new Int16Array(Math.round(delay * 8)), Sounds.gain(agent, -20))
        for (const loudness of [0, -6]) {
          const voice = Sounds.later(Sounds.gain(caller, loudness), callerFrom)
          const { canceller, windows } = call(agent, Sounds.mix(echo, hiss(7300), voice))
          assert.isBelow(echoes(windows, callerFrom, callerTo, -28), 0.1)
          // The caller's voice does not make the canceller forget the echo either.
          assert.strictEqual(echoes(windows, callerTo + 100, 7300), 1)
          assert.closeTo(canceller.delay()!, delay, 0.5)
        }
      })
    }

    it("on a line without echo does not make the caller's voice count as one", () => {
      const { windows } = call(agent, Sounds.mix(hiss(7300), Sounds.later(caller, 1000)))
      assert.isBelow(echoes(windows, 1000, 1000 + caller.length / 8, -25), 0.2)
    })

    it("is recognized again after its delay has jumped", () => {
      for (const [before, after] of [[150, 260], [300, 170]]) {
        const jump = 3500
        const arriving = Sounds.join(
          Sounds.between(echoOf(agent, before), 0, jump),
          Sounds.between(echoOf(agent, after), jump, 7000)
        )
        const { canceller, windows } = call(agent, Sounds.mix(arriving, hiss(7000)))
        assert.closeTo(canceller.delay()!, after, 0.5)
        const missed = windows.filter(({ at, isEcho, sound }) => at >= jump && Sounds.level(sound) > -54 && !isEcho)
        // Meanwhile less voice is found than an interruption of the agent takes.
        assert.isBelow(missed.length * 32, 200)
      }
    })

    it("is recognized when the caller turns the loudspeaker up or down", () => {
      for (const [before, after] of [[-30, -14], [-14, -34]]) {
        const arriving = Sounds.join(
          Sounds.between(echoOf(agent, 200, before), 0, 3500),
          Sounds.between(echoOf(agent, 200, after), 3500, 7000)
        )
        assert.isAbove(echoes(call(agent, Sounds.mix(arriving, hiss(7000))).windows, 3500, 7000), 0.95)
      }
    })

    it("is recognized in a room with reflections", () => {
      const once = (millis: number, dB: number) => Sounds.later(Sounds.gain(agent, dB), millis)
      const room = Sounds.mix(once(220, -20), once(222, -25), once(225, -27), once(229, -29), once(236, -30), once(247, -32))
      const { windows } = call(agent, Sounds.mix(room, hiss(7300), Sounds.later(caller, callerFrom)))
      assert.strictEqual(echoes(windows, 0, callerFrom), 1)
      assert.isBelow(echoes(windows, callerFrom, callerTo, -28), 0.15)
    })

    it("is removed from the sound for the recognizer", () => {
      const { windows } = call(agent, echoOf(agent, 220))
      const late = windows.filter(({ at, sound }) => at > 1500 && Sounds.level(sound) > -45)
      const less = late.map(({ clean, sound }) => Sounds.level(sound) - Sounds.level(clean)).sort((one, other) => one - other)
      assert.isAbove(less[Math.floor(less.length / 10)], 10)
    })

    it("is removed under the caller's voice, which stays", () => {
      const voice = Sounds.later(caller, callerFrom)
      const { windows } = call(agent, Sounds.mix(echoOf(agent, 220), voice))
      let before = 0
      let after = 0
      for (const { at, clean, sound } of windows) {
        if (at < callerFrom || at >= callerTo) continue
        for (let index = 0; index < sound.length; index++) {
          const own = voice[at * 8 + index] ?? 0
          before += (sound[index] - own) ** 2
          after += (clean[index] - own) ** 2
        }
      }
      assert.isAbove(10 * Math.log10(before / after), 3)
    })
  })
}

describe("sound that was not played", () => {
  const agent = agents["recorded speech"]

  it("is no echo, and a caller alone is left unchanged", () => {
    const canceller = EchoCanceller.make()
    for (const { clean, isEcho, sound } of call(new Int16Array(0), Sounds.recorded, canceller).windows) {
      assert.isFalse(isEcho)
      assert.strictEqual(clean, sound)
    }
    assert.isUndefined(canceller.delay())
  })

  it("is no echo when the caller answers after the agent's words", () => {
    const answer = 7000 + 1000
    const { windows } = call(agent, Sounds.mix(echoOf(agent, 220), Sounds.later(caller, answer)))
    for (const { at, clean, isEcho, sound } of windows) {
      if (at < 7700) continue
      assert.isFalse(isEcho)
      assert.deepStrictEqual(clean, sound)
    }
  })

  it("is no echo when it is silence, whatever is played", () => {
    for (const { isEcho } of call(agent, Sounds.silence(7000)).windows) assert.isFalse(isEcho)
    for (const { isEcho } of call(agent, hiss(7000)).windows) assert.isFalse(isEcho)
  })

  it("is no echo any more when the caller has switched from the loudspeaker to the handset", () => {
    // After the switch there is only the caller's voice.
    const arriving = Sounds.mix(Sounds.between(echoOf(agent, 200, -14), 0, 3000), hiss(7000), Sounds.later(Sounds.gain(caller, -14), 5200))
    const { windows } = call(agent, arriving)
    assert.isBelow(echoes(windows, 5200, 5200 + caller.length / 8, -40), 0.2)
  })
})

describe("a clear", () => {
  const agent = agents["noise like speech"]

  it("withdraws sound that was not played yet, so similar sound is the caller's", () => {
    const { canceller } = call(Sounds.between(agent, 0, 3000), Sounds.between(echoOf(agent, 200), 0, 3000))
    // Sound up to 3200 was sent; from 2900 on it was not played.
    canceller.onClear(2900)
    const words = Sounds.overTheLine(Sounds.between(agent, 2900, 2900 + 320))
    const judged = Sounds.windows(words).map((window, index) => canceller.isEcho(window, 3200 + index * 32))
    // Sound that is no louder than an echo may be one.
    const isLoud = Sounds.windows(words).map((window) => Sounds.level(window) > Sounds.level(words) - 10)
    assert.isAbove(isLoud.filter((loud) => loud).length, 6)
    for (const [index, loud] of isLoud.entries()) assert.isFalse(loud && judged[index], String(index))
    const [window] = Sounds.windows(words)
    assert.deepStrictEqual(canceller.clean(window, 3200), window)
  })

  it("keeps the delay for the agent's next words", () => {
    const { canceller } = call(Sounds.between(agent, 0, 3000), Sounds.between(echoOf(agent, 200), 0, 3000))
    canceller.onClear(3000)
    const next = Sounds.between(agent, 3000, 4000)
    canceller.onPlayback(next, 3300)
    const heard = Sounds.windows(Sounds.overTheLine(Sounds.gain(next, -20)))
    for (const [index, window] of heard.entries()) {
      if (Sounds.level(window) > -54) assert.isTrue(canceller.isEcho(window, 3500 + index * 32), String(index))
    }
  })
})

describe("sound that is played", () => {
  const agent = agents["noise like speech"]

  it("is compared at the time of its playback, with its gaps of silence", () => {
    const gappy = Sounds.join(Sounds.between(agent, 0, 1500), Sounds.silence(400), Sounds.between(agent, 1500, 3500))
    const canceller = EchoCanceller.make()
    canceller.onPlayback(Sounds.between(gappy, 0, 1500), 0)
    const arriving = Sounds.windows(Sounds.overTheLine(echoOf(gappy, 180)))
    const judged = arriving.map((window, index) => {
      const at = index * 32
      if (at === 1600) canceller.onPlayback(Sounds.between(gappy, 1900, 2900), 1900)
      if (at === 2624) canceller.onPlayback(Sounds.between(gappy, 2900, 3900), 2900)
      return [Sounds.level(window) > -54, canceller.isEcho(window, at)] as const
    })
    for (const [index, [isLoud, isEcho]] of judged.entries()) if (isLoud) assert.isTrue(isEcho, String(index))
  })

  it("is forgotten after an hour", () => {
    const { canceller } = call(agent, echoOf(agent, 200))
    const [window] = Sounds.windows(Sounds.overTheLine(Sounds.between(agent, 1000, 1032)))
    assert.isFalse(canceller.isEcho(window, 3_600_000))
    canceller.onPlayback(Sounds.between(agent, 0, 20), 3_600_100)
    assert.strictEqual(Sounds.level(canceller.clean(window, 3_600_000)), Sounds.level(window))
  })
})
