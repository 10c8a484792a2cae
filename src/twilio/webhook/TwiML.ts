/**
 * The TwiML documents that this service answers with, built by the `twilio` package.
 *
 * https://www.twilio.com/docs/voice/twiml
 */
import VoiceResponse from "twilio/lib/twiml/VoiceResponse.js"
import type { PhoneNumber } from "../../domain/PhoneNumber.ts"
import { withRetries } from "./ConnectionOverrides.ts"

/** How long the other telephone may ring before Twilio requests `action`, in seconds. */
const ringSeconds = 20

/** Connects the call's sound to a WebSocket, both ways. When the stream ends, Twilio requests `action`. */
export const connectStream = (options: {
  /** Absolute, `wss://` (or `ws://` on loopback, with the simulator); no query string. */
  readonly url: string
  readonly action: string
  readonly statusCallback: string
  /** At most 500 characters for each name and value together. */
  readonly parameters: Readonly<Record<string, string>>
}): string => {
  const response = new VoiceResponse()
  const stream = response.connect({ action: withRetries(options.action), method: "POST" }).stream({
    url: options.url,
    statusCallback: withRetries(options.statusCallback),
    statusCallbackMethod: "POST"
  })
  for (const [name, value] of Object.entries(options.parameters)) stream.parameter({ name, value })
  return response.toString()
}

/**
 * Rings another telephone and connects it with the caller. When their conversation has ended, or nobody answered, Twilio requests `action`.
 * Without an `action` the call ends.
 *
 * https://www.twilio.com/docs/voice/twiml/dial
 */
export const dial = (options: {
  readonly to: PhoneNumber
  /** The number that the other telephone shows: a number of the account, or the caller's number. */
  readonly callerId?: PhoneNumber
  readonly action?: string
}): string => {
  const response = new VoiceResponse()
  response.dial({
    ...(options.callerId === undefined ? {} : { callerId: options.callerId }),
    ...(options.action === undefined ? {} : { action: withRetries(options.action), method: "POST" }),
    timeout: ringSeconds,
    // The caller hears ringing until somebody answers.
    answerOnBridge: true
  }).number(options.to)
  return response.toString()
}

/** Says one sentence with Twilio's own voice, then hangs up. */
export const sayAndHangUp = (sentence: string): string => {
  const response = new VoiceResponse()
  response.say(sentence)
  response.hangup()
  return response.toString()
}

export const hangUp = (): string => {
  const response = new VoiceResponse()
  response.hangup()
  return response.toString()
}
