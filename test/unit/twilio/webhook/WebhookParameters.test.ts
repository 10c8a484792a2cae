import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as WebhookParameters from "../../../../src/twilio/webhook/WebhookParameters.ts"
import { accountSid, callSid, streamSid } from "../../../support/conversation/Samples.ts"

/** Bodies as Twilio sends them, with more parameters than this service reads. */
const incoming =
  `ApiVersion=2010-04-01&AccountSid=${accountSid}&CallSid=${callSid()}&CallStatus=ringing&Direction=inbound` +
  "&From=%2B14155550123&Caller=%2B14155550123&FromCity=SAN+FRANCISCO&FromState=CA&FromZip=94105&FromCountry=US" +
  "&To=%2B14155550100&Called=%2B14155550100&ToCity=&ToState=CA&ToZip=&ToCountry=US&StirVerstat=TN-Validation-Passed-A"

const completed =
  `CallSid=${callSid()}&AccountSid=${accountSid}&From=%2B14155550100&To=%2B14155550123&CallStatus=completed` +
  "&Direction=outbound-api&ApiVersion=2010-04-01&Duration=1&CallDuration=49&SequenceNumber=3" +
  "&CallbackSource=call-progress-events&Timestamp=Sun%2C+25+Mar+2018+09%3A53%3A19+%2B0000&AnsweredBy=human"

const streamError =
  `AccountSid=${accountSid}&CallSid=${callSid()}&StreamSid=${streamSid()}&StreamName=${streamSid()}` +
  "&StreamEvent=stream-error&StreamError=Stream+-+handshake+refused&Timestamp=2026-11-02T10%3A11%3A12.345Z"

const form = (body: string, change: Record<string, string | undefined> = {}) => {
  const parameters: Record<string, string> = Object.fromEntries(new URLSearchParams(body))
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) delete parameters[name]
    else parameters[name] = value
  }
  return parameters
}

describe("a call that requests TwiML", () => {
  const decode = Schema.decodeUnknownResult(WebhookParameters.CallParameters)
  const read = (change: Record<string, string | undefined> = {}) => Result.getOrThrow(decode(form(incoming, change)))

  it("is read, without the parameters that this service does not use", () => {
    const call = read()
    assert.deepStrictEqual(Object.keys(call).sort(), [
      "AccountSid",
      "CallSid",
      "CallStatus",
      "Direction",
      "ErrorCode",
      "ErrorUrl",
      "From",
      "To"
    ])
    assert.isTrue(Option.isNone(call.ErrorCode) && Option.isNone(call.ErrorUrl))
    assert.strictEqual(call.CallSid, callSid())
    assert.strictEqual(call.AccountSid, accountSid)
    assert.deepStrictEqual<Option.Option<string>>(call.CallStatus, Option.some("ringing"))
    assert.strictEqual(call.Direction, "inbound")
    assert.deepStrictEqual<Option.Option<string>>(call.From, Option.some("+14155550123"))
    assert.deepStrictEqual<Option.Option<string>>(call.To, Option.some("+14155550100"))
  })

  it.each(["anonymous", "", "sip:alice@example.com", "sip:+14155550123@example.com", "client:alice", "266696687", "+266696687", "Restricted"])(
    "is accepted from %j, which is not a phone number",
    (From) => assert.isTrue(Option.isNone(read({ From }).From))
  )

  it.each(["sip:+14155550100@example.com", "sips:+14155550100@example.com;user=phone", "whatsapp:+14155550100", "tel:+14155550100"])(
    "is for the number in %j",
    (To) => assert.deepStrictEqual<Option.Option<string>>(read({ To }).To, Option.some("+14155550100"))
  )

  it.each(["sip:alice@example.com", "sip:4155550100@example.com", "client:+14155550100", ""])(
    "is for no number in %j",
    (To) => assert.isTrue(Option.isNone(read({ To }).To))
  )

  it("says which error made Twilio request the fallback URL, and at which path", () => {
    const call = read({ ErrorCode: "11200", ErrorUrl: "https://calls.example.com/twilio/continue?step=2" })
    assert.deepStrictEqual(call.ErrorCode, Option.some(11200))
    assert.deepStrictEqual(call.ErrorUrl, Option.some("/twilio/continue"))
  })

  it.each(["", "none", "-1", "1e4", "12345678"])("is accepted with %j, which is no error code", (ErrorCode) => {
    const call = read({ ErrorCode, ErrorUrl: "/twilio/continue" })
    assert.isTrue(Option.isNone(call.ErrorCode) && Option.isNone(call.ErrorUrl))
  })

  it("is accepted without From and To", () => {
    const call = read({ From: undefined, To: undefined })
    assert.isTrue(Option.isNone(call.From) && Option.isNone(call.To))
  })

  it.each([
    ["completed", "completed"],
    ["Completed", "completed"],
    [" COMPLETED\n", "completed"],
    ["No-Answer", "no-answer"],
    ["in-progress", "in-progress"],
    ["no answer", undefined],
    ["done", undefined],
    ["", undefined],
    [undefined, undefined]
  ] as const)("is accepted with CallStatus=%j, which means %s", (CallStatus, expected) => {
    assert.deepStrictEqual<Option.Option<string>>(read({ CallStatus }).CallStatus, Option.fromUndefinedOr(expected))
  })

  it("is inbound unless Direction says otherwise", () => {
    assert.strictEqual(read({ Direction: undefined }).Direction, "inbound")
    assert.strictEqual(read({ Direction: "outbound-api" }).Direction, "outbound-api")
  })

  it.each([
    ["CallSid", undefined],
    ["CallSid", "CA1"],
    ["CallSid", ""],
    ["AccountSid", undefined],
    ["AccountSid", callSid()]
  ])("is refused with %s=%s", (name, value) => {
    assert.isTrue(Result.isFailure(decode(form(incoming, { [name]: value }))))
  })

  it("is refused with two call SIDs", () => {
    assert.isTrue(Result.isFailure(decode({ ...form(incoming), CallSid: [callSid(1), callSid(2)] })))
  })
})

describe("a call whose stream or transfer has ended", () => {
  const decode = Schema.decodeUnknownResult(WebhookParameters.ContinueParameters)
  const read = (change: Record<string, string | undefined> = {}) => Result.getOrThrow(decode(form(incoming, change)))

  it("says how the transfer ended, if there was one", () => {
    assert.strictEqual(read().DialCallStatus, "")
    assert.strictEqual(read({ DialCallStatus: "no-answer" }).DialCallStatus, "no-answer")
    assert.strictEqual(read({ DialCallStatus: " Completed" }).DialCallStatus, "completed")
  })

  it("has its own final status next to the transfer's result", () => {
    const call = read({ CallStatus: "Failed", DialCallStatus: "no-answer" })
    assert.deepStrictEqual<Option.Option<string>>(call.CallStatus, Option.some("failed"))
  })
})

describe("a status callback", () => {
  const decode = Schema.decodeUnknownResult(WebhookParameters.StatusParameters)

  it("is read", () => {
    assert.deepStrictEqual(Result.getOrThrow(decode(form(completed))), {
      CallSid: callSid(),
      CallStatus: "completed",
      SequenceNumber: 3,
      CallDuration: "49",
      SipResponseCode: "",
      AnsweredBy: "human"
    })
  })

  it.each(["queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"])(
    "may have the status %s",
    (CallStatus) => {
      assert.strictEqual(Result.getOrThrow(decode(form(completed, { CallStatus }))).CallStatus, CallStatus)
    }
  )

  it.each(["Completed", " no-answer ", "IN-PROGRESS\n"])("may write its status as %j", (CallStatus) => {
    assert.strictEqual(Result.getOrThrow(decode(form(completed, { CallStatus }))).CallStatus, CallStatus.trim().toLowerCase())
  })

  it.each([undefined, "", "first", "1.5", "1e400", "999999999999999999999"])(
    "with the sequence number %s is accepted and counts as the oldest",
    (SequenceNumber) => {
      const report = Result.getOrThrow(decode(form(completed, { SequenceNumber })))
      assert.deepInclude(report, { SequenceNumber: -1, CallStatus: "completed" })
    }
  )

  it.each([
    ["CallStatus", "answered"],
    ["CallStatus", undefined],
    ["CallSid", "CA1"]
  ])("is refused with %s=%s", (name, value) => {
    assert.isTrue(Result.isFailure(decode(form(completed, { [name]: value }))))
  })
})

describe("a stream's status callback", () => {
  const decode = Schema.decodeUnknownResult(WebhookParameters.StreamParameters)

  it("is read, with its error", () => {
    assert.deepStrictEqual(Result.getOrThrow(decode(form(streamError))), {
      CallSid: callSid(),
      StreamSid: streamSid(),
      StreamEvent: "stream-error",
      StreamError: "Stream - handshake refused"
    })
  })

  it("has no error when the stream starts or stops", () => {
    for (const StreamEvent of ["stream-started", "stream-stopped"]) {
      const report = Result.getOrThrow(decode(form(streamError, { StreamEvent, StreamError: undefined })))
      assert.strictEqual(report.StreamError, "")
    }
  })

  it("is refused without its stream", () => {
    assert.isTrue(Result.isFailure(decode(form(streamError, { StreamSid: undefined }))))
  })
})
