import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { Webhook } from "standardwebhooks"
import { signer } from "../../../src/delivery/WebhookSecrets.ts"

const [newer, older, other] = ["n", "o", "x"].map((letter) => `whsec_${letter.repeat(32)}`)
const body = "{\"type\":\"call.ended\"}"

describe("a signature", () => {
  const headers = signer([Redacted.make(newer), Redacted.make(older)]).headers("call_ended_CA1", body, Date.now())

  it("is accepted by a receiver that knows the new secret, and by one that knows the old one", () => {
    for (const secret of [newer, older]) assert.deepStrictEqual(new Webhook(secret).verify(body, headers), { type: "call.ended" })
  })

  it("is refused with another secret, another body or another id", () => {
    assert.throws(() => new Webhook(other).verify(body, headers))
    assert.throws(() => new Webhook(newer).verify(`${body} `, headers))
    assert.throws(() => new Webhook(newer).verify(body, { ...headers, "webhook-id": "call_ended_CA2" }))
  })
})
