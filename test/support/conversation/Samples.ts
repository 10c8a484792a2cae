/** Fictitious names and numbers. */
import { PhoneNumber } from "../../../src/domain/PhoneNumber.ts"
import { CallSid, StreamSid } from "../../../src/domain/Sid.ts"

const hex = (index: number) => index.toString(16).padStart(32, "0")

export const accountSid = `AC${hex(1)}`
export const authToken = "auth-token-of-a-test"

/** The SID of the call, or of the stream, with this index. */
export const callSid = (index = 1) => CallSid.make(`CA${hex(index)}`)
export const streamSid = (index = 1) => StreamSid.make(`MZ${hex(index)}`)

export const ours = PhoneNumber.make("+14155550100")
export const caller = PhoneNumber.make("+14155550123")
