import { assert, describe, it } from "@effect/vitest"
import * as EchoMatcher from "../../../../../src/conversation/listen/echo/EchoMatcher.ts"
import * as PlayedSound from "../../../../../src/conversation/listen/echo/PlayedSound.ts"
import type { Pcm } from "../../../../../src/audio/Pcm.ts"
import * as Sounds from "../../../../support/conversation/Sounds.ts"

const agent = Sounds.speechLike(3000, -20, 3)

/** The matcher after three seconds in which the agent's sound was played and `arriving` came from the caller. */
const after = (arriving: Pcm<8000>) => {
  const played = PlayedSound.make()
  const matcher = EchoMatcher.make(played)
  played.add(agent, 0)
  for (const window of Sounds.windows(arriving)) matcher.hear(window)
  return { matcher, now: Math.floor(arriving.length / 256) * 256 }
}

const echoOf = (delay: number, dB: number) => Sounds.join(new Int16Array(delay), Sounds.gain(agent, dB)).subarray(0, 24_000)

describe("sound that is an echo", () => {
  for (const delay of [0, 800, 1761, 7200]) {
    it(`is found ${delay} samples late: to within 4 samples by a search, then exactly and with its amplitude`, () => {
      const { matcher, now } = after(echoOf(delay, -20))
      const found = matcher.search(now)
      assert.isDefined(found)
      assert.closeTo(found!.delay, delay, 4)
      const match = matcher.follow(now, found!.delay)
      assert.strictEqual(match.delay, delay)
      assert.isAbove(match.correlation, 0.98)
      assert.closeTo(match.amplitude, 0.1, 0.01)
    })
  }

  it("has a negative amplitude if the line inverts it", () => {
    const { matcher, now } = after(echoOf(800, -20).map((sample) => -sample))
    assert.closeTo(matcher.follow(now, 800).amplitude, -0.1, 0.01)
  })

  it("is not followed further than 2 ms", () => {
    const { matcher, now } = after(echoOf(800, -20))
    assert.strictEqual(matcher.follow(now, 784).delay, 800)
    assert.isAtMost(Math.abs(matcher.follow(now, 700).delay - 700), EchoMatcher.followReach)
  })
})

describe("sound that is no echo", () => {
  it("is alike at no delay when it is noise", () => {
    const { matcher, now } = after(Sounds.noise(3000, -30, 8))
    assert.isUndefined(matcher.search(now))
    assert.isBelow(matcher.follow(now, 800).correlation, 0.5)
  })

  it("is not alike when it is silence", () => {
    const { matcher, now } = after(Sounds.silence(3000))
    assert.isUndefined(matcher.search(now))
    assert.deepStrictEqual(matcher.follow(now, 800), { correlation: 0, amplitude: 0, delay: 800 })
  })
})
