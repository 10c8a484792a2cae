import { type Attack, type BadOutput, countsText, forgedSignature } from "../Attack.ts"
import { askAgainAndAgain } from "../requests.ts"
import { post } from "../sockets.ts"

const form = `AccountSid=AC${"0".repeat(32)}&CallSid=CA${"0".repeat(32)}&CallStatus=completed&From=%2B14155550100&To=%2B14155550199`

/** Requests about which the service logs a line: forged webhooks, and webhooks for a wrong address of this service. */
const refused = [
  () => post("/twiml", form, `X-Twilio-Signature: ${forgedSignature()}`),
  () => post("/twilio/status", form, `X-Twilio-Signature: ${forgedSignature()}`),
  () => post("/twilio/continue", form, "X-Twilio-Signature: none"),
  () => post("/twiml", form),
  () => post("/twiml", form, `X-Twilio-Signature: ${forgedSignature()}`, "X-Forwarded-Host: example.com", "X-Forwarded-Proto: https")
]

const attack = (name: string, output?: BadOutput): Attack => ({
  name: `log: ${name}`,
  strength: "refused webhooks, 50 connections",
  ...output === undefined ? {} : { output },
  run: async (siege) => {
    let at = 0
    return countsText(await askAgainAndAgain(siege, 50, () => refused[at++ % refused.length]()))
  }
})

export const logs = [
  attack("a file"),
  attack("its reader is gone", "gone"),
  attack("a pipe that nobody reads", "unread"),
  attack("a full disk", "full")
]
