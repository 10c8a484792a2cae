import { type Attack, countsText, forgedSignature, repeat } from "../Attack.ts"

/** About 59 KB, close to the limit of a form, so that the check of its signature costs the most. */
const form = Array.from({ length: 15_000 }, (_, index) => index.toString(36)).join("&")

const attack = (atOnce: number): Attack => ({
  name: `forged forms, ${atOnce} at once`,
  strength: `15,000 parameters, ${Math.round(form.length / 1000)} KB`,
  run: async (siege) => {
    const answers = new Map<number | string, number>()
    await repeat(siege, atOnce, async () => {
      const status = await fetch(`${siege.url}/twiml`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": forgedSignature() },
        body: form
      }).then(async (response) => {
        await response.arrayBuffer()
        return response.status
      }, () => "cut")
      answers.set(status, (answers.get(status) ?? 0) + 1)
    })
    return countsText(answers)
  }
})

export const forgedForms = [attack(50), attack(150)]
