import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  CallEvent,
  type CallState,
  type Command,
  type EndReason,
  initialState,
  isGivenUp,
  type StreamEnd,
  type Timer
} from "../../../src/call/CallState.ts"
import { transition } from "../../../src/call/CallTransition.ts"
import { CallStatus } from "../../../src/twilio/webhook/WebhookParameters.ts"
import { streamSid } from "../../support/conversation/Samples.ts"

const maxResumptions = 5
const initial = initialState({ maxResumptions })

// ---------------------------------------------------------------------------------------------
// Events, and how tests write the commands and phases
// ---------------------------------------------------------------------------------------------

const status = (status: CallStatus, sequence = 0) => CallEvent.StatusReported({ status, sequence })
const answered = CallEvent.Answered({ streamsHere: true, request: "afterStream" })
const answeredElsewhere = CallEvent.Answered({ streamsHere: false, request: "afterStream" })
const started = (index = 1) => CallEvent.StreamStarted({ streamSid: streamSid(index) })
const ended = (end: StreamEnd, index = 1) => CallEvent.StreamEnded({ streamSid: streamSid(index), end })
const stopped: StreamEnd = { _tag: "Stopped" }
const lost: StreamEnd = { _tag: "Lost" }
const closed = (reason: EndReason): StreamEnd => ({ _tag: "Closed", reason })
const fired = (timer: Timer) => CallEvent.TimerFired({ timer })
const hangUp = CallEvent.HangUpRequested({ reason: "requested" })
const released = CallEvent.Released({ reason: "shutdown" })

const write = (command: Command): string => {
  switch (command._tag) {
    case "Arm":
      return `arm ${command.timer}`
    case "Disarm":
      return `disarm ${command.timer}`
    case "CloseStream":
      return `close ${command.reason}`
    case "HangUp":
      return "hang up"
  }
}

const phaseOf = ({ phase }: CallState): string =>
  phase._tag === "Ending" || phase._tag === "Ended" ? `${phase._tag} ${phase.reason}` : phase._tag

const after = (...events: ReadonlyArray<CallEvent>): CallState =>
  events.reduce((state, event) => transition(state, event)[1], initial)

/** The phase after `event`, and the commands. */
const step = (state: CallState, event: CallEvent): readonly [phase: string, ...commands: Array<string>] => {
  const [commands, next] = transition(state, event)
  return [phaseOf(next), ...commands.map(write)]
}

const initiated = initial
const ringing = after(status("ringing", 1))
const connected = after(answered)
const streaming = after(answered, started())
const resuming = after(answered, started(), ended(lost))
const ending = after(answered, started(), ended(stopped))
const over = after(status("busy", 2))

const live: ReadonlyArray<readonly [name: string, state: CallState]> = [
  ["Initiated", initiated],
  ["Ringing", ringing],
  ["Connected", connected],
  ["Streaming", streaming],
  ["Resuming", resuming],
  ["Ending", ending]
]

describe("the way of a call", () => {
  it("goes from Initiated to Ended when the caller hangs up", () => {
    const events = [
      status("initiated", 0),
      status("ringing", 1),
      status("in-progress", 2),
      answered,
      started(),
      ended(stopped),
      status("completed", 3)
    ]
    const phases = events.map((_, index) => phaseOf(after(...events.slice(0, index + 1))))
    assert.deepStrictEqual(phases, [
      "Initiated",
      "Ringing",
      "Connected",
      "Connected",
      "Streaming",
      "Ending callerLeft",
      "Ended callerLeft"
    ])
  })

  it("limits the call and the wait for the stream from the answer on", () => {
    assert.deepStrictEqual(step(initiated, answered), ["Connected", "arm start", "arm duration"])
    assert.deepStrictEqual(step(ringing, answered), ["Connected", "arm start", "arm duration"])
    assert.deepStrictEqual(step(ringing, status("in-progress", 2)), ["Connected", "arm start", "arm duration"])
  })

  it("does not wait for a stream here if the sound goes elsewhere", () => {
    assert.deepStrictEqual(step(initiated, answeredElsewhere), ["Connected", "disarm start", "arm duration"])
  })

  it("stops waiting for a stream here if the report of the answer came before the webhook", () => {
    assert.deepStrictEqual(step(after(status("in-progress", 2)), answeredElsewhere), ["Connected", "disarm start"])
  })

  it("waits again from the webhook on if the report of the answer came before it", () => {
    const state = after(status("in-progress", 2))
    assert.deepStrictEqual(step(state, answered), ["Connected", "arm start"])
    assert.strictEqual(transition(state, answered)[1].resumptions, 0)
  })

  it("ends the waits for a stream when one starts", () => {
    const expected = ["Streaming", "disarm start", "disarm resuming", "arm duration"] as const
    for (const state of [initiated, ringing, connected, resuming]) {
      assert.deepStrictEqual(step(state, started(2)), expected)
    }
  })

  it("refuses a second stream", () => {
    assert.deepStrictEqual(step(streaming, started(2)), ["Streaming"])
    assert.deepStrictEqual(transition(streaming, started(2))[1], streaming)
  })

  it("refuses a stream once it is ending", () => {
    assert.deepStrictEqual(step(ending, started(2)), ["Ending callerLeft"])
  })
})

describe("the end of a stream", () => {
  it("by Twilio's stop ends the call: the caller left", () => {
    assert.deepStrictEqual(step(streaming, ended(stopped)), ["Ending callerLeft", "arm ending"])
  })

  it.each(["agentLeft", "agentFailed", "mediaTimeout", "badMessages", "slowPeer"] as const)(
    "by us ends the call for our reason: %s",
    (reason) => assert.deepStrictEqual(step(streaming, ended(closed(reason))), [`Ending ${reason}`, "arm ending"])
  )

  it("by a loss lets the call go on: lost, Resuming, Connected, Streaming", () => {
    assert.deepStrictEqual(step(streaming, ended(lost)), ["Resuming", "arm resuming"])
    assert.deepStrictEqual(step(resuming, answered), ["Connected", "disarm resuming", "arm start"])
    const again = transition(resuming, answered)[1]
    assert.deepStrictEqual(step(again, started(2))[0], "Streaming")
  })

  it("of another stream means nothing", () => {
    assert.deepStrictEqual(step(streaming, ended(stopped, 2)), ["Streaming"])
    assert.deepStrictEqual(step(after(answered, started(), ended(lost), answered, started(2)), ended(stopped, 1)), [
      "Streaming"
    ])
  })

  it("means nothing when it comes twice", () => {
    assert.deepStrictEqual(step(ending, ended(lost)), ["Ending callerLeft"])
    assert.deepStrictEqual(step(resuming, ended(stopped)), ["Resuming"])
  })

  it("is given up after so many losses", () => {
    let state = connected
    for (let index = 1; index <= maxResumptions; index++) {
      state = [started(index), ended(lost, index), answered].reduce((state, event) => transition(state, event)[1], state)
      assert.strictEqual(phaseOf(state), "Connected", `after ${index}`)
    }
    state = transition(state, started(99))[1]
    assert.deepStrictEqual(step(state, ended(lost, 99)), ["Ending streamLost", "arm ending"])
  })

  it("is given up at the first loss if no resumption is allowed", () => {
    const state = transition(initialState({ maxResumptions: 0 }), started())[1]
    assert.deepStrictEqual(step(state, ended(lost)), ["Ending streamLost", "arm ending"])
  })

  it("counts the losses in an earlier process", () => {
    const fourLost = transition(initialState({ maxResumptions: 5, resumptions: 4 }), started())[1]
    assert.deepStrictEqual([phaseOf(fourLost), fourLost.resumptions], ["Streaming", 4])
    const fiveLost = transition(fourLost, ended(lost))[1]
    assert.deepStrictEqual([phaseOf(fiveLost), fiveLost.resumptions], ["Resuming", 5])

    const sixLost = initialState({ maxResumptions: 5, resumptions: 6 })
    assert.deepStrictEqual(step(sixLost, answered), ["Ending streamLost", "arm ending"])
    assert.isTrue(isGivenUp(transition(sixLost, answered)[1]))
    assert.deepStrictEqual(step(sixLost, started()), ["Ending streamLost", "hang up", "arm ending"])
  })
})

describe("Twilio's next request for TwiML", () => {
  it("while our stream is still open does not close it until the next one starts: a replay closes nothing", () => {
    assert.deepStrictEqual(step(streaming, answered), ["Streaming", "arm start"])
    const next = transition(streaming, answered)[1]
    assert.deepStrictEqual(transition(next, fired("start")), [[], streaming])
    assert.deepStrictEqual(step(next, ended(lost)), ["Connected", "arm start"])
    assert.deepStrictEqual(step(next, started(2)), ["Streaming", "disarm start", "close streamLost", "arm duration"])
  })

  it("changes nothing if it comes a hundred times and no stream follows", () => {
    for (const request of ["first", "afterStream", "afterTransfer"] as const) {
      let state = streaming
      for (let count = 0; count < 100; count++) {
        for (const event of [CallEvent.Answered({ streamsHere: true, request }), fired("start")]) {
          const [commands, next] = transition(state, event)
          assert.deepStrictEqual(commands.map(write), event._tag === "Answered" ? ["arm start"] : [])
          state = next
        }
      }
      assert.deepStrictEqual(state, streaming)
    }
  })

  it("waits again if the stream of the last answer never started", () => {
    assert.deepStrictEqual(step(connected, answered), ["Connected", "arm start"])
  })

  it("does not wait for a stream here if the stream goes elsewhere", () => {
    assert.deepStrictEqual(step(after(answeredElsewhere), answeredElsewhere), ["Connected", "disarm start"])
  })

  const next = (step: number) => CallEvent.Answered({ streamsHere: true, request: "afterStream", step })

  it("is given up when it comes again and again because no stream starts", () => {
    let state = connected
    const { step: first } = state
    for (let count = 0; count < maxResumptions; count++) {
      state = transition(state, next(first + count))[1]
      assert.strictEqual(phaseOf(state), "Connected")
    }
    assert.deepStrictEqual(step(state, next(first + maxResumptions)), ["Ending noStream", "arm ending"])
  })

  it("as a replay before the stream starts uses up no resumption and extends the wait once, however often", () => {
    for (const before of [streaming, resuming]) {
      const asked = next(before.step)
      // While our end of the old stream is still open, or when it was seen to be lost.
      let state = [asked, ended(lost)].reduce((state, event) => transition(state, event)[1], before)
      assert.strictEqual(phaseOf(state), "Connected")
      const { resumptions } = state
      assert.deepStrictEqual(step(state, asked), ["Connected", "arm start"])
      state = transition(state, asked)[1]
      for (let count = 0; count < 100; count++) {
        assert.deepStrictEqual(step(state, asked), ["Connected"])
        state = transition(state, asked)[1]
      }
      assert.strictEqual(state.resumptions, resumptions)
      assert.strictEqual(phaseOf(transition(state, started(2))[1]), "Streaming")
      assert.deepStrictEqual(step(state, fired("start")), ["Ending noStream", "hang up", "arm ending"])
    }
  })

  it("too often while a stream is open is given up", () => {
    // While a stream is open the last one stays: it ends by its own silence.
    let state = streaming
    for (let index = 2; index < maxResumptions + 10; index++) {
      state = [answered, started(index)].reduce((state, event) => transition(state, event)[1], state)
    }
    assert.deepStrictEqual([phaseOf(state), state.offer, state.resumptions], ["Streaming", "none", maxResumptions])
    assert.deepStrictEqual(step(state, ended(lost, maxResumptions + 1)), ["Ending streamLost", "arm ending"])
  })

  it("changes nothing once the call is ending", () => {
    assert.deepStrictEqual(step(ending, answered), ["Ending callerLeft"])
  })
})

describe("a call that was in another process meanwhile", () => {
  const resuming = after(answered, started(), ended(lost))
  const renewed = (lostStreams: number) => transition(resuming, CallEvent.Renewed({ lostStreams }))[1]

  it("counts the streams that were lost there", () => {
    assert.strictEqual(renewed(3).resumptions, 3)
    assert.strictEqual(renewed(0).resumptions, 1)
    assert.strictEqual(step(renewed(maxResumptions), started(2))[0], "Streaming")
  })

  it("is given up if it lost too many streams in all processes", () => {
    assert.deepStrictEqual(step(renewed(maxResumptions + 1), started(2)), ["Ending streamLost", "hang up", "arm ending"])
  })
})

describe("a second request for the first TwiML, or a replay", () => {
  const again = CallEvent.Answered({ streamsHere: true, request: "first" })
  const againElsewhere = CallEvent.Answered({ streamsHere: false, request: "first" })
  const transferred = after(answered, started(), CallEvent.TransferBegan(), CallEvent.TransferDone(), ended(stopped))
  const offered = (state: CallState) => transition(state, again)[1]

  it("before the stream starts is answered again, however often", () => {
    let state = connected
    for (let count = 0; count < 20; count++) {
      assert.deepStrictEqual(step(state, again), ["Connected", "arm start"])
      state = offered(state)
    }
    assert.deepStrictEqual(state, connected)
    assert.deepStrictEqual(step(state, againElsewhere), ["Connected", "disarm start"])
  })

  it("does not close an open stream, and accepts one that starts in the next seconds", () => {
    assert.deepStrictEqual(step(streaming, again), ["Streaming", "arm start"])
    assert.deepStrictEqual(step(offered(streaming), started(2)), ["Streaming", "disarm start", "close streamLost", "arm duration"])
    assert.deepStrictEqual(transition(offered(streaming), fired("start")), [[], streaming])
  })

  it("neither ends a call nor makes the wait longer, however often it comes", () => {
    let state = offered(streaming)
    for (let count = 0; count < 20; count++) {
      assert.deepStrictEqual(step(state, again), ["Streaming"])
      state = offered(state)
    }
    assert.deepStrictEqual(step(state, ended(closed("agentLeft"))), ["Ending agentLeft", "arm ending"])
  })

  it("does not accept the open stream a second time", () => {
    assert.deepStrictEqual(step(offered(streaming), started(1)), ["Streaming"])
  })

  it("just before the old stream's stop, or its loss, waits for the new one", () => {
    for (const end of [stopped, lost]) assert.deepStrictEqual(step(offered(streaming), ended(end)), ["Connected", "arm start"])
  })

  it("just after the old stream's stop accepts the new one: the call was redirected", () => {
    assert.deepStrictEqual(step(ending, again), ["Ending callerLeft", "disarm ending", "arm start"])
    assert.deepStrictEqual(step(offered(ending), started(2)), ["Streaming", "disarm start", "arm duration"])
    assert.isFalse(isGivenUp(offered(ending)))
  })

  it("after the stop, with no new stream, hangs up and keeps the reason", () => {
    assert.deepStrictEqual(step(offered(ending), fired("start")), ["Ending callerLeft", "hang up", "arm ending"])
    assert.deepStrictEqual(step(offered(ending), status("completed", 9)), ["Ended callerLeft"])
    assert.deepStrictEqual(step(offered(ending), hangUp), ["Ending callerLeft", "hang up", "arm ending"])
    assert.isTrue(isGivenUp(transition(offered(ending), hangUp)[1]))
  })

  it("after we ended the call is told to hang up", () => {
    for (const reason of ["agentLeft", "mediaTimeout", "slowPeer"] as const) {
      const state = after(answered, started(), ended(closed(reason)))
      assert.deepStrictEqual(step(state, again), [`Ending ${reason}`])
      assert.isTrue(isGivenUp(state))
    }
  })

  it("does not disturb a transferred call until a stream starts", () => {
    assert.deepStrictEqual(step(transferred, again), ["Transferred", "arm start"])
    assert.deepStrictEqual(transition(offered(transferred), fired("start")), [[], transferred])
    assert.deepStrictEqual(step(offered(transferred), started(2)), ["Streaming", "disarm start", "disarm transferred", "arm duration"])
    assert.deepStrictEqual(step(transferred, started(2)), ["Transferred"])
  })

  it("is believed once Twilio reports the end of its new stream", () => {
    assert.strictEqual(step(offered(transferred), answered)[0], "Transferred")
    assert.strictEqual(step(offered(ending), answered)[0], "Connected")
  })

  it("hangs nothing up if the stream goes elsewhere", () => {
    const elsewhere = (state: CallState) => transition(state, againElsewhere)[1]
    assert.deepStrictEqual(step(elsewhere(streaming), started(2)), ["Streaming"])
    assert.deepStrictEqual(step(elsewhere(streaming), ended(stopped)), ["Connected", "disarm start"])
    assert.deepStrictEqual(step(elsewhere(ending), fired("start")), ["Ending callerLeft", "arm ending"])
  })
})

describe("a hang-up that is asked for", () => {
  it.each([["Initiated", initiated], ["Ringing", ringing], ["Connected", connected], ["Resuming", resuming]] as const)(
    "goes over REST while there is no stream: %s",
    (_, state) => assert.deepStrictEqual(step(state, hangUp), ["Ending requested", "hang up", "arm ending"])
  )

  it("closes the open stream: then Twilio requests TwiML", () => {
    assert.deepStrictEqual(step(streaming, hangUp), ["Ending requested", "close requested", "arm ending"])
  })

  it("changes nothing the second time: the first reason stays", () => {
    const state = after(answered, started(), CallEvent.HangUpRequested({ reason: "shutdown" }))
    assert.deepStrictEqual(step(state, hangUp), ["Ending shutdown"])
  })
})

describe("timers", () => {
  it("start: no stream came, so Twilio is told to hang up", () => {
    assert.deepStrictEqual(step(connected, fired("start")), ["Ending noStream", "hang up", "arm ending"])
  })

  it("duration: the call was too long, in every phase", () => {
    assert.deepStrictEqual(step(streaming, fired("duration")), ["Ending tooLong", "close tooLong", "arm ending"])
    assert.deepStrictEqual(step(connected, fired("duration")), ["Ending tooLong", "hang up", "arm ending"])
    assert.deepStrictEqual(step(resuming, fired("duration")), ["Ending tooLong", "hang up", "arm ending"])
    assert.deepStrictEqual(step(ending, fired("duration")), ["Ending callerLeft"])
  })

  it("ending: Twilio's final status did not come, and the reason stays", () => {
    assert.deepStrictEqual(step(ending, fired("ending")), ["Ended callerLeft"])
  })

  it("resuming: Twilio did not come back", () => {
    assert.deepStrictEqual(step(resuming, fired("resuming")), ["Ended streamLost"])
  })

  it("answer: no report came at all, so the call is hung up and does not keep its line for ever", () => {
    assert.deepStrictEqual(step(initiated, fired("answer")), ["Ending noAnswer", "hang up", "arm ending"])
    assert.deepStrictEqual(step(ringing, fired("answer")), ["Ending noAnswer", "hang up", "arm ending"])
  })

  it("that fire too late change nothing", () => {
    const harmless: ReadonlyArray<readonly [Timer, ReadonlyArray<CallState>]> = [
      ["answer", [connected, streaming, resuming, ending, over]],
      ["start", [initiated, ringing, streaming, resuming, ending, over]],
      ["resuming", [initiated, ringing, connected, streaming, ending, over]],
      ["ending", [initiated, ringing, connected, streaming, resuming, over]],
      ["duration", [ending, over]]
    ]
    for (const [timer, states] of harmless) {
      for (const state of states) assert.deepStrictEqual(transition(state, fired(timer)), [[], state])
    }
  })
})

describe("status reports", () => {
  it.each([
    ["busy", "busy"],
    ["no-answer", "noAnswer"],
    ["failed", "failed"],
    ["canceled", "canceled"],
    ["completed", "completed"]
  ] as const)("end a call that nobody answered: %s", (word, reason) => {
    assert.deepStrictEqual(step(ringing, status(word, 2)), [`Ended ${reason}`])
  })

  it.each(live)("completed ends a call in %s", (name, state) => {
    const reason = name === "Ending" ? "callerLeft" : "completed"
    const commands = name === "Streaming" ? ["close completed"] : []
    assert.deepStrictEqual(step(state, status("completed", 9)), [`Ended ${reason}`, ...commands])
  })

  it("completed counts whatever its number: nothing can come after it", () => {
    const state = after(status("in-progress", 5), answered, started())
    assert.deepStrictEqual(step(state, status("completed", 1)), ["Ended completed", "close completed"])
    assert.deepStrictEqual(step(state, status("completed", -1))[0], "Ended completed")
  })

  it("that are older than the last change nothing", () => {
    const state = after(status("ringing", 1))
    assert.deepStrictEqual(transition(state, status("in-progress", 0)), [[], state])
    assert.deepStrictEqual(transition(state, status("in-progress", 1)), [[], state])
  })

  it("that come twice change nothing", () => {
    const state = after(status("ringing", 1), status("in-progress", 2))
    assert.deepStrictEqual(transition(state, status("in-progress", 2)), [[], state])
  })

  it.each(live.slice(2))("never go back: ringing in %s", (_, state) => {
    const [commands, next] = transition(state, status("ringing", 99))
    assert.deepStrictEqual(commands, [])
    assert.deepStrictEqual(next.phase, state.phase)
  })

  it("of an answer change nothing once the call is under way", () => {
    for (const state of [connected, streaming, resuming, ending]) {
      const [commands, next] = transition(state, status("in-progress", 99))
      assert.deepStrictEqual(commands, [])
      assert.deepStrictEqual(next.phase, state.phase)
    }
  })
})

describe("release", () => {
  it.each(live)("ends a call in %s at once", (name, state) => {
    const reason = name === "Ending" ? "callerLeft" : "shutdown"
    assert.deepStrictEqual(step(state, released), [`Ended ${reason}`, ...(name === "Streaming" ? ["close shutdown"] : [])])
  })
})

describe("a transfer", () => {
  const began = CallEvent.TransferBegan()
  const done = CallEvent.TransferDone()
  const failed = CallEvent.TransferFailed()
  const transferring = after(answered, started(), began)
  const transferred = after(answered, started(), began, done, ended(stopped))
  const cameBack = CallEvent.Answered({ streamsHere: true, request: "afterTransfer" })

  it("makes the stream's end neither a lost stream nor a hang-up: the call goes on without us", () => {
    assert.deepStrictEqual(step(streaming, began), ["Streaming"])
    for (const end of [stopped, lost, closed("mediaTimeout")]) {
      assert.deepStrictEqual(step(transition(transferring, done)[1], ended(end)), ["Transferred", "disarm duration", "arm transferred"])
    }
    for (const end of [stopped, closed("mediaTimeout")]) {
      assert.deepStrictEqual(transition(transition(transferring, ended(end))[1], done), [[], transferred])
    }
  })

  describe("whose socket is lost before Twilio has answered", () => {
    const cut = transition(transferring, ended(lost))[1]
    const resumed = [CallEvent.Answered({ streamsHere: true, request: "afterStream" }), started(2)]
    const onNewStream = resumed.reduce((state, event) => transition(state, event)[1], cut)

    it("goes on with another stream, as after any lost socket", () => {
      assert.deepStrictEqual(step(transferring, ended(lost)), ["Resuming", "arm resuming"])
      assert.strictEqual(phaseOf(onNewStream), "Streaming")
      assert.deepStrictEqual(step(transition(onNewStream, failed)[1], ended(stopped, 2)), ["Ending callerLeft", "arm ending"])
    })

    it("is transferred when Twilio does it, whatever the call was waiting for", () => {
      assert.deepStrictEqual(step(cut, done), ["Transferred", "disarm resuming", "disarm duration", "arm transferred"])
      assert.deepStrictEqual(step(transition(cut, resumed[0])[1], done), ["Transferred", "disarm start", "disarm duration", "arm transferred"])
      assert.deepStrictEqual(step(transition(onNewStream, done)[1], ended(stopped, 2)), ["Transferred", "disarm duration", "arm transferred"])
      assert.deepStrictEqual(step(onNewStream, ended(stopped, 2)), ["Transferred", "disarm duration", "arm transferred"])
      assert.deepStrictEqual(step(cut, fired("resuming")), ["Transferred", "disarm duration", "arm transferred"])
    })

    it("waits for Twilio as after any lost socket when Twilio does not do it", () => {
      assert.deepStrictEqual(step(cut, failed), ["Resuming"])
      assert.deepStrictEqual(step(transition(cut, failed)[1], fired("resuming")), ["Ended streamLost"])
    })
  })

  it("that found nobody is known in a process that did not have the call before", () => {
    const back = transition(initial, cameBack)[1]
    assert.isTrue(back.isBackFromTransfer)
    assert.isFalse(transition(back, started())[1].isBackFromTransfer)
  })

  it("that nobody asked for is a replay: the conversation that goes on afterwards is not told of it", () => {
    for (const state of [after(answered, started()), after(answered), after(answered, started(), ended(lost))]) {
      assert.isFalse(transition(state, cameBack)[1].isBackFromTransfer)
    }
    assert.isTrue(transition(after(answered, started(), began), cameBack)[1].isBackFromTransfer)
  })

  it("ends with Twilio's last status, and counts as transferred, however it ends", () => {
    assert.deepStrictEqual(step(transferred, status("completed", 9)), ["Ended transferred"])
    assert.deepStrictEqual(step(transferred, released), ["Ended transferred"])
    assert.deepStrictEqual(step(transferred, fired("transferred")), ["Ended transferred"])
  })

  it("that nobody answers gives the call back, with a stream, but not for ever", () => {
    assert.deepStrictEqual(step(transferred, cameBack), ["Transferred", "arm start"])
    const [phase, ...commands] = step(transition(transferred, cameBack)[1], started(2))
    assert.strictEqual(phase, "Streaming")
    assert.sameMembers(commands, ["disarm start", "disarm transferred", "arm duration"])
    // A replay of that, while they talk to each other, ends nothing.
    assert.deepStrictEqual(transition(transition(transferred, cameBack)[1], fired("start")), [[], transferred])
    assert.deepStrictEqual(step(after(answered, started(), began, done, ended(stopped), cameBack, started(2)), ended(stopped, 2)), [
      "Ending callerLeft",
      "arm ending"
    ])
    let state = transferred
    for (let time = 2; state.phase._tag === "Transferred"; time++) {
      assert.isAtMost(time, maxResumptions + 2)
      for (const event of [cameBack, started(time), began, ended(stopped, time)]) [, state] = transition(state, event)
    }
    assert.strictEqual(state.phase._tag, "Ending")
  })

  it("that Twilio refuses leaves the call as it was", () => {
    assert.deepStrictEqual(transition(transferring, failed), [[], streaming])
    assert.deepStrictEqual(step(after(answered, started(), began, failed), ended(lost)), ["Resuming", "arm resuming"])
  })

  it("that fails because the caller had hung up counts as the caller's hang-up", () => {
    assert.deepStrictEqual(step(transition(transferring, ended(stopped))[1], failed), ["Ending callerLeft", "disarm transferred", "arm ending"])
  })

  it("is not cut off by the longest duration of a call with the agent", () => {
    assert.deepStrictEqual(step(transferred, fired("duration")), ["Transferred"])
  })

  it("is ended over REST when that is asked for", () => {
    assert.deepStrictEqual(step(transferred, hangUp), ["Ending requested", "hang up", "arm ending"])
  })

  it("needs an open stream", () => {
    for (const state of [initiated, ringing, connected, resuming, ending, over]) {
      assert.deepStrictEqual(transition(state, began), [[], state])
      assert.deepStrictEqual(transition(state, failed), [[], state])
    }
  })
})

describe("whatever comes, in any order", () => {
  const sequence = Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 6 }))
  const stream = Schema.Literals([1, 2, 3])
  const reason = Schema.Literals(["completed", "callerLeft", "agentLeft", "tooLong", "shutdown"])
  const Event = Schema.Union([
    Schema.Struct({
      _tag: Schema.tag("StatusReported"),
      status: CallStatus,
      sequence
    }),
    Schema.Struct({ _tag: Schema.tag("Quiet"), status: Schema.Literals(["queued", "ringing", "in-progress"]), sequence }),
    Schema.Struct({
      _tag: Schema.tag("Answered"),
      streamsHere: Schema.Boolean,
      request: Schema.Literals(["first", "afterStream", "afterTransfer"])
    }),
    Schema.Struct({ _tag: Schema.tag("StreamStarted"), stream }),
    Schema.Struct({ _tag: Schema.tag("StreamEnded"), stream, end: Schema.Literals(["Stopped", "Lost", "Closed"]), reason }),
    Schema.Struct({
      _tag: Schema.tag("TimerFired"),
      timer: Schema.Literals(["answer", "start", "duration", "ending", "resuming", "transferred"])
    }),
    Schema.Struct({ _tag: Schema.Literals(["TransferBegan", "TransferDone", "TransferFailed"]) }),
    Schema.Struct({ _tag: Schema.tag("HangUpRequested"), reason }),
    Schema.Struct({ _tag: Schema.tag("Renewed"), lostStreams: Schema.Literals([0, 1, 3, 5]) }),
    Schema.Struct({ _tag: Schema.tag("Released"), reason })
  ])

  const toEvent = (event: typeof Event.Type): CallEvent => {
    switch (event._tag) {
      case "Quiet":
        return status(event.status, event.sequence)
      case "StreamStarted":
        return started(event.stream)
      case "StreamEnded":
        return ended(event.end === "Closed" ? closed(event.reason) : { _tag: event.end }, event.stream)
      default:
        return event
    }
  }

  const Events = Schema.Array(Event)
  const run = (events: ReadonlyArray<typeof Event.Type>) => {
    let state = initial
    return events.map((raw) => {
      const event = toEvent(raw)
      const before = state
      const [commands, next] = transition(before, event)
      state = next
      return { event, before, commands, next }
    })
  }
  const property = (name: string, check: (step: ReturnType<typeof run>[number]) => void) =>
    it.prop(name, [Events], ([events]) => run(events).forEach(check), { arbitrary: { runs: 500 } })

  /** How far along a phase is; Connected, Streaming and Resuming follow each other round. */
  const rank = (state: CallState) =>
    ({ Initiated: 0, Ringing: 1, Connected: 2, Streaming: 2, Resuming: 2, Transferred: 2, Ending: 3, Ended: 4 })[state.phase._tag]

  property("nothing leaves Ended, and nothing is done after it", ({ before, commands, next }) => {
    if (before.phase._tag !== "Ended") return
    assert.deepStrictEqual(next, before)
    assert.deepStrictEqual(commands, [])
  })

  /** Twilio had only taken it elsewhere: its stream was stopped, and it was offered another one. */
  const comesBack = (before: CallState, next: CallState) =>
    phaseOf(before) === "Ending callerLeft" && before.offer !== "none" && ["Connected", "Streaming"].includes(next.phase._tag)

  property("a call never goes back", ({ before, next }) => {
    if (!comesBack(before, next)) assert.isAtLeast(rank(next), rank(before))
    assert.isAtLeast(next.sequence, before.sequence)
    assert.isAtLeast(next.resumptions, before.resumptions)
    assert.isAtMost(next.resumptions, maxResumptions)
  })

  property("the first reason stays", ({ before, next }) => {
    if (before.phase._tag !== "Ending" || comesBack(before, next)) return
    assert.isTrue(next.phase._tag === "Ending" || next.phase._tag === "Ended")
    if (next.phase._tag === "Ending" || next.phase._tag === "Ended") {
      assert.strictEqual(next.phase.reason, before.phase.reason)
    }
  })

  property("a stream that the call leaves has ended, or is closed", ({ before, commands, event, next }) => {
    if (before.phase._tag !== "Streaming" || next.phase._tag === "Streaming") return
    const isClosed = commands.some((command) => command._tag === "CloseStream")
    assert.strictEqual(isClosed, event._tag !== "StreamEnded")
  })

  property("only an open stream is closed, and only a call without one is hung up over REST", ({ before, commands }) => {
    for (const command of commands) {
      if (command._tag === "CloseStream") assert.strictEqual(before.phase._tag, "Streaming")
      if (command._tag === "HangUp") assert.notStrictEqual(before.phase._tag, "Streaming")
    }
  })

  property("a request that may be a replay moves no call that has had its stream", ({ before, commands, event, next }) => {
    if (event._tag !== "Answered" || event.request !== "first") return
    if (!["Streaming", "Transferred", "Ending"].includes(before.phase._tag)) return
    assert.deepStrictEqual(next, { ...before, offer: next.offer })
    const timers = commands.map((command) => command._tag === "CloseStream" || command._tag === "HangUp" ? command._tag : command.timer)
    assert.includeMembers(["start", "ending"], timers)
  })

  property("an offered stream is waited for, and not for ever", ({ before, commands, next }) => {
    if (before.offer !== "none" || next.offer === "none") return
    assert.deepInclude(commands.map(write), "arm start")
    const [after, withdrawn] = transition(next, fired("start"))
    assert.strictEqual(withdrawn.offer, "none")
    if (next.phase._tag === "Connected") assert.strictEqual(phaseOf(withdrawn), "Ending noStream")
    else assert.deepStrictEqual(withdrawn.phase, next.phase)
    if (next.phase._tag === "Ending") assert.include(after.map(write), "arm ending")
  })

  property("every phase but the first has a wait that ends it", ({ before, commands, next }) => {
    if (before.phase._tag === next.phase._tag) return
    const armed = commands.flatMap((command) => command._tag === "Arm" ? [command.timer] : [])
    if (next.phase._tag === "Ending") assert.include(armed, "ending")
    if (next.phase._tag === "Resuming") assert.include(armed, "resuming")
    if (next.phase._tag === "Transferred") assert.include(armed, "transferred")
    if (next.phase._tag === "Connected" && rank(before) < 2) assert.include(armed, "duration")
    if (next.phase._tag === "Streaming") assert.include(armed, "duration")
  })

  property("late, double and older reports change nothing but what was counted", ({ before, event, next }) => {
    if (event._tag !== "StatusReported" || event.sequence > before.sequence) return
    if (["completed", "busy", "no-answer", "failed", "canceled"].includes(event.status)) return
    assert.deepStrictEqual(next, before)
  })
})
