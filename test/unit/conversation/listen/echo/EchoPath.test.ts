import { assert, describe, it } from "@effect/vitest"
import type * as EchoMatcher from "../../../../../src/conversation/listen/echo/EchoMatcher.ts"
import * as EchoPath from "../../../../../src/conversation/listen/echo/EchoPath.ts"

/** A path that gets its matches from the test. */
const setUp = () => {
  let searches = 0
  let found: { readonly correlation: number; readonly delay: number } | undefined
  let match = { correlation: 0.98, amplitude: 0.1 }
  const matcher: EchoMatcher.EchoMatcher = {
    hear: () => undefined,
    search: () => {
      searches++
      return found
    },
    follow: (_, delay) => ({ ...match, delay })
  }
  const path = EchoPath.make(matcher)
  return {
    path,
    find: (correlation: number, delay: number) => {
      found = { correlation, delay }
    },
    match: (correlation: number, amplitude: number) => {
      match = { correlation, amplitude }
    },
    searches: () => searches,
    /** The number of windows until it learns the delay. */
    learn: (windows = 4) => {
      for (let window = 0; window < windows; window++) path.onSound()
      return path.learn(0)
    }
  }
}

describe("a delay", () => {
  it("is learned when two searches in a row find it", () => {
    const { find, learn, path } = setUp()
    find(0.7, 1600)
    assert.isFalse(learn())
    assert.isUndefined(path.delay())
    find(0.6, 1610)
    assert.isTrue(learn())
    assert.strictEqual(path.delay(), 1610)
    assert.closeTo(path.gain(), 0.01, 1e-9)
  })

  it("is not learned from two searches that differ", () => {
    const { find, learn } = setUp()
    find(0.7, 1600)
    assert.isFalse(learn())
    find(0.7, 1640)
    assert.isFalse(learn())
  })

  it("is learned at once from a nearly perfect match", () => {
    const { find, learn, path } = setUp()
    find(0.95, 1600)
    assert.isTrue(learn())
    assert.strictEqual(path.delay(), 1600)
  })

  it("is not learned from a copy that is louder than any line's echo", () => {
    const { find, learn, match } = setUp()
    find(0.95, 1600)
    match(0.95, 0.8)
    assert.isFalse(learn())
    assert.isFalse(learn())
  })

  it("is searched only in every fourth window", () => {
    const { find, learn, searches } = setUp()
    find(0.7, 1600)
    assert.isFalse(learn(3))
    assert.strictEqual(searches(), 0)
    learn(1)
    assert.strictEqual(searches(), 1)
  })
})

describe("a known delay", () => {
  const known = () => {
    const path = setUp()
    path.find(0.95, 1600)
    path.learn()
    return path
  }

  it("is followed while the sound is alike there, and moves gain and amplitude by a quarter", () => {
    const { match, path } = known()
    match(0.98, 0.2)
    assert.isTrue(path.follow(0))
    assert.closeTo(path.amplitude(), 0.125, 1e-9)
    assert.closeTo(path.gain(), 0.01 + (0.04 - 0.01) / 4, 1e-9)
    match(0.7, 0.2)
    assert.isFalse(path.follow(0))
    assert.closeTo(path.amplitude(), 0.125, 1e-9)
  })

  it("with a poor match makes it search for a better one, less and less often", () => {
    const { match, path, searches } = known()
    match(0.9, 0.1)
    const before = searches()
    const at: Array<number> = []
    for (let window = 1; window <= 40; window++) {
      const count = searches()
      path.onSound()
      path.follow(0)
      if (searches() > count) at.push(window)
    }
    assert.isAbove(searches(), before)
    assert.deepStrictEqual(at, [4, 12, 28])
  })

  it("loses a tenth of its gain with each window in which the echo does not come", () => {
    const { path } = known()
    path.weaken()
    assert.closeTo(path.gain(), 0.009, 1e-9)
  })
})
