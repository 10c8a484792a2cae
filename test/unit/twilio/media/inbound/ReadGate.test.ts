import { assert, describe, it } from "@effect/vitest"
import * as ReadGate from "../../../../../src/twilio/media/inbound/ReadGate.ts"

const makeSocket = () => {
  const socket = {
    isPaused: false,
    pause: () => {
      socket.isPaused = true
    },
    resume: () => {
      socket.isPaused = false
    }
  }
  return socket
}

describe("a socket that must not be read", () => {
  it("is paused until every reason is gone", () => {
    const socket = makeSocket()
    const gate = ReadGate.make(socket)
    gate.close("controlWaits")
    gate.close("turnIsFull")
    gate.open("turnIsFull")
    assert.isTrue(socket.isPaused)
    gate.open("controlWaits")
    assert.isFalse(socket.isPaused)
  })

  it("is read again at once, however often the same reason was given", () => {
    const socket = makeSocket()
    const gate = ReadGate.make(socket)
    gate.close("controlWaits")
    gate.close("controlWaits")
    gate.open("controlWaits")
    assert.isFalse(socket.isPaused)
  })
})
