import { assert, describe, it } from "@effect/vitest"
import type { EchoPath } from "../../../../../src/conversation/listen/echo/EchoPath.ts"
import * as EchoSuspicion from "../../../../../src/conversation/listen/echo/EchoSuspicion.ts"
import * as PlayedSound from "../../../../../src/conversation/listen/echo/PlayedSound.ts"
import * as Sounds from "../../../../support/conversation/Sounds.ts"

const setUp = (delay?: number) => {
  const played = PlayedSound.make()
  const path: Pick<EchoPath, "delay" | "gain"> = { delay: () => delay, gain: () => 0.01 }
  return { played, suspicion: EchoSuspicion.make(played, path as EchoPath) }
}

const loud = Sounds.power(-20)

describe("sound that is unlike the played sound", () => {
  it("may be echo if it is 12 dB weaker than the played sound, while no delay is known", () => {
    const { suspicion } = setUp()
    assert.isTrue(suspicion.isEcho(loud / 16, loud))
    assert.isFalse(suspicion.isEcho(loud / 15, loud))
  })

  it("may be echo if it is at most 3 dB louder than the expected echo", () => {
    const { suspicion } = setUp(1600)
    assert.isTrue(suspicion.isEcho(loud * 0.0199, loud))
    assert.isFalse(suspicion.isEcho(loud * 0.021, loud))
  })

  it("is the caller's after half a second, until an echo or silence comes", () => {
    const { suspicion } = setUp()
    const count = () => {
      let windows = 0
      while (suspicion.isEcho(loud / 100, loud)) windows++
      return windows
    }
    assert.strictEqual(count(), 16)
    suspicion.onSilence(0)
    assert.strictEqual(count(), 1)
    suspicion.onEcho()
    assert.strictEqual(count(), 16)
  })
})

describe("a line without an echo", () => {
  const listen = (spoken: number) => {
    const { played, suspicion } = setUp()
    played.add(Sounds.noise(spoken, -20), 0)
    for (let window = 0; window < 32; window++) suspicion.onSilence(24_000)
    return suspicion
  }

  it("is recognized by a second of silence while the agent speaks", () =>
    assert.isFalse(listen(3000).isEcho(loud / 100, loud)))

  it("is not recognized while the agent is silent too", () => assert.isTrue(listen(2000).isEcho(loud / 100, loud)))
})
